import { encodeBase64 } from "@std/encoding/base64";
import { PackageError } from "../../errors.ts";
import { errorCode, lazy } from "../../io/mod.ts";
import { grantedVariable, joinPath, readTextFile, runCommand } from "../../runtime/mod.ts";
import type { ProjectFiles } from "../project_files.ts";
import { type Npmrc, parseNpmrc } from "./npmrc.ts";

/** Options of {@linkcode PackageRegistries.read}. */
export interface RegistriesOptions {
  /**
   * The project, whose .npmrc is read.
   *
   * @default none
   */
  files?: ProjectFiles;
  /**
   * Returns the value of an environment variable.
   *
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The text of the user's .npmrc.
   *
   * @default the file that NPM_CONFIG_USERCONFIG names, else .npmrc in the home directory
   */
  userNpmrc?: string;
  /**
   * Returns the registry to ask where no setting names one.
   *
   * @default what `npm config get registry` prints
   */
  askNpm?: () => Promise<string>;
}

/** The longest that npm may take for its answer, in milliseconds. */
const NPM_MS = 30_000;

/** Which registry has which package, and with which credentials, as npm's settings have it. */
export class PackageRegistries {
  readonly #settings: Npmrc;
  readonly #default: () => Promise<URL>;

  private constructor(settings: Npmrc, askNpm: () => Promise<string>) {
    this.#settings = settings;
    this.#default = lazy(async () => registryUrl(this.#configured ?? await askNpm(), "registry"));
  }

  /** Reads the settings: those of the environment come before the project's, and these before the user's. */
  static async read(options: RegistriesOptions = {}): Promise<PackageRegistries> {
    const { files, environment = grantedVariable, askNpm = askForRegistry } = options;
    const user = options.userNpmrc ?? await readUserNpmrc(environment);
    const project = await files?.read(".npmrc");
    const registry = environment("npm_config_registry") || environment("NPM_CONFIG_REGISTRY");
    const settings = new Map([
      ...parseNpmrc(user ?? "", environment),
      ...parseNpmrc(project ? new TextDecoder().decode(project) : "", environment),
      ...(registry ? [["registry", registry] as const] : []),
    ]);
    return new PackageRegistries(settings, askNpm);
  }

  get #configured(): string | undefined {
    return this.#settings.get("registry") || undefined;
  }

  /** Returns the registry of a package, with `/` at the end: the one of its scope, else the one of all packages. */
  async registryOf(name: string): Promise<URL> {
    const scope = /^@[^/]+/.exec(name)?.[0];
    const own = scope && this.#settings.get(`${scope}:registry`);
    return own ? registryUrl(own, `${scope}:registry`) : await this.#default();
  }

  /** Returns the value of `Authorization` for a URL: settings are for a host and a path, and hold below that. */
  authorization(url: URL): string | undefined {
    const parts = url.pathname.split("/");
    for (let count = parts.length; count > 0; count--) {
      const path = parts.slice(0, count).join("/");
      for (const place of new Set([`//${url.host}${path}/`, `//${url.host}${path}`])) {
        const found = this.#credentials(place);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #credentials(place: string): string | undefined {
    const [token, basic, user, password] = ["_authToken", "_auth", "username", "_password"]
      .map((name) => this.#settings.get(`${place}:${name}`) || undefined);
    if (token !== undefined) return `Bearer ${token}`;
    if (basic !== undefined) return `Basic ${basic}`;
    if (user === undefined || password === undefined) return undefined;
    return `Basic ${encodeBase64(`${user}:${decodedPassword(password)}`)}`;
  }
}

/** Returns a password, which npm keeps in base64. */
function decodedPassword(password: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(password), (char) => char.charCodeAt(0)));
  } catch {
    return password;
  }
}

function registryUrl(text: string, setting: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new PackageError(`the package registry of npm's setting ${setting} is not an http or https URL`, {
      hint: "set it in .npmrc, or set npm_config_registry",
    });
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

async function readUserNpmrc(environment: (name: string) => string | undefined): Promise<string | undefined> {
  const named = environment("NPM_CONFIG_USERCONFIG") || environment("npm_config_userconfig");
  const home = environment("HOME") || environment("USERPROFILE");
  const path = named || (home ? joinPath(home, ".npmrc") : undefined);
  // A file that may not be read counts as one that is not there, as it does for npm.
  return path === undefined ? undefined : await readTextFile(path).catch(() => undefined);
}

/** Asks npm, which knows its default and settings of places that are not read here. */
async function askForRegistry(): Promise<string> {
  try {
    const { code, stdout } = await runCommand("npm", ["config", "get", "registry"], { timeoutMs: NPM_MS });
    if (code === 0 && stdout.trim() !== "" && stdout.trim() !== "undefined") return stdout.trim();
  } catch (error) {
    if (errorCode(error) === undefined && (error as Error).name !== "NotSupportedError") throw error;
  }
  throw new PackageError("no package registry is set, and npm is not there to name one", {
    hint: "set npm_config_registry, or registry in .npmrc",
  });
}
