import { HttpError, NetworkError } from "../errors.ts";
import type { BlobIdentity } from "../image/mod.ts";
import { type AbortOptions, chunks } from "../io/mod.ts";
import type { ByteStream, NewFile } from "../runtime/mod.ts";
import { hashAlgorithm } from "../spec/mod.ts";
import { openBlob } from "./open_blob.ts";
import type { BlobNode, PutOptions } from "./sink.ts";

/** From this size on, the streams in between take time. */
const WORTH_PASSING = 64 * 1024;

/**
 * Writes a blob into a new file from `position` on, verified. If nothing counts the bytes, the file takes the body of a
 * response as it comes, without the streams in between. After a failure a stream continues from the reached byte;
 * if the bytes are wrong, a stream writes them again, whose error then names their source.
 */
export async function storeBlob(
  blob: BlobNode,
  file: NewFile,
  position: number,
  options: PutOptions,
): Promise<BlobIdentity> {
  const isStored = await passBlob(blob, file, position, options);
  if (!isStored) await writeStream(await openBlob(blob, options), file, position, options);
  // A stream has ensured by its end that the content has an identity.
  return blob.content.identity!;
}

/** Writes a stream into a new file from `position` on, and returns the number of its bytes. */
export async function writeStream(
  source: ByteStream,
  file: NewFile,
  position: number,
  { signal }: AbortOptions,
): Promise<number> {
  let at = position;
  for await (const chunk of chunks(source, { signal, borrow: true })) {
    await file.write(chunk, at);
    at += chunk.length;
  }
  return at - position;
}

/** Lets the file take the body of a response. Returns whether it holds the blob, verified, or needs it again. */
async function passBlob(
  { content, descriptor }: BlobNode,
  file: NewFile,
  position: number,
  { signal, onBytes }: PutOptions,
): Promise<boolean> {
  const { identity, place } = content;
  if (place?.kind !== "response" || !identity || onBytes || identity.size <= WORTH_PASSING) return false;
  const { digest, size } = identity;
  if (descriptor?.digest !== digest || descriptor.size !== size) return false;
  const algorithm = hashAlgorithm(digest);
  const how = { signal, stallMs: place.stallMs, size, algorithm };
  const { count, hex, error } = await file.receive((signal) => place.get({ signal }), position, how);
  signal?.throwIfAborted();
  // A stream would fail in the same way, after the same attempts.
  if (error instanceof HttpError || error instanceof NetworkError) throw error;
  if (count === 0 || count > size) return false;
  if (count < size) {
    const rest = await content.open({ offset: count, signal });
    if (await writeStream(rest, file, position + count, { signal }) !== size - count) return false;
  }
  const hashed = (count === size ? hex : undefined) ??
    (await file.hash(algorithm, { offset: position, length: size, signal })).hex;
  return digest === `${algorithm}:${hashed}`;
}
