import { AuthError } from "../../errors.ts";
import type { AbortOptions } from "../../io/mod.ts";
import { apiGet, type ApiGetOptions, type ClusterConnection } from "./api_request.ts";
import type { KubernetesSecret } from "../pull_secret.ts";

/** A ServiceAccount as the Kubernetes API gives it, as far as credentials for registries go. */
export interface KubernetesServiceAccount {
  /** The secrets that its pods pull images with. */
  readonly imagePullSecrets?: readonly { readonly name?: string }[] | null;
  /** The secrets that its pods may mount. */
  readonly secrets?: readonly { readonly name?: string }[] | null;
}

/**
 * What is needed of the Kubernetes API. {@linkcode kubernetesClient} makes one; a client of another package can be
 * wrapped in a few lines.
 */
export interface KubernetesClient {
  /** A secret, `undefined` if there is none of that name. */
  secret(namespace: string, name: string, options?: AbortOptions): Promise<KubernetesSecret | undefined>;
  /** A service account, `undefined` if there is none of that name. */
  serviceAccount(
    namespace: string,
    name: string,
    options?: AbortOptions,
  ): Promise<KubernetesServiceAccount | undefined>;
  /** The namespace that this client is in, `undefined` if it is in none; without this method: in none. */
  namespace?(options?: AbortOptions): Promise<string | undefined>;
}

/** Options of {@linkcode kubernetesClient}. */
export interface KubernetesClientOptions extends Omit<ApiGetOptions, "signal"> {}

/**
 * A client of the Kubernetes API. `connect` is called before each request, so that tokens that rotate are read anew.
 *
 * @throws {AuthError} from the methods, when the API refuses or answers with something else than what was asked for.
 * @throws {NetworkError} from the methods, when the API can't be reached.
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

/** A name as a part of a path (Kubernetes: "Object Names and IDs"); no other can lead elsewhere. */
function segment(name: string): string {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return name;
  throw new AuthError(`${JSON.stringify(name)} can't be the name of a namespace, secret or service account`, {
    hint: "names have lower-case letters, digits, - and . only",
  });
}
