import { type Hash, isHash } from "../spec/mod.ts";

/**
 * Every digest that stands anywhere in a manifest as a string of its own, each once: of whatever type the manifest is, no
 * content that it leads to is missed. None where it is not JSON, which no registry takes.
 */
export function namedDigests(manifest: Uint8Array): Hash[] {
  const named = new Set<Hash>();
  try {
    JSON.parse(new TextDecoder().decode(manifest), (_key, value) => {
      if (isHash(value)) named.add(value);
      return value;
    });
  } catch {
    return [];
  }
  return [...named];
}
