// Tarballs as several programs save them, made by hand.

import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { type TarWriteEntry, writeTar } from "../../src/tar/mod.ts";
import { tarballBytes, type TarballSource } from "../../src/tarball/mod.ts";
import { collect } from "./streams.ts";
import { tarOf } from "./images.ts";

/** An image to save: the tars in it, and its config. */
export interface Contents {
  readonly tars: readonly Bytes[];
  readonly diffIds: readonly Hash[];
  readonly config: Bytes;
  /** The hex digits of the config's digest. */
  readonly id: string;
}

/** The contents of an image with a file for each text. */
export async function contentsOf(...texts: string[]): Promise<Contents> {
  const tars = await Promise.all(texts.map((text, index) => tarOf(`${index}.txt`, text)));
  const diffIds = await Promise.all(tars.map((tar) => digestBytes(tar)));
  const config = jsonBytes({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds } });
  return { tars, diffIds, config, id: (await digestBytes(config)).slice(7) };
}

/** One image of a `manifest.json`. */
export interface SavedImage {
  Config?: unknown;
  RepoTags?: unknown;
  Layers?: unknown;
  LayerSources?: unknown;
}

/** The entry of a `manifest.json`. */
export function manifestJson(...images: SavedImage[]): TarWriteEntry {
  return { path: "manifest.json", content: jsonBytes(images) };
}

/** The bytes of an archive. */
export async function archiveOf(...entries: TarWriteEntry[]): Promise<Bytes> {
  return await collect(writeTar(entries));
}

/** An archive as a tarball named `test.tar`. */
export async function saved(...entries: TarWriteEntry[]): Promise<TarballSource> {
  return tarballBytes(await archiveOf(...entries), "test.tar");
}

/** What `docker save` wrote before Docker 25: layers uncompressed in directories. */
export async function dockerSave(contents: Contents, repoTags: string[] | null = ["example.com/a:v1"]): Promise<Bytes> {
  const layers = contents.tars.map((tar, index): TarWriteEntry => ({ path: `${index}/layer.tar`, content: tar }));
  return await archiveOf(
    ...layers.flatMap((layer, index): TarWriteEntry[] => [
      { path: `${index}/`, type: "directory" },
      { path: `${index}/VERSION`, content: jsonBytes("1.0") },
      layer,
    ]),
    { path: `${contents.id}.json`, content: contents.config },
    manifestJson({
      Config: `${contents.id}.json`,
      RepoTags: repoTags,
      Layers: contents.tars.map((_, index) => `${index}/layer.tar`),
    }),
  );
}
