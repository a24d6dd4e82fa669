import { AuthError, FileError, GcraneError } from "../errors.ts";
import { type AbortOptions, KeyedMutex } from "../io/mod.ts";
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
import { withFileLock } from "./file_lock.ts";

/** Options of {@linkcode storeCredentials} and {@linkcode eraseCredentials}. */
export interface LoginOptions extends AbortOptions, ConfigLocationOptions {
  /**
   * The config file, in docker's format.
   * @default "config.json" in `$DOCKER_CONFIG`, else in `~/.docker`
   */
  file?: string;
  /**
   * Creates the credential helper of a name.
   * @default credentialHelper
   */
  helper?: (name: string) => Pick<CredentialHelper, "store" | "erase">;
}

/** Where credentials are stored. */
export interface CredentialLocation {
  /** The config file. */
  readonly file: string;
  /** The name of the credential helper with the secret; if there is none, the file contains it in plain text. */
  readonly helper?: string;
}

/**
 * Stores credentials for a server as `docker login` does: in the credential helper that docker's config file names for
 * it, else in the file, with mode 0600. Keeps everything else in the file, and loses no login of another process
 * that runs at the same time.
 *
 * @param server a host, with or without `https://`, or a repository; Docker Hub under any of its names.
 * @throws {AuthError} if the config file is not valid or the helper fails; nothing is changed then.
 * @throws {FileError} if the file can't be read or written.
 */
export async function storeCredentials(
  server: string,
  config: AuthConfig,
  options: LoginOptions = {},
): Promise<CredentialLocation> {
  const { helper = helperIn(options), signal } = options;
  const key = loginKey(server);
  const auth = normalizeAuth(config, "the credentials");
  if (isEmptyAuth(auth)) throw new TypeError(`there are no credentials to store for ${server}`);
  return await inTurn(options, async (file) => {
    const name = helperName((await readConfig(file, signal)).config, key);
    if (name) {
      if (auth.registryToken) {
        throw new AuthError(`the credential helper ${name} can't keep a registry token for ${server}`);
      }
      await namedHelper(name, helper, file).store(key, authToHelper(auth), { signal });
    }
    // With a helper an empty entry is written, so that docker knows of the login.
    const entry = name ? {} : entryOf(auth);
    const add = (config: DockerConfig) => ({ ...config, auths: { ...config.auths, [key]: entry } });
    await changeConfig(file, add, { signal });
    return name ? { file, helper: name } : { file };
  });
}

/**
 * Removes the credentials for a server from the credential helper and from docker's config file, with entries by URL of
 * the same host.
 *
 * @returns where they were; `undefined` if there were none. A helper does not report whether it had any.
 * @throws {AuthError} if the config file is not valid or the helper fails.
 * @throws {FileError} if the file can't be read or written.
 */
export async function eraseCredentials(
  server: string,
  options: LoginOptions = {},
): Promise<CredentialLocation | undefined> {
  const { helper = helperIn(options), signal } = options;
  const key = loginKey(server);
  return await inTurn(options, async (file) => {
    const { config } = await readConfig(file, signal);
    const name = helperName(config, key);
    if (name) await namedHelper(name, helper, file).erase(key, { signal });
    const isIts = (other: string) => keyOf(other) === key;
    const takeOut = (config: DockerConfig) => ({
      ...config,
      auths: Object.fromEntries(Object.entries(config.auths ?? {}).filter(([other]) => !isIts(other))),
    });
    if (Object.keys(config.auths ?? {}).some(isIts)) await changeConfig(file, takeOut, { signal });
    else if (!name) return undefined;
    return name ? { file, helper: name } : { file };
  });
}

function helperIn({ environment }: LoginOptions): (name: string) => CredentialHelper {
  return (name) => credentialHelper(name, { environment });
}

function loginKey(server: string): string {
  if (!keyOf(server)) throw new TypeError("the server to log in to must not be empty");
  return keyOf(server);
}

/** Returns the key of a server in the config file. A URL stands for its host. */
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

interface ReadConfig {
  /** The text of the file. */
  readonly text: string;
  /** The parsed text. */
  readonly config: DockerConfig;
}

async function readConfig(file: string, signal: AbortSignal | undefined): Promise<ReadConfig> {
  signal?.throwIfAborted();
  const text = await readFileIfThere(file) ?? "";
  return { text, config: parseDockerConfig(text, file) };
}

/** Changes the current config file under a lock, so that no change of another program is lost. */
async function changeConfig(
  file: string,
  change: (config: DockerConfig) => DockerConfig,
  { signal }: AbortOptions,
): Promise<void> {
  const changed = ({ text, config }: ReadConfig) => {
    // Keeps the indentation, else uses tabs as docker does.
    const indent = /^\s*\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? "\t";
    const next = JSON.stringify(change(config), undefined, indent) + (text.endsWith("\n") ? "\n" : "");
    return next === text ? undefined : next;
  };
  // A file that needs no change may be read-only.
  if (changed(await readConfig(file, signal)) === undefined) return;
  try {
    await makeDirectory(dirName(file), { recursive: true, mode: 0o700 });
    await withFileLock(file, async () => {
      const next = changed(await readConfig(file, signal));
      if (next !== undefined) await writeFileAtomic(file, next, { mode: 0o600, signal });
    }, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof GcraneError) throw cause;
    const { code } = cause as { code?: string };
    throw new FileError(`can't write ${file}${code ? `: ${code}` : ""}`, { cause, errno: code });
  }
}

/** Runs work on a config file in the order of the calls. */
const turns = new KeyedMutex();

async function inTurn<T>(options: LoginOptions, work: (file: string) => Promise<T>): Promise<T> {
  const file = configFile(options);
  return await turns.run(file, () => work(file), { signal: options.signal });
}
