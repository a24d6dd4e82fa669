import { type AbortOptions, readAhead } from "../io/mod.ts";
import type { Image, Layer } from "../image/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { cleanEntryPath, readTar, rewriteEntry, type TarEntry, type TarWriteEntry, writeTar } from "../tar/mod.ts";
import { Cover, markOf } from "./cover.ts";
import { LinkTargets } from "./link_targets.ts";

/** How much of a layer is decompressed ahead of the one that writes the archive, in bytes. */
const READ_AHEAD = 4 * 1024 * 1024;

/**
 * The file system of an image as one tar: its layers laid over one another, whiteouts applied (image-spec, "Applying
 * Changesets"). Each layer is read once, from the top down, and none is held in memory; digests are verified.
 *
 * Names lose a `./` in front. A name that leaves the root is an error; a relative link that does is left out.
 */
export function extract(image: Image, options: AbortOptions = {}): ByteStream {
  return writeTar(unionEntries(() => image.layers(options), options), options);
}

/** The file system of one layer stack, given the bottom layer first, as a tar. */
export function extractLayers(layers: readonly Layer[], options: AbortOptions = {}): ByteStream {
  return writeTar(unionEntries(() => Promise.resolve(layers), options), options);
}

async function* unionEntries(
  open: () => Promise<readonly Layer[]>,
  options: AbortOptions,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  const layers = [...await open()].reverse();
  const cover = new Cover();
  const links = new LinkTargets();
  const start = async (layer: Layer | undefined) => layer && readAhead(await layer.uncompressed(options), READ_AHEAD);
  let next = start(layers[0]);
  try {
    for (const [index, layer] of layers.entries()) {
      const tar = (await next)!;
      next = start(layers[index + 1]);
      next.catch(() => {}); // thrown when its turn comes
      yield* layerEntries(tar, { cover, links, options });
      yield* hiddenTargets(layer, { links, options });
      cover.nextLayer();
      links.nextLayer();
    }
    yield* links.unresolved();
  } finally {
    await next.then((stream) => stream?.locked ? undefined : stream?.cancel(), () => {});
  }
}

interface UnionState {
  readonly cover: Cover;
  readonly links: LinkTargets;
  readonly options: AbortOptions;
}

/** What of one layer shows through the layers above it. */
async function* layerEntries(
  tar: ByteStream,
  { cover, links, options }: UnionState,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  for await (const entry of readTar(tar, options)) {
    const path = cleanEntryPath(entry.path);
    const mark = markOf(path);
    if (mark.kind === "whiteout") cover.addWhiteout(mark.path);
    if (mark.kind === "opaque") cover.addOpaque(mark.path);
    if (mark.kind !== "entry" || path === "" || leavesRoot(entry, path)) continue;

    const hidden = cover.hides(path, entry.type === "file" || entry.type === "link");
    if (entry.type === "link") {
      const target = cleanEntryPath(entry.linkname);
      if (hidden) links.hideLink(path, target);
      else {
        cover.addEntry(path, false);
        if (links.defer(path, target, entry)) continue;
        yield renamed(entry, path, target);
      }
      continue;
    }
    if (hidden) {
      // An upper layer's link may want the content all the same, under its own name.
      if (entry.type === "file") yield* links.resolveHidden(path, entry);
      continue;
    }
    cover.addEntry(path, entry.type === "directory");
    yield renamed(entry, path);
    if (entry.type !== "directory") yield* links.resolveShown(path);
  }
}

/** Reads a layer again for links whose targets it holds but a layer above hides; hardly ever needed. */
async function* hiddenTargets(
  layer: Layer,
  { links, options }: Pick<UnionState, "links" | "options">,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  if (!links.needsSecondPass()) return;
  for await (const entry of readTar(await layer.uncompressed(options), options)) {
    if (entry.type === "file") yield* links.resolveSecondPass(cleanEntryPath(entry.path), entry);
    if (!links.needsSecondPass()) return;
  }
}

/** The entry as it is, where its names are clean already; else with clean names. */
function renamed(entry: TarEntry, path: string, target?: string): TarWriteEntry {
  const clean = entry.type === "directory" ? `${path}/` : path;
  if (entry.path === clean && (target === undefined || entry.linkname === target)) return entry;
  return rewriteEntry(entry, { path: clean, ...(target === undefined ? {} : { linkname: target }) });
}

/** Whether a relative link points out of the root (security rule 10); absolute links stay as they are. */
function leavesRoot(entry: TarEntry, path: string): boolean {
  if (entry.type === "link") return climbs(entry.linkname.split("/"));
  if (entry.type !== "symlink" || entry.linkname.startsWith("/")) return false;
  return climbs([...path.split("/").slice(0, -1), ...entry.linkname.split("/")]);
}

function climbs(segments: readonly string[]): boolean {
  let depth = 0;
  for (const segment of segments) {
    if (segment === "..") depth--;
    else if (segment !== "" && segment !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}
