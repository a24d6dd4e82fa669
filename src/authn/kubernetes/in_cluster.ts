import { AuthError } from "../../errors.ts";
import { environmentVariable, joinPath } from "../../runtime/mod.ts";
import { readFileIfThere } from "../config_location.ts";
import { tokenClaims } from "../fields.ts";
import type { ClusterConnection } from "./api_request.ts";
import { type KubernetesClient, kubernetesClient, type KubernetesClientOptions } from "./client.ts";
import { checkPem } from "./pem.ts";

/** Options of {@linkcode inClusterClient}. */
export interface InClusterOptions extends KubernetesClientOptions {
  /**
   * Returns the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The directory with `token`, `ca.crt` and `namespace` of the pod's service account.
   * @default `$GCRANE_SERVICE_ACCOUNT_DIR`, for tokens projected elsewhere, else
   * "/var/run/secrets/kubernetes.io/serviceaccount", where Kubernetes mounts them
   */
  directory?: string;
}

/** Set by Kubernetes in each pod. */
const HOST_VARIABLE = "KUBERNETES_SERVICE_HOST";

/** Whether the program runs in a pod. */
export function isInCluster(environment: (name: string) => string | undefined): boolean {
  return Boolean(environment(HOST_VARIABLE));
}

/**
 * The API of the cluster that the program runs in, as the pod's service account. The server is that of
 * `$KUBERNETES_SERVICE_HOST` and `$KUBERNETES_SERVICE_PORT`, verified by the cluster's own authority. The token rotates
 * and is read for each request. Reads nothing before the first request.
 *
 * @throws {AuthError} from the methods, if this is not a pod, it has no service account, or the API refuses.
 */
export function inClusterClient(options: InClusterOptions = {}): KubernetesClient {
  return kubernetesClient(() => connect(options), options);
}

async function connect(options: InClusterOptions): Promise<ClusterConnection> {
  const { environment = environmentVariable } = options;
  const host = environment(HOST_VARIABLE);
  if (!host) {
    throw new AuthError(`this is not a pod of a Kubernetes cluster: ${HOST_VARIABLE} is not set`, {
      hint: "outside of a cluster use a kubeconfig file",
    });
  }
  const port = environment("KUBERNETES_SERVICE_PORT") || "443";
  const [token, ca, namespace] = await Promise.all(["token", "ca.crt", "namespace"].map((it) => podFile(it, options)));
  if (token === undefined) {
    throw new AuthError(`the pod has no service account: there is no ${podPath("token", options)}`, {
      hint: "is automountServiceAccountToken false for it or its service account?",
    });
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    authorization: `Bearer ${token}`,
    unauthorizedHint: `the token is that of ${podPath("token", options)}`,
    ...(ca !== undefined && { ca: checkPem(ca, "CERTIFICATE", podPath("ca.crt", options)) }),
    ...(namespace !== undefined && { namespace }),
  };
}

/** Returns the name of the pod's own service account from its token; `undefined` if there is none. */
export async function podServiceAccountName(options: InClusterOptions = {}): Promise<string | undefined> {
  const { sub } = tokenClaims(await podFile("token", options) ?? "");
  return /^system:serviceaccount:[^:]+:([^:]+)$/.exec(String(sub))?.[1];
}

function podPath(name: string, { directory, environment = environmentVariable }: InClusterOptions): string {
  const mounted = "/var/run/secrets/kubernetes.io/serviceaccount";
  return joinPath(directory ?? (environment("GCRANE_SERVICE_ACCOUNT_DIR") || mounted), name);
}

async function podFile(name: string, options: InClusterOptions): Promise<string | undefined> {
  return (await readFileIfThere(podPath(name, options)))?.trim() || undefined;
}
