import { anonymous, basic } from "../authenticator.ts";
import type { Keychain } from "../keychain.ts";
import { environmentVariable } from "../../runtime/mod.ts";

/** Options of {@linkcode githubKeychain}. */
export interface GithubKeychainOptions {
  /**
   * The token; `""` for none.
   * @default `$GITHUB_TOKEN`
   */
  token?: string;
  /**
   * The name to use with it. GitHub checks the token only.
   * @default `$GITHUB_ACTOR`, else "unset"
   */
  actor?: string;
  /**
   * Returns the value of an environment variable. On an edge runtime: `(name) => env[name]`.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
}

/**
 * The keychain of GitHub's registry, `ghcr.io`, with the token of a workflow of GitHub Actions. Reads the variables on
 * each call, so that a replaced token is used.
 */
export function githubKeychain(options: GithubKeychainOptions = {}): Keychain {
  const { environment = environmentVariable } = options;
  return {
    resolve({ registry }, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (registry !== "ghcr.io") return Promise.resolve(anonymous);
      const token = options.token ?? environment("GITHUB_TOKEN");
      if (!token) return Promise.resolve(anonymous);
      return Promise.resolve(basic(options.actor || environment("GITHUB_ACTOR") || "unset", token));
    },
  };
}
