import { fetchFor } from "../http/mod.ts";
import type { Place } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { type OpenFile, passesBodies } from "../runtime/mod.ts";
import type { NativeBody, TransportOptions } from "../transport/mod.ts";

/** What a native body is opened for. */
export interface NativeRequest {
  /** Where the content lies. */
  readonly place: Place | undefined;
  /** Where it goes. */
  readonly url: URL;
  /** The number of bytes. */
  readonly size: number;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

/** A body that the runtime sends by itself. */
export interface OpenNativeBody extends AsyncDisposable {
  /** The body. */
  readonly body: NativeBody;
  /** The caller's signal, a deadline, as no runtime notices a source that stalls, and the end of a file that shrinks. */
  readonly signal: AbortSignal;
}

/** The slowest pace at which a native body is waited for, in bytes per second. */
const SLOWEST = 256 * 1024;

/** How often the length of a file that is being sent is looked at, in milliseconds. */
const LOOK_EVERY = 1000;

/**
 * Opens a content as a body that the runtime sends by itself; `undefined` where the runtime, the way to the registry or
 * the place does not allow it, and where the place can't be opened: a stream finds out why.
 */
export async function openNative(
  { fetch, insecure }: TransportOptions,
  { place, url, size, signal }: NativeRequest,
): Promise<OpenNativeBody | undefined> {
  if (!place || insecure || !passesBodies(fetch ?? fetchFor())) return undefined;
  const deadline = AbortSignal.timeout(60_000 + size / SLOWEST * 1000);
  const shrunk = new AbortController();
  const any = AbortSignal.any([deadline, shrunk.signal, ...(signal ? [signal] : [])]);
  try {
    const opened = await openPlace(place, url, { signal: any, shrink: () => shrunk.abort() });
    if (!opened) return undefined;
    return {
      body: { native: opened.body, length: size },
      signal: any,
      [Symbol.asyncDispose]: opened.close,
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
): Promise<{ body: BodyInit; close(): Promise<void> } | undefined> {
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

/** Looks whether a file becomes shorter while it is sent: Bun waits for the rest of it for ever. */
function watchLength(file: OpenFile, length: number, shrink: () => void): () => void {
  const look = () => file.stat().then(({ size }) => size < length && shrink(), shrink);
  const timer = setInterval(look, LOOK_EVERY);
  return () => clearInterval(timer);
}

/**
 * Gets a response under a signal that ends with its headers. The request that sends the body ends that; on Deno a body
 * that is aborted while another request sends it fails as an error that can't be caught.
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
