import { type AbortOptions, lazy } from "../../io/mod.ts";
import { environmentVariable } from "../../runtime/mod.ts";
import type { Keychain, KeychainWarningOptions } from "../keychain.ts";
import { refreshingKeychain, type RefreshingKeychainOptions } from "../refreshing_keychain.ts";
import type { KubernetesClient } from "./client.ts";
import { inClusterClient, isInCluster } from "./in_cluster.ts";
import { kubeconfigClient, type KubeconfigOptions } from "./kubeconfig_client.ts";
import { keychainFromPullSecrets } from "../pull_secrets.ts";
import type { KubernetesSecret } from "../pull_secret.ts";

/** Options of {@linkcode kubernetesKeychain}. */
export interface KubernetesKeychainOptions extends KeychainWarningOptions, RefreshingKeychainOptions {
  /**
   * The namespace of the service account and the secrets.
   * @default the client's own namespace, else "default"
   */
  namespace?: string;
  /**
   * The service account whose pull secrets are used; `false` for none.
   * @default "default"
   */
  serviceAccountName?: string | false;
  /**
   * The names of further pull secrets, which come before those of the service account.
   * @default none
   */
  imagePullSecrets?: readonly string[];
  /**
   * Whether to use the secrets that the service account may mount too, after its pull secrets.
   * @default false
   */
  useMountSecrets?: boolean;
  /**
   * Whether to skip pull secrets, to push with a mount secret only.
   * @default false
   */
  ignorePullSecrets?: boolean;
  /**
   * The API of the cluster.
   * @default that of `kubeconfig` or `$KUBECONFIG` if given, else the cluster that the program runs in, else that
   * of `~/.kube/config`
   */
  client?: KubernetesClient;
  /**
   * A kubeconfig file to find the cluster by.
   * @default see `client`
   */
  kubeconfig?: KubeconfigOptions["file"];
  /**
   * Returns the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
}

/** How long the API's answer is used, in milliseconds. */
const DEFAULT_DURATION_MS = 300_000;

/**
 * The keychain of a service account's pull secrets from the Kubernetes API: the credentials of its pods. The order is
 * `imagePullSecrets`, the pull secrets of the service account, and optionally its mount secrets.
 *
 * Asks the API on the first `resolve`, and again after `durationMs`; concurrent callers share the answer. If a later
 * request fails, the old answer is used. A missing service account or secret gives a warning and is skipped.
 *
 * @throws {AuthError} from `resolve`, if the API refuses or a secret is not valid.
 * @throws {NetworkError} from `resolve`, if the API can't be reached.
 */
export function kubernetesKeychain(options: KubernetesKeychainOptions = {}): Keychain {
  const { durationMs = DEFAULT_DURATION_MS, clock = Date.now } = options;
  const client = options.client ?? defaultClient(options);
  const current = renewed(async () => keychainFromPullSecrets(await pullSecrets(client, options)), options);
  const keychain: Keychain = {
    async resolve(target, { signal } = {}) {
      return await (await current({ signal })).resolve(target, { signal });
    },
  };
  return refreshingKeychain(keychain, { durationMs, clock });
}

function defaultClient({ kubeconfig, environment = environmentVariable }: KubernetesKeychainOptions): KubernetesClient {
  const isFileGiven = kubeconfig !== undefined || Boolean(environment("KUBECONFIG"));
  if (!isFileGiven && isInCluster(environment)) return inClusterClient({ environment });
  return kubeconfigClient({ environment, ...(kubeconfig !== undefined && { file: kubeconfig }) });
}

/** A value that is renewed when it is older than `durationMs`. If that fails, the old one stays. */
function renewed<T>(
  make: () => Promise<T>,
  { durationMs = DEFAULT_DURATION_MS, clock = Date.now, warn }: KubernetesKeychainOptions,
): (options?: AbortOptions) => Promise<T> {
  let last: { value: T } | undefined;
  let current: { readonly askedAt: number; readonly value: (options?: AbortOptions) => Promise<T> } | undefined;
  const attempt = async () => {
    try {
      last = { value: await make() };
    } catch (error) {
      if (!last) throw error;
      warn?.(`the pull secrets of before are used on: ${error instanceof Error ? error.message : error}`);
    }
    return last.value;
  };
  return (options) => {
    if (!current || clock() - current.askedAt > durationMs) current = { askedAt: clock(), value: lazy(attempt) };
    return current.value(options);
  };
}

async function pullSecrets(client: KubernetesClient, options: KubernetesKeychainOptions): Promise<KubernetesSecret[]> {
  const { serviceAccountName = "default", imagePullSecrets = [], useMountSecrets, ignorePullSecrets, warn } = options;
  const namespace = options.namespace ?? await client.namespace?.() ?? "default";
  const account = serviceAccountName === false
    ? undefined
    : await client.serviceAccount(namespace, serviceAccountName) ??
      notThere(`the service account ${namespace}/${serviceAccountName}`, warn);
  const names = [
    ...(ignorePullSecrets ? [] : [...imagePullSecrets, ...namesOf(account?.imagePullSecrets)]),
    ...(useMountSecrets ? namesOf(account?.secrets) : []),
  ];
  const secrets = await Promise.all([...new Set(names)].map(async (name) => {
    const secret = await client.secret(namespace, name) ?? notThere(`the secret ${namespace}/${name}`, warn);
    return secret && { ...secret, metadata: { namespace, name } };
  }));
  return secrets.filter((secret) => secret !== undefined);
}

function notThere(what: string, warn: KeychainWarningOptions["warn"]): undefined {
  warn?.(`${what} is not there`);
  return undefined;
}

function namesOf(references: readonly { readonly name?: string }[] | null | undefined): string[] {
  return (references ?? []).flatMap(({ name }) => name ? [name] : []);
}
