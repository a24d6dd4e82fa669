import { ProtocolError } from "../errors.ts";
import { sliceStream } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type Answer, redactUrl } from "../transport/mod.ts";

/** The requested part of a blob. */
export interface BlobPart {
  /** The index of the first requested byte. */
  readonly offset: number;
  /** The size of the whole blob in bytes. */
  readonly size: number;
}

/** Returns the bytes of a response from `offset` on, whether the server sent that part or the whole blob. */
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
 * Returns whether the response is encoded, so that its bytes are not the blob's. Some storage sets `Content-Encoding`
 * for a gzip layer but sends the layer unchanged: then the length is that of the blob.
 */
function isEncoded(response: Response, offset: number, size: number): boolean {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || encoding === "" || encoding === "identity") return false;
  const sent = response.status === 206 ? size - offset : size;
  return response.headers.get("content-length") !== String(sent);
}
