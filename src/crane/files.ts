import { emptyImage, type Image, type Layer, layerFromOpener, type LayerOptions } from "../image/mod.ts";
import { appendLayers } from "../mutate/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { writeTar } from "../tar/mod.ts";

/** Options of {@linkcode layer} and {@linkcode image}. */
export interface FilesOptions extends LayerOptions {
  /**
   * The permissions of each file, for example `0o644`.
   *
   * @default 0, as Go's crane has it, which root alone can read; the digest of the content is then the same
   */
  readonly mode?: number;
}

/** Makes a layer of files in memory, by their paths in the image; a string is UTF-8. The same files give the same layer. */
export async function layer(
  files: Readonly<Record<string, Bytes | string>>,
  options: FilesOptions = {},
): Promise<Layer> {
  const { mode = 0, ...rest } = options;
  const utf8 = new TextEncoder();
  const entries = Object.entries(files)
    .map(([path, content]) => ({ path, content: typeof content === "string" ? utf8.encode(content) : content, mode }))
    .sort((a, b) => compareBytes(utf8.encode(a.path), utf8.encode(b.path)));
  return await layerFromOpener(({ signal } = {}) => Promise.resolve(writeTar(entries, { signal })), rest);
}

/** Makes an image with one layer, that of {@linkcode layer}. */
export async function image(
  files: Readonly<Record<string, Bytes | string>>,
  options: FilesOptions = {},
): Promise<Image> {
  return appendLayers(emptyImage(), [await layer(files, options)]);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, at) => byte !== b[at]);
  return at === -1 ? a.length - b.length : at >= b.length ? 1 : a[at] - b[at];
}
