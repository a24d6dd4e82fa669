/** The name of a cloud, as in the name of its keychain. */
export type CloudName = "google" | "ecr" | "acr" | "github";

const HOSTS: readonly (readonly [CloudName, RegExp])[] = [
  ["google", /^gcr\.io$|\.(?:gcr\.io|pkg\.dev|google\.com)$/],
  ["github", /^ghcr\.io$/],
  ["ecr", /^\d{12}\.dkr[.-]ecr|^public\.ecr\.aws$|^ecr-public\.aws\.com$/],
  ["acr", /\.azurecr\.[a-z]+$/],
];

/**
 * Returns the cloud of a registry by a quick look at its host, or `undefined`. It selects the keychain to load, which
 * checks the host exactly.
 */
export function cloudOf(registry: string): CloudName | undefined {
  return HOSTS.find(([, pattern]) => pattern.test(registry))?.[0];
}
