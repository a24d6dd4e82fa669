import { plainText } from "../http/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/** The messages of an engine. */
export interface EngineMessages {
  /** The text of the messages, line by line, without progress. */
  readonly text: string;
  /** The error; `undefined` if there is none. */
  readonly error: string | undefined;
}

/** One message: Docker sends `error` and `errorDetail`; podman sends `error`, or the body of an error response. */
interface Message {
  readonly stream?: unknown;
  readonly error?: unknown;
  readonly errorDetail?: { readonly message?: unknown } | null;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/**
 * Reads the response to a `load`: JSON objects, one per line. The response begins with status 200 before the work is
 * done, so an error is one of the messages. A line that is not JSON is text.
 */
export function parseMessages(text: string): EngineMessages {
  const words: string[] = [];
  let failure: string | undefined;
  for (const line of text.split("\n").map((line) => line.trim())) {
    const message = parseMessage(line);
    if (message === undefined) words.push(line);
    else if (typeof message.stream === "string") words.push(message.stream.trim());
    failure ??= message && errorOf(message);
  }
  return { text: words.filter((line) => line !== "").join("\n"), error: failure };
}

function parseMessage(line: string): Message | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}

function errorOf({ error, errorDetail, message, cause }: Message): string | undefined {
  if (typeof errorDetail?.message === "string" && errorDetail.message !== "") return plainText(errorDetail.message);
  if (typeof error === "string" && error !== "") return plainText(error);
  if (errorDetail || error) return "the engine gives no reason";
  return typeof message === "string" && typeof cause === "string" ? plainText(message) : undefined;
}

/** The maximum size of a message at the end of a stream. */
const TAIL = 16 * 1024;

/**
 * Returns a stream that fails if the source ends with an error message. An engine that fails during a save has already
 * sent status 200 and the beginning of a tar, so Docker appends the message to the tar. A complete tar ends with
 * zeros.
 *
 * @param translate creates the errors to throw: from the message, or from a failure to read
 */
export function checkedSave(
  source: ByteStream,
  translate: { said(message: string): Error; cut(error: unknown): unknown },
): ByteStream {
  const reader = source.getReader();
  let tail: Bytes = new Uint8Array();
  return pullStream({
    async read() {
      const { value } = await reader.read().catch(async (error) => {
        throw await translate.cut(error);
      });
      if (value !== undefined) {
        tail = lastBytes(tail, value);
        return value;
      }
      const said = messageAtEnd(tail);
      if (said !== undefined) throw translate.said(said);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function lastBytes(before: Bytes, chunk: Bytes): Bytes {
  if (chunk.length >= TAIL) return chunk.subarray(chunk.length - TAIL);
  const kept = before.subarray(Math.max(0, before.length + chunk.length - TAIL));
  const all = new Uint8Array(kept.length + chunk.length);
  all.set(kept);
  all.set(chunk, kept.length);
  return all;
}

function messageAtEnd(tail: Bytes): string | undefined {
  if (tail.length === 0 || tail[tail.length - 1] === 0) return undefined;
  const line = new TextDecoder().decode(tail).trimEnd().split("\n").at(-1)!;
  // Bytes of a file may precede the message and look like its beginning.
  for (const { index } of line.matchAll(/\{"(?:error|errorDetail|cause)"/g)) {
    const { error } = parseMessages(line.slice(index));
    if (error !== undefined) return error;
  }
  return undefined;
}
