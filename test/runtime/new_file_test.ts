import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createNewFile, openFile, removeTemporaries } from "../../src/runtime/mod.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_test_"));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("createNewFile", () => {
  it("takes parts in any order, with zeros between them, and has no name before it is whole", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "file");
      const file = await createNewFile(path);
      await Promise.all([file.write(utf8("end"), 8), file.write(utf8("start"), 0)]);
      assertEquals(readdirSync(folder).includes("file"), false);
      await file.commit(path);
      await file.discard();
      assertEquals(readdirSync(folder), ["file"]);
      assertEquals(readFileSync(path, "latin1"), "start\0\0\0end");
    });
  });
  it("replaces a file, and a link but not what it leads to", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "target"), "precious");
      symlinkSync("target", join(folder, "link"));
      for (const name of ["link", "link"]) {
        const file = await createNewFile(join(folder, name));
        await file.write(utf8("new"), 0);
        await file.commit(join(folder, name));
      }
      assertEquals(readFileSync(join(folder, "target"), "utf8"), "precious");
      assertEquals(readFileSync(join(folder, "link"), "utf8"), "new");
    });
  });
  it("leaves nothing when it is discarded, or can't get its name", async () => {
    await inFolder(async (folder) => {
      const file = await createNewFile(join(folder, "file"));
      const write = file.write(new Uint8Array(1_000_000), 0);
      await file.discard();
      await write;
      const other = await createNewFile(join(folder, "file"));
      await assertRejects(() => other.commit(join(folder, "no", "file")));
      await other.discard();
      assertEquals(readdirSync(folder), []);
    });
  });
  it("is among the temporary files that are removed on an interrupt", async () => {
    await inFolder(async (folder) => {
      const file = await createNewFile(join(folder, "file"));
      assertEquals(readdirSync(folder).length, 1);
      removeTemporaries();
      assertEquals(readdirSync(folder), []);
      await file.discard();
    });
  });
  it("fails where there is no directory", async () => {
    await inFolder(async (folder) => {
      await assertRejects(() => createNewFile(join(folder, "no", "file")), Error, "ENOENT");
    });
  });
});

describe("a file that receives a response", () => {
  const body = new Uint8Array(1_000_000).map((_, at) => at * 7 + (at >> 11));
  const sha256 = createHash("sha256").update(body).digest("hex");
  const inParts = () => {
    let at = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (at === body.length) return controller.close();
        controller.enqueue(body.slice(at, at += 100_000));
      },
    });
  };
  const options = { stallMs: 0, size: body.length, algorithm: "sha256" } as const;
  const get = () => Promise.resolve(new Response(inParts()));

  it("hashes it on the way, wherever it lies", () =>
    inFolder(async (folder) => {
      const file = await createNewFile(join(folder, "file"));
      await file.write(utf8("before"), 0);
      assertEquals(await file.receive(get, 6, options), { count: body.length, hex: sha256 });
      await file.commit(join(folder, "file"));
      assertEquals(readFileSync(join(folder, "file")).subarray(6).equals(body), true);
    }));

  it("writes nothing behind its place", () =>
    inFolder(async (folder) => {
      const file = await createNewFile(join(folder, "file"));
      await file.write(utf8("the next part"), 6 + 450_000);
      const { count, error } = await file.receive(get, 6, { ...options, size: 450_000 });
      assertEquals([count, (error as Error).message], [400_000, "the answer has more than 450000 bytes"]);
      await file.commit(join(folder, "file"));
      assertEquals(readFileSync(join(folder, "file"), "latin1").slice(6 + 450_000), "the next part");
    }));

  it("does not wait for a disk that is slow", () =>
    inFolder(async (folder) => {
      const fs = process.getBuiltinModule("node:fs");
      const { writeSync } = fs;
      let waited = 0;
      fs.writeSync = ((...words: Parameters<typeof writeSync>) => {
        waited++;
        for (const end = performance.now() + 60; performance.now() < end;);
        return writeSync(...words);
      }) as typeof writeSync;
      try {
        const file = await createNewFile(join(folder, "file"));
        assertEquals(await file.receive(get, 6, options), { count: body.length, hex: sha256 });
        await file.commit(join(folder, "file"));
      } finally {
        fs.writeSync = writeSync;
      }
      assertEquals(waited, 1);
      assertEquals(readFileSync(join(folder, "file")).subarray(6).equals(body), true);
    }));
});

it("a stream over an open file that closes it does so even when it is cancelled before the first read", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "content");
    const file = await openFile(join(folder, "file"));
    await file.stream({ closeWhenDone: true }).cancel();
    await assertRejects(() => file.read(new Uint8Array(1), 0));
    const aborted = await openFile(join(folder, "file"));
    const stream = aborted.stream({ closeWhenDone: true, signal: AbortSignal.abort(new Error("enough")) });
    await assertRejects(() => stream.getReader().read(), Error, "enough");
    await assertRejects(() => aborted.read(new Uint8Array(1), 0));
  });
});
