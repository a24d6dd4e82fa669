import { ValidationError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import { type ConfigFile, isLayer } from "../spec/mod.ts";

/**
 * Checks that a config has as many diff ids as its image has layers. An artifact that borrows the config's media type may
 * have none, as long as none of its blobs is a layer.
 *
 * @param what what to call the config in the error
 * @throws {ValidationError} when it has not.
 */
export async function checkLayerCount(config: ConfigFile, layers: readonly Layer[], what: string): Promise<void> {
  const count = config.rootfs.diff_ids.length;
  if (count === layers.length) return;
  const mediaTypes = await Promise.all(layers.map((layer) => layer.mediaType()));
  if (count === 0 && !mediaTypes.some(isLayer)) return;
  throw new ValidationError(`${what} has ${count} diff ids where its image has ${layers.length} layers`);
}
