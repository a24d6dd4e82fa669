import type { BuiltImage, SbomFormat } from "../src/build/mod.ts";
import type { Image, ImageIndex, ProgressEvent } from "../src/image/mod.ts";
import type { PathFormat } from "../src/source/mod.ts";
import type { Context } from "./command.ts";
import { daemonName, giveToEngine, namedSource, referenceText } from "./local_source.ts";
import { commandOptions } from "./remote_options.ts";
import { formatBytes } from "./units.ts";

/** The extensions of archives. */
const ARCHIVE = /\.(tar|tgz|tzst|tar\.\w+)$/;

/** Writes an image to a layout or an archive: by the prefix of the path, else by its extension. */
export async function writeBuilt(
  view: Image | ImageIndex,
  to: string,
  { name, context }: { name: string | undefined; context: Context },
): Promise<void> {
  const named = await namedSource(to);
  const path = named.kind === "path" ? named.text : to;
  const format: PathFormat = (named.kind === "path" ? named.format : undefined) ??
    (ARCHIVE.test(path) ? "oci-archive" : "oci");
  const options = { ...commandOptions(context), onProgress: context.onProgress };
  if (format === "oci") {
    const { saveLayout } = await import("../src/crane/mod.ts");
    return await saveLayout([{ view, reference: name }], path, { ...options, annotateRef: name !== undefined });
  }
  const tarball = await import("../src/tarball/mod.ts");
  if (format === "oci-archive") return await tarball.writeOciArchiveFile(path, [{ view, name }], options);
  const { openImage } = await import("../src/source/mod.ts");
  await tarball.writeTarballFile(path, [{ reference: name, image: await openImage(view, options) }], options);
}

/**
 * Pushes an image with what is attached to it, or loads it into an engine. Notes how much of it was sent.
 *
 * @returns `repository@digest`, or `undefined` for an engine
 */
export async function publishBuilt(
  built: BuiltImage,
  tag: string,
  { sboms, context }: { sboms: readonly SbomFormat[]; context: Context },
): Promise<string | undefined> {
  const { view } = built;
  if (await daemonName(tag) !== undefined) {
    await giveToEngine(view, (await daemonName(tag))!, context);
    return undefined;
  }
  const { push } = await import("../src/crane/mod.ts");
  const { withClient } = await import("../src/crane/internal.ts");
  const sent = new Map<string, ProgressEvent>();
  const onProgress = (event: ProgressEvent) => {
    sent.set(event.id, event);
    context.onProgress?.(event);
  };
  // The note needs to know the ends alone.
  const countsBytes = context.onProgress !== undefined;
  const options = withClient({ ...commandOptions(context), onProgress, countsBytes });
  const pushed = await push(view, await referenceText(tag), options);
  context.note(sentNote(await layersOf(built, context), sent));
  if (sboms.length > 0) {
    const { pushSboms } = await import("../src/build/mod.ts");
    await pushSboms(built, pushed.slice(0, pushed.indexOf("@")), { ...options, formats: sboms });
  }
  return pushed;
}

/** Returns the sizes of all layers by digest, those of the base too. */
async function layersOf({ platforms }: BuiltImage, { signal }: Context): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const { image } of platforms) {
    for (const { digest, size } of (await image.manifest({ signal })).layers) sizes.set(digest, size);
  }
  return sizes;
}

function sentNote(layers: ReadonlyMap<string, number>, sent: ReadonlyMap<string, ProgressEvent>): string {
  const total = (digests: Iterable<string>) =>
    formatBytes([...digests].reduce((sum, digest) => sum + (layers.get(digest) ?? 0), 0));
  const done = [...layers.keys()].filter((digest) => sent.get(digest)?.state === "done");
  return `${done.length} of ${layers.size} layers sent, ${total(done)} of ${total(layers.keys())}`;
}
