import type { Bytes } from "./bytes.ts";
import { codecError, type CodecInput } from "./codec_stream.ts";

/** A request of the parser: to read some bytes, to skip some, or to end a frame. */
type Step =
  | { readonly kind: "see"; readonly count: number }
  | { readonly kind: "pass"; readonly count: number }
  | { readonly kind: "begin"; readonly skippable: boolean }
  | { readonly kind: "end" };

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** The most bytes that the parser sees at once: a frame header without its descriptor. */
const MAX_SEEN = 13;
/** The largest window that zstd decoders read by default. */
const MAX_WINDOW = 128 * 1024 * 1024;

/**
 * Walks the frames of a zstd stream (RFC 8878, section 3.1) without decoding their blocks. Receives only the bytes that
 * it requests.
 */
function* frameSteps(): Generator<Step, never, Bytes> {
  for (;;) {
    const magic = littleEndian(yield { kind: "see", count: 4 });
    const skippable = (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;
    if (!skippable && magic !== MAGIC) throw codecError("not a zstd frame", "Z_DATA_ERROR");
    yield { kind: "begin", skippable };
    if (skippable) {
      yield { kind: "pass", count: littleEndian(yield { kind: "see", count: 4 }) };
    } else {
      const descriptor = (yield { kind: "see", count: 1 })[0];
      checkWindow(descriptor, yield { kind: "see", count: frameHeaderRest(descriptor) });
      for (let last = false; !last;) {
        const block = littleEndian(yield { kind: "see", count: 3 });
        last = (block & 1) === 1;
        const isRunLength = (block >> 1 & 3) === 1;
        yield { kind: "pass", count: isRunLength ? 1 : block >> 3 };
      }
      const hasChecksum = (descriptor & 4) !== 0;
      yield { kind: "pass", count: hasChecksum ? 4 : 0 };
    }
    yield { kind: "end" };
  }
}

/** Returns the length of a frame header after its descriptor: window, dictionary id and content size. */
function frameHeaderRest(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3];
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  return (singleSegment ? 0 : 1) + dictionaryId + contentSize;
}

/** Throws if a frame needs a larger window than the codecs read, which they report in different ways, or not at all. */
function checkWindow(descriptor: number, rest: Bytes): void {
  const base = 2 ** (10 + (rest[0] >> 3));
  const singleSegment = (descriptor & 0x20) !== 0;
  const size = singleSegment ? contentSize(descriptor, rest) : base + base / 8 * (rest[0] & 7);
  if (size <= MAX_WINDOW) return;
  throw codecError(`needs a zstd window of ${size} bytes, the most that is read is ${MAX_WINDOW}`, "Z_MEM_ERROR");
}

/** The content size at the end of a frame header. */
function contentSize(descriptor: number, rest: Bytes): number {
  const length = [1, 2, 4, 8][descriptor >> 6];
  return littleEndian(rest.subarray(rest.length - length)) + (length === 2 ? 256 : 0);
}

function littleEndian(bytes: Bytes): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

/**
 * Cuts a zstd input at the end of each frame and drops skippable frames. The codecs of Deno and Node stop after the
 * first frame of a chunk, and those of Deno and Bun accept a truncated stream.
 */
export function zstdFrameInput(input: CodecInput): CodecInput {
  const steps = frameSteps();
  let step = steps.next().value;
  const pieces: Bytes[] = [];
  let frames = 0;
  let insideFrame = false;
  let skippable = false;
  const seen = new Uint8Array(MAX_SEEN);
  let seenLength = 0;
  let passed = 0;

  function cut(chunk: Bytes): void {
    let position = 0;
    let pieceStart = 0;
    const give = (end: number) => {
      if (insideFrame && !skippable && end > pieceStart) pieces.push(chunk.subarray(pieceStart, end));
      pieceStart = end;
    };
    for (;;) {
      if (step.kind === "see") {
        const taken = chunk.subarray(position, position + step.count - seenLength);
        seen.set(taken, seenLength);
        seenLength += taken.byteLength;
        position += taken.byteLength;
        if (seenLength < step.count) break;
        seenLength = 0;
        step = steps.next(seen.subarray(0, step.count)).value;
      } else if (step.kind === "pass") {
        const taken = Math.min(step.count - passed, chunk.byteLength - position);
        passed += taken;
        position += taken;
        if (passed < step.count) break;
        passed = 0;
        step = steps.next(seen).value;
      } else if (step.kind === "begin") {
        insideFrame = true;
        skippable = step.skippable;
        pieceStart = position;
        if (!skippable) pieces.push(seen.slice(0, 4));
        step = steps.next(seen).value;
      } else {
        give(position);
        insideFrame = false;
        frames++;
        step = steps.next(seen).value;
      }
    }
    give(chunk.byteLength);
  }

  return {
    async read() {
      while (pieces.length === 0) {
        const chunk = await input.read();
        if (chunk === undefined) {
          if (insideFrame || seenLength > 0 || frames === 0) {
            throw codecError("unexpected end of the zstd stream", "Z_BUF_ERROR");
          }
          return undefined;
        }
        cut(chunk);
      }
      return pieces.shift();
    },
    cancel: (reason) => input.cancel(reason),
  };
}
