import { FileError } from "../errors.ts";
import { environmentVariable, homeDirectory, joinPath, readTextFile } from "../runtime/mod.ts";

/** Where to look for the files of docker and podman. */
export interface ConfigLocationOptions {
  /**
   * Returns the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The home directory of the user.
   * @default that of the process, if it has one
   */
  home?: string;
}

/** Returns the path of docker's config file; `undefined` without a home directory. */
export function dockerConfigPath(options: ConfigLocationOptions): string | undefined {
  const { environment = environmentVariable } = options;
  return environment("DOCKER_CONFIG")
    ? joinPath(environment("DOCKER_CONFIG")!, "config.json")
    : homeConfigPath(options);
}

/** Returns the path of docker's config file in the home directory, regardless of `DOCKER_CONFIG`. */
export function homeConfigPath({ home = homeDirectory() }: ConfigLocationOptions): string | undefined {
  return home ? joinPath(home, ".docker", "config.json") : undefined;
}

/**
 * Returns the text of a file; `undefined` if it is missing or a directory, or there is no file system.
 *
 * @throws {FileError} if it exists and can't be read.
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
