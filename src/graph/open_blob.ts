import { DigestMismatchError, SizeMismatchError, StreamLayerError } from "../errors.ts";
import { observe } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import type { BlobNode, PutOptions } from "./sink.ts";

/**
 * Opens a blob for a sink that stores its bytes unchanged. The stream reports its bytes, and fails before it closes if
 * they differ from the descriptor, as content that is generated on each read can change.
 */
export async function openBlob(blob: BlobNode, { signal, onBytes }: PutOptions): Promise<ByteStream> {
  const { content, descriptor } = blob;
  const stream = await content.open({ signal });
  onBytes?.(0);
  let count = 0;
  return observe(stream, {
    chunk({ length }) {
      count += length;
      if (descriptor && count > descriptor.size) throw wrongSize(blob, "more");
      onBytes?.(length);
    },
    end() {
      if (descriptor && count < descriptor.size) throw wrongSize(blob, "fewer");
      const { identity } = content;
      if (identity === undefined) throw new StreamLayerError("a layer was read to its end and still has no digest");
      if (descriptor === undefined || descriptor.digest === identity.digest) return;
      throw new DigestMismatchError(
        `a layer has the digest ${identity.digest} where ${descriptor.digest} was promised`,
      );
    },
  });
}

function wrongSize({ descriptor }: BlobNode, how: string): SizeMismatchError {
  const { digest, size } = descriptor!;
  return new SizeMismatchError(`${digest} has ${how} than the ${size} bytes that were promised`);
}
