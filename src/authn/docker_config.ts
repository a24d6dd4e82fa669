import { AuthError } from "../errors.ts";
import { type AbortOptions, isObject } from "../io/mod.ts";
import { type AuthConfig, isEmptyAuth, normalizeAuth } from "./auth_config.ts";
import { anonymous, fromConfig } from "./authenticator.ts";
import { configKeys, hostOfKey } from "./config_key.ts";
import { authFromHelper, type CredentialHelper, credentialHelper } from "./credential_helper.ts";
import { askHelper } from "./helper_keychain.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/** The credentials for one server in docker's config file. */
export interface DockerConfigEntry {
  /** `username:password` in base64, padded or not; it overrides the two. */
  auth?: string;
  /** The name for basic authentication. */
  username?: string;
  /** The password for basic authentication. */
  password?: string;
  /** A refresh token. */
  identitytoken?: string;
  /** A token of the registry. */
  registrytoken?: string;
  /** Whatever else is there is kept. */
  [other: string]: unknown;
}

/** Docker's `config.json`, or podman's `auth.json`, as far as credentials go. */
export interface DockerConfig {
  /** Credentials by server: a host, a repository or, for Docker Hub, `https://index.docker.io/v1/`. */
  auths?: Readonly<Record<string, DockerConfigEntry>>;
  /** The name of the credential helper by server; an empty name means `auths`. */
  credHelpers?: Readonly<Record<string, string>>;
  /** The name of the credential helper for all other servers. */
  credsStore?: string;
  /** Whatever else is there is kept. */
  [other: string]: unknown;
}

/** Options of {@linkcode dockerConfigKeychain}. */
export interface DockerConfigKeychainOptions extends KeychainWarningOptions {
  /**
   * Where the config is from, for error messages.
   * @default "the docker config"
   */
  source?: string;
  /**
   * Makes the credential helper of a name.
   * @default credentialHelper
   */
  helper?: (name: string) => Pick<CredentialHelper, "get">;
}

/**
 * Reads docker's config file. An empty text is an empty config, as it is to docker.
 *
 * @param source what to call the file in an error message.
 * @throws {AuthError} when it is not a JSON object whose fields have the types of {@linkcode DockerConfig}; neither the
 * message nor the cause repeats what is in it.
 */
export function parseDockerConfig(text: string, source: string): DockerConfig {
  return text.trim() === "" ? {} : dockerConfigOf(parseConfigJson(text, source), source);
}

/** What was read from docker's config file, if it is one. @throws {AuthError} when it is none. */
export function dockerConfigOf(config: unknown, source: string): DockerConfig {
  const problem = !isObject(config)
    ? "it is not a JSON object"
    : !isRecordOf(config.auths, isObject)
    ? `"auths" does not hold an object for each server`
    : !isRecordOf(config.credHelpers, isString)
    ? `"credHelpers" does not hold a name for each server`
    : config.credsStore !== undefined && !isString(config.credsStore)
    ? `"credsStore" is not a name`
    : undefined;
  if (problem) throw new AuthError(`${source}: ${problem}`, { hint: "mend the file or move it away" });
  return config as DockerConfig;
}

/**
 * The keychain of docker's config file: a pure function of the config, but for the helpers that it names.
 *
 * The full repository is looked up first, then the host. For each, `credHelpers` beat `credsStore` and that beats
 * `auths`, where a key may also be a URL of the host. A helper that fails counts as one that knows nothing.
 */
export function dockerConfigKeychain(config: DockerConfig, options: DockerConfigKeychainOptions = {}): Keychain {
  const { source = "the docker config", helper = credentialHelper, warn } = options;

  const lookUp = async (key: string, { signal }: AbortOptions): Promise<AuthConfig> => {
    const name = helperName(config, key);
    if (name) {
      const credentials = await askHelper(namedHelper(name, helper, source), key, { signal, warn });
      return normalizeAuth(credentials ? authFromHelper(credentials) : {}, source);
    }
    const found = findEntry(config, key);
    return found ? authOfEntry(found.entry, `${source}: ${JSON.stringify(found.key)}`) : {};
  };

  return {
    async resolve(target, { signal } = {}) {
      for (const key of configKeys(target)) {
        const auth = await lookUp(key, { signal });
        if (!isEmptyAuth(auth)) return fromConfig(auth);
      }
      return anonymous;
    },
  };
}

/** The name of the helper that a config has for a key, `undefined` or `""` if it has none. */
export function helperName({ credHelpers, credsStore }: DockerConfig, key: string): string | undefined {
  return credHelpers && Object.hasOwn(credHelpers, key) ? credHelpers[key] : credsStore;
}

/** The helper of a name that a config has. @throws {AuthError} when there can't be such a helper. */
export function namedHelper<Helper>(name: string, helper: (name: string) => Helper, source: string): Helper {
  try {
    return helper(name);
  } catch (cause) {
    throw new AuthError(`${source}: ${cause instanceof AuthError ? cause.message : "no such credential helper"}`, {
      cause,
      hint: `mend "credHelpers" and "credsStore"`,
    });
  }
}

/** The entry of a key, else the first whose key is a URL or path of that host. */
function findEntry(config: DockerConfig, key: string): { key: string; entry: DockerConfigEntry } | undefined {
  const auths = config.auths ?? {};
  const found = Object.hasOwn(auths, key) ? key : Object.keys(auths).find((other) => hostOfKey(other) === key);
  return found === undefined ? undefined : { key: found, entry: auths[found] };
}

/** The credentials in an entry. @throws {AuthError} when they are no strings, or `auth` can't be taken apart. */
export function authOfEntry(entry: DockerConfigEntry, source: string): AuthConfig {
  const { auth, username, password, identitytoken: identityToken, registrytoken: registryToken } = entry;
  const fields = { auth, username, password, identityToken, registryToken };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && typeof value !== "string") {
      throw new AuthError(`${source}: "${name.toLowerCase()}" is not a string`, { hint: "log in again to replace it" });
    }
  }
  return normalizeAuth(fields, source);
}

/** Reads JSON that may hold secrets. @throws {AuthError} when it is none; the error repeats nothing of it. */
export function parseConfigJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause, which quotes the text, secrets and all.
    throw new AuthError(`${source}: it is not JSON`, { hint: "mend the file or move it away" });
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** Whether a field is absent or an object all of whose values pass. Go writes an empty map as `null`. */
function isRecordOf(value: unknown, passes: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (isObject(value) && Object.values(value).every(passes));
}
