import type { Image, Layer, PackOptions } from "../image/mod.ts";
import type { ConfigFile, History } from "../spec/mod.ts";
import { type PaxRecords, readTar, rewriteEntry, type TarEntry, type TarWriteEntry } from "../tar/mod.ts";
import { editImage } from "./edit_image.ts";
import { compressionOf } from "./family.ts";
import { withFields } from "./fields.ts";
import { rewriteLayer } from "./recompress.ts";
import { rfc3339 } from "./rfc3339.ts";
import { tarOfEntries } from "./tar_of_entries.ts";

/** The PAX record in which Windows layers have the time when a file was made. */
const CREATION_TIME = "LIBARCHIVE.creationtime";

/** Options for the layers that {@linkcode time} writes anew; their compression stays. */
export interface TimeOptions extends Pick<PackOptions, "level" | "reproducible" | "estargz" | "jobs"> {}

/**
 * Sets all times of an image to one, in whole seconds: every entry of every layer, the image itself and
 * each step of its history. The rest stays, the compression of layers too; layers are read and written anew when
 * the image is read. Layers that may not be pushed, and blobs of an artifact, stay unchanged.
 *
 * @throws {TypeError} when the date is not a valid one.
 */
export function time(base: Image, date: Date, options: TimeOptions = {}): Image {
  const seconds = Math.floor(date.getTime() / 1000);
  const created = rfc3339(new Date(seconds * 1000));
  return editImage(base, {
    layers: (layers) => Promise.all(layers.map((layer) => layerAt(layer, seconds, options))),
    configFile: (config) => ({
      ...config,
      created,
      ...(config.history ? { history: config.history.map((step) => ({ ...step, created })) } : {}),
    }),
  });
}

/** Options of {@linkcode canonical}. */
export interface CanonicalOptions extends TimeOptions {
  /**
   * The time to set.
   * @default the beginning of 1970
   */
  date?: Date;
}

/**
 * Removes the traces of a build from an image: its times are those of {@linkcode time}, and
 * its config names no build container, no host, no version of Docker and no author. Its files and how it runs stay,
 * and so do media types, annotations and the platform with its variant.
 *
 * @throws {TypeError} when the date is not a valid one.
 */
export function canonical(base: Image, options: CanonicalOptions = {}): Image {
  const { date = new Date(0), ...packing } = options;
  return editImage(time(base, date, packing), { configFile: withoutOrigin });
}

function withoutOrigin(config: ConfigFile): ConfigFile {
  const anonymous = ({ author: _, ...step }: History): History => step;
  return withFields(config, {
    container: null,
    container_config: null,
    docker_version: null,
    author: null,
    config: config.config && withFields(config.config, { Hostname: null, Domainname: null }),
    history: config.history?.map(anonymous),
  });
}

async function layerAt(layer: Layer, seconds: number, options: TimeOptions): Promise<Layer> {
  const compression = compressionOf(await layer.mediaType());
  if (compression === undefined) return layer;
  return await rewriteLayer(layer, {
    ...options,
    compression: options.estargz ? "gzip" : compression,
    uncompressed: (options) => Promise.resolve(tarOfEntries((signal) => entriesAt(layer, seconds, signal), options)),
  });
}

async function* entriesAt(
  layer: Layer,
  seconds: number,
  signal: AbortSignal,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  for await (const entry of readTar(await layer.uncompressed({ signal }), { signal })) yield entryAt(entry, seconds);
}

function entryAt(entry: TarEntry, seconds: number): TarWriteEntry {
  const { mtime, atime = seconds, ctime = seconds } = entry;
  const creation = entry.pax.has(CREATION_TIME) || entry.globals.has(CREATION_TIME);
  if (mtime === seconds && atime === seconds && ctime === seconds && !creation) return entry;
  return rewriteEntry(entry, {
    mtime: seconds,
    // A time that the archive does not have is not added.
    atime: entry.atime === undefined ? undefined : seconds,
    ctime: entry.ctime === undefined ? undefined : seconds,
    globals: withoutCreation(entry.globals),
    pax: creation ? [...entry.pax, [CREATION_TIME, String(seconds)]] : entry.pax,
  });
}

function withoutCreation(globals: PaxRecords): PaxRecords {
  return globals.has(CREATION_TIME) ? new Map([...globals].filter(([name]) => name !== CREATION_TIME)) : globals;
}
