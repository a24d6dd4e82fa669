import { accessFromSettings } from "./access/access_settings.ts";
import type { R2BucketLike } from "./stores/bucket/r2_binding.ts";
import type { RegistryOptions } from "./registry.ts";

/** What a Worker is bound to and configured with: variables, and secrets where they are secret. */
export interface WorkerEnvironment {
  /** The bucket that holds the registry. */
  readonly BUCKET: R2BucketLike;
  /** `true` for a registry that nobody changes. */
  readonly GCRANE_REGISTRY_READ_ONLY?: string;
  /** A secret: users with their passwords, lines of `user:password`. */
  readonly GCRANE_REGISTRY_USERS?: string;
  /** Who may do what: `USER=REPOSITORY:ACTIONS`, several with spaces between. */
  readonly GCRANE_REGISTRY_ALLOW?: string;
  /** `true` to let everybody pull. */
  readonly GCRANE_REGISTRY_ANONYMOUS_PULL?: string;
  /** `true` to exchange passwords for tokens; needs the key, as instances of the Worker have to share it. */
  readonly GCRANE_REGISTRY_TOKEN_AUTH?: string;
  /** A secret: the private key that tokens are signed with, as PEM or JWK. */
  readonly GCRANE_REGISTRY_TOKEN_KEY?: string;
  /** `false` for no web page. */
  readonly GCRANE_REGISTRY_PAGE?: string;
}

/**
 * The options of the registry, from the variables and secrets of the Worker.
 *
 * @throws {TypeError} when they make no sense.
 */
export function workerOptions(environment: WorkerEnvironment): Omit<RegistryOptions, "store"> {
  const allow = environment.GCRANE_REGISTRY_ALLOW;
  const tokenAuth = environment.GCRANE_REGISTRY_TOKEN_AUTH === "true";
  const tokenKey = environment.GCRANE_REGISTRY_TOKEN_KEY;
  if (tokenAuth && !tokenKey) throw new TypeError("GCRANE_REGISTRY_TOKEN_AUTH needs GCRANE_REGISTRY_TOKEN_KEY");
  return {
    readOnly: environment.GCRANE_REGISTRY_READ_ONLY === "true",
    page: environment.GCRANE_REGISTRY_PAGE !== "false",
    metrics: false, // each instance would have numbers of its own
    access: accessFromSettings({
      users: environment.GCRANE_REGISTRY_USERS,
      allow: allow ? [allow] : [],
      anonymousPull: environment.GCRANE_REGISTRY_ANONYMOUS_PULL === "true",
      tokenAuth,
      tokenKey,
    }, { label: (setting) => `GCRANE_REGISTRY_${setting.replaceAll(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}` }),
    onError: (error, request) => {
      const where = request ? `${request.method} ${new URL(request.url).pathname}: ` : "";
      console.error(`${where}${(error as Error).message}`);
    },
  };
}
