import { parseRegistry, type Registry } from "../src/name/mod.ts";

/** Returns a registry as people and docker name it: by its host, or by a URL as docker's config and helpers have it. */
export function registryArgument(text: string): Registry {
  const url = /^https?:\/\/([^/]+)(?:\/.*)?$/.exec(text);
  return parseRegistry(url?.[1] ?? text);
}
