import type { KeychainTarget } from "./keychain.ts";

/** The key of Docker Hub in docker's config file and in credential helpers. */
export const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

const DOCKER_HUB_NAMES: readonly string[] = ["index.docker.io", "docker.io"];

/** Returns the key of a registry or repository in docker's config file: its name, except for Docker Hub. */
export function configKey(name: string): string {
  return DOCKER_HUB_NAMES.includes(name) ? DOCKER_HUB_KEY : name;
}

/** Returns the keys to look up for a target in docker's config, the most specific first. */
export function configKeys({ registry, repository }: KeychainTarget): string[] {
  return repository ? [`${registry}/${repository}`, configKey(registry)] : [configKey(registry)];
}

/**
 * Returns the keys to look up for a target in podman's `auth.json`, the most specific first: the repository, its
 * namespaces, and the registry (containers-auth.json(5)). Docker Hub is `docker.io` there.
 */
export function podmanKeys({ registry, repository }: KeychainTarget): string[] {
  const names = DOCKER_HUB_NAMES.includes(registry) ? ["docker.io", "index.docker.io"] : [registry];
  const parts = repository ? repository.split("/") : [];
  const paths = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join("/")}`);
  return [...new Set([...[...paths, ""].flatMap((path) => names.map((name) => name + path)), configKey(registry)])];
}

/** Returns whether a key is a part of a registry, `quay.io/team`, and not a host with the path that docker wrote. */
export function isNamespaceKey(key: string): boolean {
  return !key.includes("://") && /\/./.test(key) && !/^[^/]*\/v[12]\/?$/.test(key);
}

/** Returns the host of a key that is a URL or has a path, as old versions of docker wrote them. */
export function hostOfKey(key: string): string {
  return key.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").replace(/\/.*$/s, "");
}
