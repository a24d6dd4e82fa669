import {
  type AuthConfig,
  type CredentialLocation,
  fromConfig,
  type LoginOptions,
  storeCredentials,
} from "../authn/mod.ts";
import { AuthError, HttpError } from "../errors.ts";
import { parseRegistry, type Registry } from "../name/mod.ts";
import { connect, discard } from "../transport/internal.ts";
import type { TransportOptions } from "../transport/mod.ts";

/** Options of {@linkcode signIn}. */
export interface SignInOptions extends LoginOptions, Omit<TransportOptions, "keychain"> {
  /**
   * Whether the registry is asked first, and refused credentials are not stored.
   *
   * @default true
   */
  check?: boolean;
}

/** The result of {@linkcode signIn}. */
export interface SignedIn extends CredentialLocation {
  /** Whether the registry accepted the credentials. It is not known without a check, or if it asks for none. */
  readonly isProven: boolean;
}

/**
 * Signs in to a registry (ping, then a token or basic authentication) and stores the credentials that worked, as
 * `storeCredentials` does.
 *
 * @throws {AuthError} if the registry refuses the credentials, or they can't be stored; nothing is changed then.
 * @throws {NetworkError} if the registry can't be reached; nothing is changed then.
 */
export async function signIn(
  registry: Registry | string,
  credentials: AuthConfig,
  options: SignInOptions = {},
): Promise<SignedIn> {
  const { check = true, insecure } = options;
  const parsed = parseRegistry(registry, { insecure });
  const isProven = check && await prove(parsed, credentials, options);
  return { ...await storeCredentials(parsed.name, credentials, options), isProven };
}

/** Returns whether the registry asks for credentials and accepts these. @throws {AuthError} if it refuses them. */
async function prove(registry: Registry, credentials: AuthConfig, options: SignInOptions): Promise<boolean> {
  const { signal } = options;
  const authenticator = fromConfig(credentials);
  const keychain = { resolve: () => Promise.resolve(authenticator) };
  const connection = await connect(registry, { ...options, keychain });
  if ((await connection.ping({ signal })).challenge === undefined) return false;
  try {
    const request = { method: "GET", to: "/v2/", scopes: [], expect: [200], signal };
    await discard((await connection.request(undefined, request)).response);
    return true;
  } catch (cause) {
    if (!(cause instanceof HttpError && [401, 403].includes(cause.status))) throw cause;
    throw new AuthError(`${registry.name} refuses these credentials with status ${cause.status}`, {
      cause,
      hint: "check the user and the password or token; nothing was stored",
    });
  }
}
