import { delay } from "@std/async/delay";
import { AuthError } from "../errors.ts";
import { fetchFor } from "../http/mod.ts";
import { environmentVariable, homeDirectory } from "../runtime/mod.ts";
import { readFileIfThere } from "./config_location.ts";
import type { KeychainWarningOptions } from "./keychain.ts";

/** Options of every cloud keychain: where it looks and how it connects. */
export interface CloudKeychainOptions extends KeychainWarningOptions {
  /**
   * Sends requests.
   * @default the runtime's, HTTP/2 off
   */
  fetch?: typeof fetch;
  /**
   * Returns the value of an environment variable. On an edge runtime: `(name) => env[name]`.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The home directory of the user.
   * @default that of the process, if it has one
   */
  home?: string;
  /**
   * Returns the text of a file, `undefined` if there is none.
   * @default from the file system, where there is one
   */
  readFile?: (path: string) => Promise<string | undefined>;
  /**
   * The time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
  /**
   * Waits for a time in milliseconds: for a response, and before a retry.
   * @default a timer
   */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The options with their defaults. */
export type Surroundings =
  & Required<Omit<CloudKeychainOptions, "warn" | "home">>
  & Pick<CloudKeychainOptions, "warn" | "home">;

/**
 * Reads a token from the file in an environment variable, on each call, since such files are replaced; `undefined` if
 * the variable is not set.
 *
 * @throws {AuthError} if the file is missing or empty.
 */
export async function tokenFromFile(
  variable: string,
  { environment, readFile }: Surroundings,
): Promise<string | undefined> {
  const file = environment(variable);
  if (!file) return undefined;
  const token = (await readFile(file))?.trim();
  if (!token) throw new AuthError(`${variable} names ${file}, which is missing or empty`);
  return token;
}

/** Fills in the defaults of the options. Reads nothing. */
export function surroundingsOf(options: CloudKeychainOptions): Surroundings {
  return {
    fetch: options.fetch ?? fetchFor(),
    environment: options.environment ?? environmentVariable,
    // Read on use, since Deno may ask its user for permission.
    get home() {
      return options.home ?? homeDirectory();
    },
    readFile: options.readFile ?? readFileIfThere,
    now: options.now ?? Date.now,
    wait: options.wait ?? ((ms, signal) => delay(ms, { signal })),
    warn: options.warn,
  };
}
