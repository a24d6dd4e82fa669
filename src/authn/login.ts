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
 * it, else in the file, which then has mode 0600. Everything else in the file stays as it is, and of several logins at
 * the same time, in whatever process, none is lost.
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
  return await inTurn(options, async (file) => {
    const name = helperName((await readConfig(file, signal)).config, key);
    if (name) {
      if (auth.registryToken) {
        throw new AuthError(`the credential helper ${name} can't keep a registry token for ${server}`);
      }
      await namedHelper(name, helper, file).store(key, authToHelper(auth), { signal });
    }
    // With a helper the entry stays, empty, so that docker knows of the login.
    const entry = name ? {} : entryOf(auth);
    const add = (config: DockerConfig) => ({ ...config, auths: { ...config.auths, [key]: entry } });
    await changeConfig(file, add, { signal });
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

interface ReadConfig {
  /** What the file holds. */
  readonly text: string;
  /** What that says. */
  readonly config: DockerConfig;
}

async function readConfig(file: string, signal: AbortSignal | undefined): Promise<ReadConfig> {
  signal?.throwIfAborted();
  const text = await readFileIfThere(file) ?? "";
  return { text, config: parseDockerConfig(text, file) };
}

/** Changes the config file as it is now, under a lock, so that what other programs write meanwhile is not lost. */
async function changeConfig(
  file: string,
  change: (config: DockerConfig) => DockerConfig,
  { signal }: AbortOptions,
): Promise<void> {
  const changed = ({ text, config }: ReadConfig) => {
    // Indented as it was, else with tabs as docker does it.
    const indent = /^\s*\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? "\t";
    const next = JSON.stringify(change(config), undefined, indent) + (text.endsWith("\n") ? "\n" : "");
    return next === text ? undefined : next;
  };
  // A file that says so already need not be one that can be written.
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

/** Work on a config file, in the order in which it came. */
const turns = new KeyedMutex();

async function inTurn<T>(options: LoginOptions, work: (file: string) => Promise<T>): Promise<T> {
  const file = configFile(options);
  return await turns.run(file, () => work(file), { signal: options.signal });
}
