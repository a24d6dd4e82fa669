// Makes reproducible layers of everything there is, to compare their digests between runtimes.
import {
  emptyImage,
  type Layer,
  layerFromBytes,
  layerFromDirectory,
  layerFromOpener,
  type LayerOptions,
  streamLayer,
} from "../../src/image/mod.ts";
import { appendLayers, flattenImage, recompressLayer, time } from "../../src/mutate/mod.ts";
import type { Bytes, ByteStream } from "../../src/runtime/mod.ts";
import { writeTar } from "../../src/tar/mod.ts";

/** Lines that compress, and bytes that do not. */
function content(size: number, seed: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let at = 0, state = seed; at < size; at++) {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    bytes[at] = at % 5000 < 2500 ? state >>> 16 : 97 + (at + (state >>> 28)) % 20;
  }
  return bytes;
}

/** Opens a tar of small and large files, in chunks of an unusual size. */
function openTar(): Promise<ByteStream> {
  const small = Array.from({ length: 50 }, (_, i) => ({ path: `small/${i}`, content: content(i * 97, i) }));
  const large = { path: "large", content: content(1_500_000, 7) };
  return Promise.resolve(
    writeTar([...small, { path: "empty" }, large, { type: "symlink", path: "link", linkname: "large" }]),
  );
}

/**
 * Computes the digests of layers of all kinds.
 *
 * @param folder a directory whose files have the same content and modes on every machine
 */
export async function reproducibleDigests(folder: string): Promise<Record<string, string>> {
  const estargz = { reproducible: true, estargz: { chunkSize: 400_000 } };
  const options: Record<string, LayerOptions> = {
    gzip: { reproducible: true },
    small: { reproducible: true, level: 9 },
    estargz,
  };
  const digests: Record<string, string> = {};
  const note = async (name: string, layer: Layer) => {
    for await (const _ of await layer.compressed());
    digests[name] = await layer.digest();
  };
  for (const [name, option] of Object.entries(options)) {
    await note(name, await layerFromOpener(openTar, option));
    await note(`${name}, one-shot`, streamLayer(await openTar(), option));
    await note(`${name}, directory`, await layerFromDirectory(folder, { ...option, mtime: 0 }));
  }
  const plain = await layerFromBytes(new Uint8Array(await new Response(await openTar()).arrayBuffer()));
  const base = appendLayers(emptyImage(), [plain]);
  await note("flattened", (await flattenImage(base, { reproducible: true }).layers())[0]);
  await note("flattened, estargz", (await flattenImage(base, estargz).layers())[0]);
  await note("at a time", (await time(base, new Date(0), { reproducible: true }).layers())[0]);
  await note("recompressed", await recompressLayer(plain, "gzip", { reproducible: true }));
  return digests;
}
