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
   * The name to show with it. GitHub looks at the token alone.
   * @default `$GITHUB_ACTOR`, else "unset"
   */
  actor?: string;
  /**
   * Gives the value of an environment variable. On an edge runtime: `(name) => env[name]`.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
}

/**
 * The keychain of GitHub's registry, `ghcr.io`, signed in with the token that a workflow of GitHub Actions has. The
 * variables are read each time, so a token that is replaced meanwhile is found.
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
