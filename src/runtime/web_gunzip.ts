import type { Bytes, ByteStream } from "./bytes.ts";
import { blockInput, toCodecError } from "./codec_stream.ts";
import { pullStream } from "./pull_stream.ts";

/** The length of the input blocks, which bounds the output that is ahead of the reader. */
const BLOCK_SIZE = 64 * 1024;

/** The bytes of the length at the end of a member (RFC 1952, section 2.3). */
const LENGTH_SIZE = 4;

/** The bytes of the shortest header. */
const HEADER_SIZE = 10;

/** The bytes of the shortest member. */
const SHORTEST_MEMBER = 18;

/** The most output that can be missing when a block was written: the highest ratio of deflate, for two blocks. */
const MOST_MISSING = 2 * BLOCK_SIZE * 1032;

/** The longest wait for the output of a member, in milliseconds; half of that after each wait in vain. */
const LONGEST_WAIT_MS = 1000;

/**
 * Decompresses gzip of one or more members with `DecompressionStream`, which takes one member only and does not report
 * where it ends. A member ends in front of what looks like a header, if the length there is that of the output. Errors
 * are as those of `gunzipStream`; zeros after the last member are an error.
 */
export function webGunzipStream(source: ByteStream): ByteStream {
  const input = blockInput(source, BLOCK_SIZE);
  const ready: Bytes[] = [];
  let member: Member | undefined;
  /** What a length and a header may start in. */
  let tail: Bytes = new Uint8Array();
  let ended = false;
  let patience = LONGEST_WAIT_MS;

  async function step(): Promise<void> {
    const block = await input.read();
    ended = block === undefined;
    try {
      await decompress(joined(tail, block ?? new Uint8Array()));
      if (ended) await member?.end();
    } catch (error) {
      input.cancel(error).catch(() => {});
      throw toCodecError(error);
    }
  }

  async function decompress(data: Bytes): Promise<void> {
    member ??= new Member(ready);
    let from = 0;
    for (let at = LENGTH_SIZE; (at = data.indexOf(0x1f, at)) >= 0; at++) {
      if (!isHeader(data, at) || member.taken + at - from < SHORTEST_MEMBER) continue;
      await member.write(data.subarray(from, at));
      from = at;
      const length = new DataView(data.buffer, data.byteOffset).getUint32(at - LENGTH_SIZE, true);
      const missing = member.missing(length);
      if (missing > MOST_MISSING) continue; // as for most of what a stored block holds
      if (missing > 0 && !await member.reaches(length, patience)) {
        patience /= 2;
        continue;
      }
      await member.end();
      member = new Member(ready);
    }
    const until = ended ? data.length : Math.max(from, data.length - LENGTH_SIZE - HEADER_SIZE);
    await member.write(data.subarray(from, until));
    tail = data.subarray(until);
  }

  return pullStream({
    async read() {
      while (ready.length === 0 && !ended) await step();
      return ready.shift();
    },
    async cancel(reason) {
      member?.abort(reason);
      await input.cancel(reason);
    },
  });
}

/** Returns whether a member may start here: magic, method, flags that exist, and a usual level (RFC 1952). */
function isHeader(data: Bytes, at: number): boolean {
  const [, second, method, flags, , , , , level] = data.subarray(at, at + HEADER_SIZE);
  return second === 0x8b && method === 8 && flags < 0x20 && (level === 0 || level === 2 || level === 4);
}

function joined(a: Bytes, b: Bytes): Bytes {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The decompression of one member. */
class Member {
  /** The number of bytes that were written. */
  taken = 0;
  #given = 0;
  #onOutput: () => unknown = () => {};
  readonly #writer: WritableStreamDefaultWriter<BufferSource>;
  readonly #read: Promise<void>;

  constructor(ready: Bytes[]) {
    const { writable, readable } = new DecompressionStream("gzip");
    this.#writer = writable.getWriter();
    this.#read = this.#readAll(readable.getReader() as ReadableStreamDefaultReader<Bytes>, ready);
    this.#read.catch(() => {});
    this.#writer.closed.catch(() => {});
  }

  async #readAll(reader: ReadableStreamDefaultReader<Bytes>, ready: Bytes[]): Promise<void> {
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) return;
      if (value.length > 0) ready.push(value);
      this.#given += value.length;
      this.#onOutput();
    }
  }

  async write(bytes: Bytes): Promise<void> {
    this.taken += bytes.length;
    if (bytes.length > 0) await this.#writer.write(bytes);
  }

  /** Returns how much is missing for an output of this length modulo 2^32. */
  missing(length: number): number {
    return (length - this.#given) >>> 0;
  }

  /** Waits until the output has this length modulo 2^32; resolves to `false` if it does not get it in time. */
  async reaches(length: number, limitMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#onOutput = () => this.missing(length) === 0 && resolve();
    await promise;
    clearTimeout(timer);
    this.#onOutput = () => {};
    return this.missing(length) === 0;
  }

  /** Ends the input, and waits for the rest of the output. */
  async end(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#read]);
  }

  abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {});
  }
}
