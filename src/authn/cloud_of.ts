/** The name of a cloud, as its keychain is called. */
export type CloudName = "google" | "ecr" | "acr" | "github";

const HOSTS: readonly (readonly [CloudName, RegExp])[] = [
  ["google", /^gcr\.io$|\.(?:gcr\.io|pkg\.dev|google\.com)$/],
  ["github", /^ghcr\.io$/],
  ["ecr", /^\d{12}\.dkr[.-]ecr|^public\.ecr\.aws$|^ecr-public\.aws\.com$/],
  ["acr", /\.azurecr\.[a-z]+$/],
];

/**
 * The cloud whose registry a host seems to be, `undefined` for that of somebody else. It is a quick look by which the
 * right keychain is loaded; that keychain then knows exactly.
 */
export function cloudOf(registry: string): CloudName | undefined {
  return HOSTS.find(([, pattern]) => pattern.test(registry))?.[0];
}
