import type { Bytes, ByteStream } from "./bytes.ts";
import { toCodecError } from "./codec_stream.ts";

/** The part of `DecompressionStream` and `CompressionStream` that is used here. */
type WebCodec = ReadableWritablePair<Bytes, BufferSource>;

/**
 * Passes a stream through a codec of the web standards, for runtimes without node:zlib. Errors of the codec become
 * the same `CodecError`s that node's give; those of the source come out as they are.
 */
export function webCodecStream(source: ByteStream, open: () => WebCodec): ByteStream {
  const input = source.getReader();
  let failure: { error: unknown } | undefined;
  let output: ReadableStreamDefaultReader<Bytes> | undefined;

  const watched = new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const { done, value } = await input.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    cancel: (reason) => input.cancel(reason),
  }, { highWaterMark: 0 });

  return new ReadableStream<Bytes>({
    async pull(controller) {
      output ??= watched.pipeThrough(open()).getReader();
      try {
        const { done, value } = await output.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        throw failure === undefined ? toCodecError(error) : failure.error;
      }
    },
    cancel: (reason) => output === undefined ? input.cancel(reason) : output.cancel(reason),
  }, { highWaterMark: 0 });
}
