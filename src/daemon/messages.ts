import { plainText } from "../http/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../runtime/mod.ts";

/** What an engine said while it worked. */
export interface EngineMessages {
  /** Its words, line by line; progress is left out. */
  readonly text: string;
  /** Why it failed; `undefined` when it did not. */
  readonly error: string | undefined;
}

/** One message: Docker sends `error` and `errorDetail`, podman `error` alone, or what a failed answer has. */
interface Message {
  readonly stream?: unknown;
  readonly error?: unknown;
  readonly errorDetail?: { readonly message?: unknown } | null;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/**
 * Reads what an engine answers to a `load`: JSON objects, one on a line. Such an answer begins with status 200 before
 * the work is done, so failure is one of the messages. A line that is no JSON is words.
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
  if (errorDetail || error) return "it does not say why";
  return typeof message === "string" && typeof cause === "string" ? plainText(message) : undefined;
}

/** How much of the end of a stream may be a message. */
const TAIL = 16 * 1024;

/**
 * The same stream, which fails when it ends with an error message: an engine that fails while it saves an image has
 * sent status 200 and the beginning of a tar already, so Docker writes the message after that. A whole tar ends with
 * zeros.
 *
 * @param translate makes the errors to throw: of the message, or of what reading threw
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
  // Bytes of a file may be in front of it, and may look like its beginning.
  for (const { index } of line.matchAll(/\{"(?:error|errorDetail|cause)"/g)) {
    const { error } = parseMessages(line.slice(index));
    if (error !== undefined) return error;
  }
  return undefined;
}
