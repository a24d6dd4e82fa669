import { FileError } from "../errors.ts";
import { environmentVariable, homeDirectory, joinPath, readTextFile } from "../runtime/mod.ts";

/** Where the files of docker and podman are sought. */
export interface ConfigLocationOptions {
  /**
   * Gives the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The home directory of the user.
   * @default that of the process, if it has one
   */
  home?: string;
}

/** The path of docker's config file, `undefined` where there is no home to hold one. */
export function dockerConfigPath(options: ConfigLocationOptions): string | undefined {
  const { environment = environmentVariable } = options;
  return environment("DOCKER_CONFIG")
    ? joinPath(environment("DOCKER_CONFIG")!, "config.json")
    : homeConfigPath(options);
}

/** The path of docker's config file in the home directory, whatever `DOCKER_CONFIG` says. */
export function homeConfigPath({ home = homeDirectory() }: ConfigLocationOptions): string | undefined {
  return home ? joinPath(home, ".docker", "config.json") : undefined;
}

/**
 * The content of a file, `undefined` if there is none: no file, a directory, or no file system.
 *
 * @throws {FileError} when it is there and can't be read.
 */
export async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path);
  } catch (cause) {
    const { code, name } = cause as { code?: string; name?: string };
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || name === "NotSupportedError") return undefined;
    throw new FileError(`can't read ${path}${code ? `: ${code}` : ""}`, { cause, errno: code });
  }
}
