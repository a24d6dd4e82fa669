import { AuthError } from "../errors.ts";
import { type AbortOptions, BoundedMap, isObject } from "../io/mod.ts";
import { type AuthConfig, isEmptyAuth, normalizeAuth } from "./auth_config.ts";
import { anonymous, fromConfig } from "./authenticator.ts";
import { configKeys, hostOfKey, isNamespaceKey, podmanKeys } from "./config_key.ts";
import { authFromHelper, type CredentialHelper, credentialHelper } from "./credential_helper.ts";
import { askHelper } from "./helper_keychain.ts";
import type { Keychain, KeychainWarningOptions } from "./keychain.ts";

/** How many reasons of warnings are remembered. */
const MOST_WARNINGS = 100;

/** The credentials for one server in docker's config file. */
export interface DockerConfigEntry {
  /** `username:password` in base64, padded or not; replaces both fields. */
  auth?: string;
  /** The name for basic authentication. */
  username?: string;
  /** The password for basic authentication. */
  password?: string;
  /** A refresh token. */
  identitytoken?: string;
  /** A token of the registry. */
  registrytoken?: string;
  /** Other fields are kept. */
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
  /** Other fields are kept. */
  [other: string]: unknown;
}

/** Options of {@linkcode dockerConfigKeychain}. */
export interface DockerConfigKeychainOptions extends KeychainWarningOptions {
  /**
   * The origin of the config, for error messages.
   * @default "the docker config"
   */
  source?: string;
  /**
   * Creates the credential helper of a name.
   * @default credentialHelper
   */
  helper?: (name: string) => Pick<CredentialHelper, "get">;
  /**
   * Whether the config is podman's `auth.json`, where a key with a path is a namespace, `quay.io/team`, and not a host.
   * @default false
   */
  namespaces?: boolean;
}

/**
 * Parses docker's config file. An empty text is an empty config, as for docker.
 *
 * @param source the name of the file in an error message.
 * @throws {AuthError} if it is not a JSON object with the types of {@linkcode DockerConfig}. Neither the message nor
 * the cause contains any of it.
 */
export function parseDockerConfig(text: string, source: string): DockerConfig {
  return text.trim() === "" ? {} : dockerConfigOf(parseConfigJson(text, source), source);
}

/** Checks a parsed config file. @throws {AuthError} if its fields have other types. */
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
  if (problem) throw new AuthError(`${source}: ${problem}`, { hint: "fix the file or move it away" });
  return config as DockerConfig;
}

/**
 * The keychain of docker's config file. It depends on the config alone, except for the helpers in it.
 *
 * Looks up the full repository first, with `namespaces` then each of its namespaces, then the host. For each,
 * `credHelpers` come before `credsStore`, which is not asked for namespaces, and that before `auths`, where a key may
 * also be a URL of the host. A helper that fails counts as one without credentials, and gives a warning once for each
 * reason.
 */
export function dockerConfigKeychain(config: DockerConfig, options: DockerConfigKeychainOptions = {}): Keychain {
  const { source = "the docker config", helper = credentialHelper, namespaces = false, warn } = options;
  // A helper is asked for several keys, and one that is missing is missing for all.
  const warned = new BoundedMap<string, true>(MOST_WARNINGS);

  const lookUp = async (
    key: string,
    { mayAskStore, signal }: AbortOptions & { mayAskStore: boolean },
  ): Promise<AuthConfig> => {
    const name = mayAskStore ? helperName(config, key) : ownHelper(config, key);
    if (name) {
      const credentials = await askHelper(namedHelper(name, helper, source), key, { signal, warn, warned });
      return normalizeAuth(credentials ? authFromHelper(credentials) : {}, source);
    }
    const found = findEntry(config, key, namespaces);
    return found ? authOfEntry(found.entry, `${source}: ${JSON.stringify(found.key)}`) : {};
  };

  return {
    async resolve(target, { signal } = {}) {
      const forStore = configKeys(target);
      for (const key of namespaces ? podmanKeys(target) : forStore) {
        const auth = await lookUp(key, { mayAskStore: forStore.includes(key), signal });
        if (!isEmptyAuth(auth)) return fromConfig(auth);
      }
      return anonymous;
    },
  };
}

/** Returns the name of the helper for a key; `undefined` or `""` if there is none. */
export function helperName(config: DockerConfig, key: string): string | undefined {
  return ownHelper(config, key) ?? config.credsStore;
}

function ownHelper({ credHelpers }: DockerConfig, key: string): string | undefined {
  return credHelpers && Object.hasOwn(credHelpers, key) ? credHelpers[key] : undefined;
}

/** Returns the helper of a name in a config. @throws {AuthError} if there can't be such a helper. */
export function namedHelper<Helper>(name: string, helper: (name: string) => Helper, source: string): Helper {
  try {
    return helper(name);
  } catch (cause) {
    throw new AuthError(`${source}: ${cause instanceof AuthError ? cause.message : "no such credential helper"}`, {
      cause,
      hint: `fix "credHelpers" and "credsStore"`,
    });
  }
}

/** Returns the entry of a key, else the first whose key is a URL of that host, or a path without `namespaces`. */
function findEntry(
  config: DockerConfig,
  key: string,
  namespaces: boolean,
): { key: string; entry: DockerConfigEntry } | undefined {
  const auths = config.auths ?? {};
  const found = Object.hasOwn(auths, key)
    ? key
    : Object.keys(auths).find((other) => hostOfKey(other) === key && !(namespaces && isNamespaceKey(other)));
  return found === undefined ? undefined : { key: found, entry: auths[found] };
}

/** Returns the credentials of an entry. @throws {AuthError} if they are not strings, or `auth` can't be decoded. */
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

/** Parses JSON that may contain secrets. @throws {AuthError} if it is not valid; the error contains none of it. */
export function parseConfigJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: it quotes the text with its secrets.
    throw new AuthError(`${source}: it is not JSON`, { hint: "fix the file or move it away" });
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** Whether a field is absent or an object whose values all pass. Go writes an empty map as `null`. */
function isRecordOf(value: unknown, passes: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (isObject(value) && Object.values(value).every(passes));
}
