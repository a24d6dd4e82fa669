import { delay } from "@std/async/delay";
import { AuthError } from "../errors.ts";
import { fetchFor } from "../http/mod.ts";
import { environmentVariable, homeDirectory } from "../runtime/mod.ts";
import { readFileIfThere } from "./config_location.ts";
import type { KeychainWarningOptions } from "./keychain.ts";

/** Options of every keychain that signs in with a cloud: where it looks, and how it gets there. */
export interface CloudKeychainOptions extends KeychainWarningOptions {
  /**
   * Sends requests.
   * @default the runtime's, HTTP/2 off
   */
  fetch?: typeof fetch;
  /**
   * Gives the value of an environment variable. On an edge runtime: `(name) => env[name]`.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The home directory of the user.
   * @default that of the process, if it has one
   */
  home?: string;
  /**
   * Gives the text of a file, `undefined` if there is none.
   * @default from the file system, where there is one
   */
  readFile?: (path: string) => Promise<string | undefined>;
  /**
   * The time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
  /**
   * How to wait so many milliseconds: for an answer that does not come, and before trying again.
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** What a keychain knows of where it runs: the options with their defaults. */
export type Surroundings =
  & Required<Omit<CloudKeychainOptions, "warn" | "home">>
  & Pick<CloudKeychainOptions, "warn" | "home">;

/**
 * Reads a token from the file that an environment variable names, each time anew, since such files are replaced;
 * `undefined` where the variable is not set.
 *
 * @throws {AuthError} when the file is not there or empty.
 */
export async function tokenFromFile(
  variable: string,
  { environment, readFile }: Surroundings,
): Promise<string | undefined> {
  const file = environment(variable);
  if (!file) return undefined;
  const token = (await readFile(file))?.trim();
  if (!token) throw new AuthError(`${variable} names ${file}, which is not there or empty`);
  return token;
}

/** Fills the options' defaults in. Nothing is read. */
export function surroundingsOf(options: CloudKeychainOptions): Surroundings {
  return {
    fetch: options.fetch ?? fetchFor(),
    environment: options.environment ?? environmentVariable,
    // Read when it is needed: Deno may ask its user whether it may be.
    get home() {
      return options.home ?? homeDirectory();
    },
    readFile: options.readFile ?? readFileIfThere,
    now: options.now ?? Date.now,
    wait: options.wait ?? ((ms, signal) => delay(ms, { signal })),
    warn: options.warn,
  };
}
