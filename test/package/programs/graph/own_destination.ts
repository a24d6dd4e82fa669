import { assertEquals } from "@std/assert";
import { type ContentSink, transfer } from "@gcrane/gcrane/graph";
import { randomIndex } from "@gcrane/gcrane/image";
import type { Bytes } from "@gcrane/gcrane/tar";
import { bytesOf } from "../contents.ts";

/** Writes an index, and what it leads to, into a map. */
export default async function (): Promise<void> {
  const stored = new Map<string, Bytes>();
  const named = new Map<string, string>();
  const sink: ContentSink = {
    id: "a map",
    vouches: true,
    takesUnidentified: () => false,
    hasBlob: ({ digest }) => Promise.resolve(stored.has(digest)),
    hasManifest: ({ digest }, { names }) => Promise.resolve({ there: stored.has(digest), unnamed: names }),
    async putBlob({ content, descriptor }) {
      stored.set(content.identity?.digest ?? descriptor!.digest, await bytesOf(await content.open()));
      return "done";
    },
    async putManifest({ view, descriptor, names }) {
      stored.set(descriptor.digest, await view.rawManifest());
      for (const name of names) named.set(name, descriptor.digest);
    },
  };
  const index = randomIndex({ seed: 1, images: 2, layers: 2 });
  await transfer([{ view: index, names: ["v1"] }], sink);
  assertEquals([stored.size, named.get("v1")], [9, await index.digest()]);
}
