import { parseRegistry, type Registry } from "../src/name/mod.ts";

/** Parses a registry: its host, or its URL, as in docker's config and credential helpers. */
export function registryArgument(text: string): Registry {
  const url = /^https?:\/\/([^/]+)(?:\/.*)?$/.exec(text);
  return parseRegistry(url?.[1] ?? text);
}
