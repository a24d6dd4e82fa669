import { AuthError, FileError } from "../errors.ts";
import type { AbortOptions } from "../io/mod.ts";
import { dirName, makeDirectory, writeFileAtomic } from "../runtime/mod.ts";
import { type AuthConfig, encodeAuth, isEmptyAuth, normalizeAuth } from "./auth_config.ts";
import { configKey, hostOfKey } from "./config_key.ts";
import { type ConfigLocationOptions, dockerConfigPath, readFileIfThere } from "./config_location.ts";
import { authToHelper, type CredentialHelper, credentialHelper } from "./credential_helper.ts";
import {
  type DockerConfig,
  type DockerConfigEntry,
  helperName,
  namedHelper,
  parseDockerConfig,
} from "./docker_config.ts";

/** Options of {@linkcode storeCredentials} and {@linkcode eraseCredentials}. */
export interface LoginOptions extends AbortOptions, ConfigLocationOptions {
  /**
   * The config file, in docker's format.
   * @default "config.json" in `$DOCKER_CONFIG`, else in `~/.docker`
   */
  file?: string;
  /**
   * Makes the credential helper of a name.
   * @default credentialHelper
   */
  helper?: (name: string) => Pick<CredentialHelper, "store" | "erase">;
}

/** Where credentials are kept. */
export interface CredentialLocation {
  /** The config file. */
  readonly file: string;
  /** The name of the credential helper that has the secret; without one the file itself has it, readable. */
  readonly helper?: string;
}

/**
 * Keeps credentials for a server as `docker login` does: in the credential helper that docker's config file names for
 * it, else in the file, which then has mode 0600. Everything else in the file stays as it is.
 *
 * @param server a host, with or without `https://`, or a repository; Docker Hub goes by any of its names.
 * @throws {AuthError} when the config file is not one or the helper fails; nothing was changed then.
 * @throws {FileError} when the file can't be read or written.
 */
export async function storeCredentials(
  server: string,
  config: AuthConfig,
  options: LoginOptions = {},
): Promise<CredentialLocation> {
  const { helper = credentialHelper, signal } = options;
  const key = loginKey(server);
  const auth = normalizeAuth(config, "the credentials");
  if (isEmptyAuth(auth)) throw new TypeError(`there are no credentials to store for ${server}`);
  return await inTurn(configFile(options), async (file) => {
    const { text, config } = await readConfig(file, signal);
    const name = helperName(config, key);
    if (name) {
      if (auth.registryToken) {
        throw new AuthError(`the credential helper ${name} can't keep a registry token for ${server}`);
      }
      await namedHelper(name, helper, file).store(key, authToHelper(auth), { signal });
    }
    // With a helper the entry stays, empty, so that docker knows of the login.
    const entry = name ? {} : entryOf(auth);
    await writeConfig({ ...config, auths: { ...config.auths, [key]: entry } }, { file, text, signal });
    return name ? { file, helper: name } : { file };
  });
}

/**
 * Forgets the credentials for a server, in the credential helper and in docker's config file, where entries by URL of
 * the same host go too.
 *
 * @returns where they were, `undefined` if there were none; a helper does not say whether it had any.
 * @throws {AuthError} when the config file is not one or the helper fails.
 * @throws {FileError} when the file can't be read or written.
 */
export async function eraseCredentials(
  server: string,
  options: LoginOptions = {},
): Promise<CredentialLocation | undefined> {
  const { helper = credentialHelper, signal } = options;
  const key = loginKey(server);
  return await inTurn(configFile(options), async (file) => {
    const { text, config } = await readConfig(file, signal);
    const name = helperName(config, key);
    if (name) await namedHelper(name, helper, file).erase(key, { signal });
    const entries = Object.entries(config.auths ?? {});
    const kept = entries.filter(([other]) => keyOf(other) !== key);
    if (kept.length < entries.length) {
      await writeConfig({ ...config, auths: Object.fromEntries(kept) }, { file, text, signal });
    } else if (!name) return undefined;
    return name ? { file, helper: name } : { file };
  });
}

function loginKey(server: string): string {
  if (!keyOf(server)) throw new TypeError("the server to log in to must not be empty");
  return keyOf(server);
}

/** The key in the config file for what somebody calls a server: a URL stands for its host. */
function keyOf(server: string): string {
  const isUrl = server.includes("://") || server.endsWith("/");
  return configKey(isUrl ? hostOfKey(server) : server);
}

function configFile(options: LoginOptions): string {
  const file = options.file ?? dockerConfigPath(options);
  if (file) return file;
  throw new AuthError("there is no home directory to keep credentials in", {
    hint: "set DOCKER_CONFIG to a directory",
  });
}

function entryOf({ username = "", password = "", identityToken, registryToken }: AuthConfig): DockerConfigEntry {
  return {
    ...((username || password) && { auth: encodeAuth(username, password) }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
  };
}

async function readConfig(
  file: string,
  signal: AbortSignal | undefined,
): Promise<{ text: string; config: DockerConfig }> {
  signal?.throwIfAborted();
  const text = await readFileIfThere(file) ?? "";
  return { text, config: parseDockerConfig(text, file) };
}

interface WriteOptions extends AbortOptions {
  file: string;
  /** What the file holds now. */
  text: string;
}

async function writeConfig(config: DockerConfig, { file, text, signal }: WriteOptions): Promise<void> {
  // Indented as it was, else with tabs as docker does it.
  const indent = /^\s*\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? "\t";
  const next = JSON.stringify(config, undefined, indent) + (text.endsWith("\n") ? "\n" : "");
  if (next === text) return;
  try {
    await makeDirectory(dirName(file), { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, next, { mode: 0o600, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const { code } = cause as { code?: string };
    throw new FileError(`can't write ${file}${code ? `: ${code}` : ""}`, { cause, errno: code });
  }
}

const turns = new Map<string, Promise<unknown>>();

/** Runs one piece of work on a file after the other, so that two logins at once are both kept. */
async function inTurn<T>(file: string, work: (file: string) => Promise<T>): Promise<T> {
  const turn = Promise.resolve(turns.get(file)).then(() => work(file), () => work(file));
  turns.set(file, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(file) === turn) turns.delete(file);
  }
}
