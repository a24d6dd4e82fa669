import type { Place } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { fetchAt, type OpenFile, passesBodies } from "../runtime/mod.ts";
import type { NativeBody } from "../transport/mod.ts";

/** The parameters of a native body. */
export interface NativeRequest {
  /** The location of the content. */
  readonly place: Place | undefined;
  /** The URL that the body is sent to. */
  readonly url: URL;
  /** The number of bytes. */
  readonly size: number;
  /** Aborts the sending. */
  readonly signal: AbortSignal | undefined;
}

/** A body that the runtime sends by itself. */
export interface OpenNativeBody {
  /** The body. */
  readonly body: NativeBody;
  /**
   * Combines the caller's signal, a deadline, since no runtime detects a stalled source, and the detection of a file
   * that shrinks.
   */
  readonly signal: AbortSignal;
  /** Closes the content's source. */
  close(): Promise<void>;
}

/** The lowest transfer rate of a native body before it times out, in bytes per second. */
const SLOWEST = 256 * 1024;

/** The interval in milliseconds at which the length of a file is checked while it is sent. */
const LOOK_EVERY = 1000;

/**
 * Opens a content as a body that the runtime sends by itself. Returns `undefined` if the runtime, the connection or the
 * content's place does not allow it, or if opening fails: a stream then reports the cause.
 */
export async function openNative(
  fetch: typeof globalThis.fetch,
  { place, url, size, signal }: NativeRequest,
): Promise<OpenNativeBody | undefined> {
  if (!place || !passesBodies(await fetchAt(fetch, url))) return undefined;
  const deadline = AbortSignal.timeout(60_000 + size / SLOWEST * 1000);
  const shrunk = new AbortController();
  const any = AbortSignal.any([deadline, shrunk.signal, ...(signal ? [signal] : [])]);
  try {
    const opened = await openPlace(place, url, { signal: any, shrink: () => shrunk.abort() });
    if (!opened) return undefined;
    return {
      body: { native: opened.body, length: size },
      signal: any,
      close: opened.close,
    };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

async function openPlace(
  place: Place,
  url: URL,
  { signal, shrink }: { signal: AbortSignal; shrink: () => void },
): Promise<{ body: NativeBody["native"]; close(): Promise<void> } | undefined> {
  switch (place.kind) {
    case "bytes":
      return { body: place.bytes, close: () => Promise.resolve() };
    case "file": {
      const file = await place.open({ signal });
      const body = await file.body(place, url);
      if (body === undefined) {
        await file.close();
        return undefined;
      }
      const stopLooking = watchLength(file, place.offset + place.length, shrink);
      return {
        body,
        close() {
          stopLooking();
          return file.close();
        },
      };
    }
    case "response": {
      const { body } = await untilAnswered(place.get, signal);
      if (body === null) return undefined;
      return { body, close: () => body.locked ? Promise.resolve() : body.cancel().catch(() => {}) };
    }
  }
}

/** Detects that a file becomes shorter while it is sent, as Bun waits forever for the missing bytes. */
function watchLength(file: OpenFile, length: number, shrink: () => void): () => void {
  const look = () => file.stat().then(({ size }) => size < length && shrink(), shrink);
  const timer = setInterval(look, LOOK_EVERY);
  return () => clearInterval(timer);
}

/**
 * Requests a response under a signal that stops once its headers are there; from then on the request that sends the
 * body ends it. On Deno, aborting a body that another request sends throws an error that can't be caught.
 */
async function untilAnswered(
  get: (options: AbortOptions) => Promise<Response>,
  signal: AbortSignal,
): Promise<Response> {
  const opening = new AbortController();
  const abort = () => opening.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort);
  try {
    return await get({ signal: opening.signal });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
