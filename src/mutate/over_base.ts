import type { AbortOptions } from "../io/mod.ts";
import type { Image } from "../image/mod.ts";
import type { Manifest } from "../spec/mod.ts";

/**
 * A manifest drafted for an image that is made of another one: what the base's manifest says beside config and layers
 * stays (annotations, subject, fields of somebody's own), and its descriptor of the config while that is the same.
 */
export async function overBase(base: Image, drafted: Manifest, options?: AbortOptions): Promise<Manifest> {
  const before = await base.manifest(options);
  const config = drafted.config.digest === before.config.digest ? before.config : drafted.config;
  return { ...before, ...drafted, config };
}
