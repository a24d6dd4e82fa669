import { AuthError } from "../../errors.ts";
import type { AbortOptions } from "../../io/mod.ts";
import { apiGet, type ApiGetOptions, type ClusterConnection } from "./api_request.ts";
import type { KubernetesSecret } from "../pull_secret.ts";

/** A ServiceAccount of the Kubernetes API, with the fields for registry credentials. */
export interface KubernetesServiceAccount {
  /** The pull secrets of its pods. */
  readonly imagePullSecrets?: readonly { readonly name?: string }[] | null;
  /** The secrets that its pods may mount. */
  readonly secrets?: readonly { readonly name?: string }[] | null;
}

/**
 * The methods that are needed of a Kubernetes API client. {@linkcode kubernetesClient} creates one; a client of another
 * package needs a small wrapper.
 */
export interface KubernetesClient {
  /** Returns a secret, `undefined` if there is none of that name. */
  secret(namespace: string, name: string, options?: AbortOptions): Promise<KubernetesSecret | undefined>;
  /** Returns a service account, `undefined` if there is none of that name. */
  serviceAccount(
    namespace: string,
    name: string,
    options?: AbortOptions,
  ): Promise<KubernetesServiceAccount | undefined>;
  /** Returns the client's own namespace, if it has one. Optional. */
  namespace?(options?: AbortOptions): Promise<string | undefined>;
}

/** Options of {@linkcode kubernetesClient}. */
export interface KubernetesClientOptions extends Omit<ApiGetOptions, "signal"> {}

/**
 * Creates a client of the Kubernetes API. Calls `connect` before each request, so that rotated tokens are read.
 *
 * @throws {AuthError} from the methods, if the API refuses or answers with another object.
 * @throws {NetworkError} from the methods, if the API can't be reached.
 */
export function kubernetesClient(
  connect: (options?: AbortOptions) => Promise<ClusterConnection>,
  options: KubernetesClientOptions = {},
): KubernetesClient {
  const get = async (path: string, { signal }: AbortOptions) =>
    await apiGet(await connect({ signal }), path, { ...options, signal });
  return {
    async secret(namespace, name, { signal } = {}) {
      return await get(`/api/v1/namespaces/${segment(namespace)}/secrets/${segment(name)}`, { signal }) as
        | KubernetesSecret
        | undefined;
    },
    async serviceAccount(namespace, name, { signal } = {}) {
      return await get(`/api/v1/namespaces/${segment(namespace)}/serviceaccounts/${segment(name)}`, { signal }) as
        | KubernetesServiceAccount
        | undefined;
    },
    async namespace({ signal } = {}) {
      return (await connect({ signal })).namespace;
    },
  };
}

/** Checks a name for a path (Kubernetes: "Object Names and IDs"): no other one is safe there. */
function segment(name: string): string {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return name;
  throw new AuthError(`${JSON.stringify(name)} can't be the name of a namespace, secret or service account`, {
    hint: "names have lower-case letters, digits, - and . only",
  });
}
