import type { ByteStream } from "../../runtime/mod.ts";
import type { Hash } from "../../spec/mod.ts";
import { parseRange } from "./byte_range.ts";
import { entityTag, isNotModified, rangeHeader } from "./conditions.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import { refuse, replyBytes, replyEmpty, replyNotModified } from "./reply.ts";

const TYPE = "application/octet-stream";
/** The smallest blob that clients are sent to the bucket for: below, another connection costs more than the bytes. */
const REDIRECTED = 64 * 1024;

/** Answers GET and HEAD of a blob (distribution-spec, "Pulling blobs"). */
export async function serveBlob(context: RegistryContext, asked: RepositoryRequest, digest: Hash): Promise<Response> {
  const { request, name } = asked;
  const { signal } = request;
  const { repositories, readOnly, redirect } = context;
  const blob = request.method === "HEAD" && !readOnly
    ? await repositories.reliedBlob(name, digest, { signal }) // a client that would otherwise upload the blob
    : await repositories.blob(name, digest, { signal });
  if (!blob) return blobUnknown(digest);
  const { size } = blob;
  return await serveStream(asked, {
    digest,
    size,
    read: (part) => blob.read({ ...part, signal }),
    ...(redirect && blob.url && size >= REDIRECTED && { url: () => blob.url!({ signal }) }),
  });
}

/** A blob of the store or of an upstream. */
export interface ReadableBlob {
  /** Its digest. */
  readonly digest: Hash;
  /** The number of its bytes. */
  readonly size: number;
  /** Opens a stream of a part; absent if only HEAD is to be answered. */
  read?(part: { offset: number; length: number }): ByteStream | Promise<ByteStream>;
  /** Returns the URL that the client is sent to instead; it may be used by every client. */
  url?(): Promise<string>;
}

/** Answers with a blob, or the part of it that the request names. */
export async function serveStream({ exchange, request }: RepositoryRequest, blob: ReadableBlob): Promise<Response> {
  const { digest, size } = blob;
  const etag = entityTag(digest);
  const headers = { "Docker-Content-Digest": digest, "Accept-Ranges": "bytes", "ETag": etag };
  if (isNotModified(request, etag)) return replyNotModified(headers);
  if (request.method === "HEAD" || !blob.read) return replyBytes(null, { type: TYPE, size, headers });
  const part = parseRange(rangeHeader(request, etag), size);
  if (part === undefined) {
    return refuse(416, "SIZE_INVALID", {
      message: `the blob has ${size} bytes, none of them in the requested range`,
      headers: { "Content-Range": `bytes */${size}` },
    });
  }
  if (blob.url) {
    const location = { "Location": await blob.url(), "Cache-Control": "no-store" };
    return replyEmpty(307, { "Docker-Content-Digest": digest, ...location });
  }
  exchange.isStreamed = true;
  if (part === "whole") {
    return replyBytes(await blob.read({ offset: 0, length: size }), { type: TYPE, size, headers });
  }
  const { offset, length } = part;
  return replyBytes(await blob.read({ offset, length }), {
    status: 206,
    type: TYPE,
    size: length,
    headers: { ...headers, "Content-Range": `bytes ${offset}-${offset + length - 1}/${size}` },
  });
}

/** Answers DELETE of a blob: the repository no longer has it (distribution-spec, "Deleting Blobs"). */
export async function deleteBlob(context: RegistryContext, asked: RepositoryRequest, digest: Hash): Promise<Response> {
  const wasThere = await context.repositories.unlinkBlob(asked.name, digest);
  return wasThere ? replyEmpty(202, { "Docker-Content-Digest": digest }) : blobUnknown(digest);
}

/** Answers that a repository does not have a blob. */
function blobUnknown(digest: Hash): Response {
  return refuse(404, "BLOB_UNKNOWN", { message: "the repository has no such blob", detail: { digest } });
}
