import { environmentVariable, exists, homeDirectory, joinPath, userId } from "../runtime/mod.ts";
import { type ConfigLocationOptions, dockerConfigPath, homeConfigPath, readFileIfThere } from "./config_location.ts";
import { credentialHelper } from "./credential_helper.ts";
import {
  type DockerConfig,
  dockerConfigKeychain,
  type DockerConfigKeychainOptions,
  parseDockerConfig,
} from "./docker_config.ts";
import type { Keychain } from "./keychain.ts";

/** Options of {@linkcode defaultKeychain}. */
export interface DefaultKeychainOptions
  extends ConfigLocationOptions, Pick<DockerConfigKeychainOptions, "helper" | "warn"> {}

/** The variable that holds credentials for docker without a file: `{"auths": {…}}`. */
const AUTH_VARIABLE = "DOCKER_AUTH_CONFIG";

interface FoundCredentials {
  readonly path: string;
  /** Whether podman writes it, with keys for namespaces. */
  readonly namespaces: boolean;
  readonly text: string;
}

/**
 * The keychain of the files that docker and podman write. Uses the first of these that exists:
 *
 * 1. docker's `config.json` in `$DOCKER_CONFIG`, else in `~/.docker`;
 * 2. `$REGISTRY_AUTH_FILE`;
 * 3. podman's `containers/auth.json` in `$XDG_RUNTIME_DIR` (`/run/containers/UID/auth.json` without that variable);
 * 4. the same in `$XDG_CONFIG_HOME`, else in `~/.config`.
 *
 * In podman's files a key may be a namespace: `quay.io/team`. The servers in `$DOCKER_AUTH_CONFIG` come before any file. Reads nothing before the first `resolve`, and parses a
 * file again only if it has changed.
 */
export function defaultKeychain(options: DefaultKeychainOptions = {}): Keychain {
  const {
    environment = environmentVariable,
    helper = (name: string) => credentialHelper(name, { environment: options.environment }),
    warn,
  } = options;
  let parsed: { path: string | undefined; text: string; variable: string; keychain: Keychain } | undefined;
  return {
    async resolve(target, { signal } = {}) {
      signal?.throwIfAborted();
      const { path, text, namespaces } = await findConfig(options) ?? { path: undefined, text: "", namespaces: false };
      const variable = environment(AUTH_VARIABLE) ?? "";
      if (!parsed || parsed.path !== path || parsed.text !== text || parsed.variable !== variable) {
        const source = [path, variable && `$${AUTH_VARIABLE}`].filter(Boolean).join(" and ");
        const config = withVariable(parseDockerConfig(text, path ?? source), variable);
        parsed = { path, text, variable, keychain: dockerConfigKeychain(config, { source, helper, namespaces, warn }) };
      }
      return parsed.keychain.resolve(target, { signal });
    },
  };
}

async function findConfig(options: ConfigLocationOptions): Promise<FoundCredentials | undefined> {
  const docker = dockerConfigPath(options);
  const found = docker && await readFound(docker, false);
  if (found) return found;
  // Docker pointed at an empty directory has no credentials.
  const home = homeConfigPath(options);
  if (home && home !== docker && await exists(home)) return undefined;
  for (const path of podmanPaths(options)) {
    const found = await readFound(path, true);
    if (found) return found;
  }
  return undefined;
}

async function readFound(path: string, namespaces: boolean): Promise<FoundCredentials | undefined> {
  const text = await readFileIfThere(path);
  return text === undefined ? undefined : { path, text, namespaces };
}

function* podmanPaths(
  { environment = environmentVariable, home = homeDirectory() }: ConfigLocationOptions,
): Generator<string> {
  const explicit = environment("REGISTRY_AUTH_FILE");
  if (explicit) yield explicit;
  const runtime = environment("XDG_RUNTIME_DIR");
  const user = userId();
  if (runtime) yield joinPath(runtime, "containers", "auth.json");
  else if (user !== undefined) yield `/run/containers/${user}/auth.json`;
  const config = environment("XDG_CONFIG_HOME") || (home && joinPath(home, ".config"));
  if (config) yield joinPath(config, "containers", "auth.json");
}

/** Adds the servers of the variable in front, regardless of the helpers in the config. */
function withVariable(config: DockerConfig, variable: string): DockerConfig {
  const { auths } = parseDockerConfig(variable, `$${AUTH_VARIABLE}`);
  if (!auths) return config;
  const withoutHelper = Object.fromEntries(Object.keys(auths).map((key) => [key, ""]));
  return {
    ...config,
    auths: { ...auths, ...config.auths, ...auths },
    credHelpers: { ...config.credHelpers, ...withoutHelper },
  };
}
