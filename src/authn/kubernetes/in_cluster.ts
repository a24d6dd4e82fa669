import { AuthError } from "../../errors.ts";
import { environmentVariable, joinPath } from "../../runtime/mod.ts";
import { readFileIfThere } from "../config_location.ts";
import type { ClusterConnection } from "./api_request.ts";
import { type KubernetesClient, kubernetesClient, type KubernetesClientOptions } from "./client.ts";

/** Options of {@linkcode inClusterClient}. */
export interface InClusterOptions extends KubernetesClientOptions {
  /**
   * Gives the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * Where Kubernetes mounts `token`, `ca.crt` and `namespace` of the pod's service account.
   * @default "/var/run/secrets/kubernetes.io/serviceaccount"
   */
  directory?: string;
}

/** Where Kubernetes says that a pod is in a cluster. */
const HOST_VARIABLE = "KUBERNETES_SERVICE_HOST";

/** Whether the program runs in a pod. */
export function isInCluster(environment: (name: string) => string | undefined): boolean {
  return Boolean(environment(HOST_VARIABLE));
}

/**
 * The API of the cluster that the program runs in, as the pod's service account. The server is that of
 * `$KUBERNETES_SERVICE_HOST` and `$KUBERNETES_SERVICE_PORT`, which the cluster's own authority has to vouch for; the
 * token, which rotates, is read anew for each request. Nothing is read before something is asked for.
 *
 * @throws {AuthError} from the methods, when this is no pod, it has no service account, or the API refuses.
 */
export function inClusterClient(options: InClusterOptions = {}): KubernetesClient {
  return kubernetesClient(() => connect(options), options);
}

async function connect(options: InClusterOptions): Promise<ClusterConnection> {
  const { environment = environmentVariable, directory = "/var/run/secrets/kubernetes.io/serviceaccount" } = options;
  const host = environment(HOST_VARIABLE);
  if (!host) {
    throw new AuthError(`this is no pod of a Kubernetes cluster: ${HOST_VARIABLE} is not set`, {
      hint: "outside of a cluster use a kubeconfig file",
    });
  }
  const port = environment("KUBERNETES_SERVICE_PORT") || "443";
  const read = async (name: string) => (await readFileIfThere(joinPath(directory, name)))?.trim() || undefined;
  const [token, ca, namespace] = await Promise.all(["token", "ca.crt", "namespace"].map(read));
  if (token === undefined) {
    throw new AuthError(`the pod has no service account: there is no ${joinPath(directory, "token")}`, {
      hint: "does it, or its service account, say automountServiceAccountToken: false?",
    });
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    authorization: `Bearer ${token}`,
    unauthorizedHint: `the token is that of ${joinPath(directory, "token")}`,
    ...(ca !== undefined && { ca }),
    ...(namespace !== undefined && { namespace }),
  };
}
