import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { TransferState } from "../../src/graph/mod.ts";
import type { Content } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { collect, inChunks } from "../make/streams.ts";
import { leavingNothing } from "../make/folders.ts";
import { utf8 } from "../make/bytes.ts";

const bytes = utf8("content ".repeat(500));
const identity = { digest: await digestBytes(bytes), size: bytes.length };

/** Content that calls `onDone` when its temporary file is whole. */
function contentOf(onDone: () => void): Content {
  let isRead = false;
  return {
    get identity() {
      if (!isRead) return undefined;
      onDone();
      return identity;
    },
    once: true,
    origins: [],
    open() {
      isRead = true;
      return Promise.resolve(inChunks(bytes));
    },
  };
}

describe("TransferState.spool", () => {
  it("leaves no file when its only caller gives up as the file is whole", () =>
    leavingNothing(async () => {
      const abort = new AbortController();
      const reason = new Error("given up");
      const content = contentOf(() => abort.abort(reason));
      const error = await assertRejects(() => new TransferState().spool(content, { signal: abort.signal }));
      assertEquals(error, reason);
    }));

  it("keeps the file for a second caller when the first gives up, and removes it afterwards", () =>
    leavingNothing(async () => {
      const abort = new AbortController();
      const state = new TransferState();
      const content = contentOf(() => abort.abort(new Error("given up")));
      const first = state.spool(content, { signal: abort.signal }).catch((error) => error.message);
      const second = await state.spool(content, {});
      assertEquals(await first, "given up");
      assertEquals(await collect(await second.content.open()), bytes);
      await second.dispose();
    }));
});
