/** Reads all forms of content to write in one way. */

import type { Bytes } from "../runtime/mod.ts";
import type { TarChunks } from "./types.ts";
import type { TarContent, TarContentSource } from "./write_entry.ts";

/** Content in pieces that can be abandoned. */
export interface OpenContent extends TarChunks {
  /** Abandons the rest. */
  cancel(reason: unknown): Promise<void>;
}

/** Opens content: at once, unless an opener returns a promise. */
export function openContent(content: TarContent): OpenContent | Promise<OpenContent> {
  if (typeof content !== "function") return openSource(content);
  const source = content();
  return source instanceof Promise ? source.then(openSource) : openSource(source);
}

function openSource(source: TarContentSource): OpenContent {
  if (source instanceof Uint8Array) return openBytes(source as Bytes);
  if ("getReader" in source) return openStream(source as ReadableStream<Bytes>);
  // Nothing is to be released: pieces are made on request.
  return { read: () => source.read(), cancel: () => Promise.resolve() };
}

function openBytes(bytes: Bytes): OpenContent {
  let rest: Bytes | undefined = bytes;
  return {
    read() {
      const piece = rest;
      rest = undefined;
      return piece;
    },
    cancel: () => Promise.resolve(),
  };
}

function openStream(stream: ReadableStream<Bytes>): OpenContent {
  const reader = stream.getReader();
  return {
    async read() {
      return (await reader.read()).value;
    },
    async cancel(reason) {
      await reader.cancel(reason);
    },
  };
}
