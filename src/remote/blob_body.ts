import { ProtocolError } from "../errors.ts";
import { sliceStream } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type Answer, redactUrl } from "../transport/mod.ts";

/** What is expected of the answer to a request for a blob. */
export interface BlobPart {
  /** The first byte that was asked for. */
  readonly offset: number;
  /** The number of bytes of the whole blob. */
  readonly size: number;
}

/** Returns the bytes of an answer from `offset` on, whether the server sent a part or everything. */
export async function blobBody({ response, url }: Answer, { offset, size }: BlobPart): Promise<ByteStream> {
  const stream = (response.body ?? new Blob([]).stream()) as ByteStream;
  const problem = response.status === 206 && firstByte(response) !== offset
    ? `asked to go on at byte ${offset}, the server sent another range`
    : isEncoded(response, offset, size)
    ? `the server sent the blob in the encoding ${response.headers.get("content-encoding")}, which it was not asked for`
    : undefined;
  if (problem !== undefined) {
    await stream.cancel().catch(() => {});
    throw new ProtocolError(`GET ${redactUrl(url)}: ${problem}`);
  }
  return response.status === 206 ? stream : sliceStream(stream, { offset });
}

function firstByte(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? NaN);
}

/**
 * Returns whether what was sent are not the bytes of the blob. Storage that was told that a layer is gzip says so in
 * `Content-Encoding` but sends the layer as it is: then the length is the blob's own.
 */
function isEncoded(response: Response, offset: number, size: number): boolean {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || encoding === "" || encoding === "identity") return false;
  const sent = response.status === 206 ? size - offset : size;
  return response.headers.get("content-length") !== String(sent);
}
