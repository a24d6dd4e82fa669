import { StreamLayerError, UnsupportedError } from "../errors.ts";
import { type AbortOptions, chunks, drain, temporaryFailure } from "../io/mod.ts";
import { joinPath, openFile, openWriter, remove, temporaryDirectory } from "../runtime/mod.ts";
import { type Content, contentOf } from "./content.ts";

/** Content whose digest is known, and perhaps a temporary file that holds it. */
export interface SpooledContent {
  /** The content; it can be opened again and again until it is disposed of. */
  readonly content: Content;
  /** Removes the temporary file. */
  dispose(): Promise<void>;
}

/**
 * Finds out the digest of content so that its bytes are made only once: content that would have to be read or
 * compressed for it is written to a temporary file on the way. Content whose digest is known stays as it is, and what
 * lies in a file already is read for its digest alone. Where there is no file system, or no permission to use it,
 * content that can be read twice is.
 *
 * @throws {UnsupportedError} when the content can be read only once and there is no file system.
 * @throws {FileError} when the temporary file can't be written; nothing of it is left.
 */
export async function spoolContent(content: Content, options: AbortOptions = {}): Promise<SpooledContent> {
  const { signal } = options;
  if (content.identity) return { content, dispose: () => Promise.resolve() };
  if (content.place?.kind === "file") return await inPlace(content, options);
  const directory = await makeDirectory();
  if (directory === undefined) return await withoutFiles(content, options);
  const dispose = () => remove(directory, { recursive: true });
  try {
    const path = joinPath(directory, "layer");
    await writeContent(content, path, signal);
    return { content: fileContent(path, identityOf(content)), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function fileContent(path: string, identity: NonNullable<Content["identity"]>): Content {
  const what = `the temporary copy of ${identity.digest}`;
  return contentOf({
    identity,
    async open({ offset, signal }) {
      return (await openFile(path)).stream({ offset, closeWhenDone: true, signal });
    },
    ranges: true,
    place: { kind: "file", open: () => openFile(path), offset: 0, length: identity.size },
    what,
  });
}

async function writeContent(content: Content, path: string, signal: AbortSignal | undefined): Promise<void> {
  const writer = await failing(openWriter(path, { mode: 0o600, exclusive: true }));
  try {
    for await (const chunk of chunks(await content.open({ signal }), { signal })) await failing(writer.write(chunk));
  } finally {
    await failing(writer.close());
  }
}

async function withoutFiles(content: Content, { signal }: AbortOptions): Promise<SpooledContent> {
  if (content.once) {
    throw new UnsupportedError("a streaming layer needs a file system to be kept in until its digest is known", {
      hint: "make the layer of bytes, or of something that can be opened twice",
    });
  }
  return await inPlace(content, { signal });
}

/** Reads content for its digest; it is read again where it is used. */
async function inPlace(content: Content, { signal }: AbortOptions): Promise<SpooledContent> {
  if (content.measure) await content.measure({ signal });
  else await drain(await content.open({ signal }), { signal });
  identityOf(content);
  return { content, dispose: () => Promise.resolve() };
}

function identityOf({ identity }: Content): NonNullable<Content["identity"]> {
  if (identity) return identity;
  throw new StreamLayerError("a layer was read to its end and still has no digest");
}

/** A directory for one file; `undefined` where this runtime has no file system, or gives no access to it. */
async function makeDirectory(): Promise<string | undefined> {
  try {
    return await temporaryDirectory();
  } catch (error) {
    if (error instanceof Error && ["NotSupportedError", "NotCapable"].includes(error.name)) return undefined;
    throw temporaryFailure("a layer", error);
  }
}

async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw temporaryFailure("a layer", error);
  }
}
