import { HttpError, ManifestError } from "../src/errors.ts";
import { type AbortOptions, readAll } from "../src/io/mod.ts";
import type { DigestReference } from "../src/name/mod.ts";
import type { Puller } from "../src/remote/mod.ts";
import { parseJsonObject } from "../src/spec/mod.ts";

/** The largest config that is read for its time, in bytes. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/**
 * Returns the creation time from an image's config in milliseconds since the epoch, or `undefined` if there is none.
 * The year 1970 of reproducible builds counts as none, as every such image would seem old.
 */
export async function createdTime(
  puller: Puller,
  config: DigestReference,
  options: AbortOptions = {},
): Promise<number | undefined> {
  try {
    const layer = await puller.layer(config, options);
    if (await layer.size(options) > CONFIG_LIMIT) return undefined;
    const stream = await layer.compressed(options);
    const bytes = await readAll(stream, { limit: CONFIG_LIMIT, what: `config ${config}`, ...options });
    const time = Date.parse(String(parseJsonObject(bytes, `config ${config}`).created));
    return time > 0 ? time : undefined;
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}
