import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { DigestMismatchError, SizeMismatchError, StreamLayerError } from "../../src/errors.ts";
import { openBlob } from "../../src/graph/internal.ts";
import type { BlobNode } from "../../src/graph/mod.ts";
import type { BlobIdentity, Content } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { utf8 } from "../make/bytes.ts";

const bytes = utf8("content ".repeat(500));

/** Creates a blob with an expected identity, and with the identity that its content has after a read. */
async function blobOf(promised: Partial<BlobIdentity> | undefined, found?: Partial<BlobIdentity>): Promise<BlobNode> {
  const identity = { digest: await digestBytes(bytes), size: bytes.length };
  const content: Content = {
    identity: found && { ...identity, ...found },
    once: false,
    origins: [],
    open: () => Promise.resolve(inChunks(bytes)),
  };
  const mediaType = "application/vnd.example";
  const descriptor = promised && { mediaType, ...identity, ...promised };
  return { kind: "blob", content, mediaType, descriptor, origins: [] };
}

const read = async (blob: BlobNode, onBytes?: (count: number) => void) =>
  await collect(await openBlob(blob, { onBytes }));

describe("openBlob", () => {
  it("passes bytes that are those that were promised, and counts them from the start", async () => {
    for (const promised of [{}, undefined]) {
      const counts: number[] = [];
      assertEquals(await read(await blobOf(promised, {}), (count) => counts.push(count)), bytes);
      assertEquals(counts, [0, 1000, 1000, 1000, 1000]);
    }
  });

  it("fails where there are fewer or more than were promised", async () => {
    const fewer = await blobOf({ size: bytes.length + 1 }, {});
    await assertRejects(() => read(fewer), SizeMismatchError, "has fewer than the 4001 bytes that were promised");
    const more = await blobOf({ size: bytes.length - 1 }, {});
    await assertRejects(() => read(more), SizeMismatchError, "has more than the 3999 bytes that were promised");
  });

  it("fails where content that is made again has become another", async () => {
    const other = await digestBytes(utf8("other"));
    const blob = await blobOf({}, { digest: other });
    await assertRejects(() => read(blob), DigestMismatchError, `a layer has the digest ${other} where`);
  });

  it("fails where content does not know what it is when it was read", async () => {
    await assertRejects(async () => await read(await blobOf(undefined)), StreamLayerError, "still has no digest");
  });
});
