import type { Bytes, ByteStream } from "./bytes.ts";
import { toCodecError } from "./codec_stream.ts";
import { pullStream } from "./pull_stream.ts";

/** The part of `DecompressionStream` and `CompressionStream` that is used here. */
type WebCodec = ReadableWritablePair<Bytes, BufferSource>;

/**
 * Passes a stream through a codec of the web standards, for runtimes without node:zlib. Errors of the codec become
 * `CodecError`s as with node:zlib; those of the source are passed on.
 */
export function webCodecStream(source: ByteStream, open: () => WebCodec): ByteStream {
  const input = source.getReader();
  let failure: { error: unknown } | undefined;
  let output: ReadableStreamDefaultReader<Bytes> | undefined;

  const watched = pullStream({
    async read() {
      try {
        return (await input.read()).value;
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    cancel: (reason) => input.cancel(reason),
  });

  return pullStream({
    async read() {
      output ??= watched.pipeThrough(open()).getReader();
      try {
        return (await output.read()).value;
      } catch (error) {
        throw failure === undefined ? toCodecError(error) : failure.error;
      }
    },
    cancel: (reason) => output === undefined ? input.cancel(reason) : output.cancel(reason),
  });
}
