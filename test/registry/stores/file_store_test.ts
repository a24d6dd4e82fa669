import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { DigestMismatchError, HashError, StoreError } from "../../../src/errors.ts";
import { createRegistry, fileStore, type RegistryStore } from "../../../src/registry/mod.ts";
import { FileRecords } from "../../../src/registry/stores/file/file_records.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { digestOf, patterned, storeContract, stream, text } from "../../contracts/store_contract.ts";
import { until } from "../../make/waiting.ts";

for (const sync of [true, false]) {
  storeContract(`fileStore with sync ${sync}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "gcrane_store_"));
    return {
      store: fileStore(join(directory, "made", "when", "needed"), { sync }),
      another: () => fileStore(join(directory, "made", "when", "needed"), { sync }),
      close: () => rm(directory, { recursive: true }),
    };
  }, { shared: true });
}

describe("fileStore", () => {
  let parent: string;
  let directory: string;
  let store: RegistryStore;
  const bytes = patterned(600_000);
  const digest = digestOf(bytes);

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "gcrane_store_"));
    directory = join(parent, "registry");
    store = fileStore(directory);
    await store.uploads.append("u", stream(bytes));
    await store.uploads.finish("u", digest);
  });
  afterEach(() => rm(parent, { recursive: true }));

  /** The file of a blob. */
  function fileOf(digest: string): string {
    const hex = digest.split(":")[1];
    return join(directory, "blobs", "sha256", hex.slice(0, 2), hex);
  }

  async function read(from: RegistryStore, range?: { offset?: number; length?: number }): Promise<Uint8Array> {
    const blob = await from.blobs.get(digest);
    assert(blob, "the blob is not there");
    return new Uint8Array(await new Response(await blob.read(range)).arrayBuffer());
  }

  it("keeps records that differ in case alone, and those of names that Windows reserves", async () => {
    const records = new FileRecords(join(directory, "records"), { sync: true, ignoresCase: true });
    const names = ["CON", "V1", "aux", "aux.1", "com1-x", "con", "lpt9", "nul.", "v1", "v1.", "v1.."];
    for (const name of names) await records.put(`tags/${name}`, text(name));
    assertEquals(await records.list("tags/"), names);
    for (const name of names) assertEquals(await records.get(`tags/${name}`), text(name), name);
    assertEquals(await records.list("tags/", { after: "com1-x", limit: 2 }), ["con", "lpt9"]);

    const files = await readdir(join(directory, "records", "tags"));
    assertEquals(new Set(files.map((name) => name.toLowerCase())).size, names.length, files.join());
    assertEquals(files.filter((name) => /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)|\.$/i.test(name)), []);
    for (const name of names) assertEquals(await records.delete(`tags/${name}`), true);
    assertEquals(await records.list("tags/"), []);
  });

  it("keeps each blob once, by its digest", async () => {
    assertEquals(new Uint8Array(await readFile(fileOf(digest))), bytes);
    await store.uploads.append("v", stream(bytes));
    await store.uploads.finish("v", digest);
    assertEquals(await readdir(join(directory, "uploads")), []);
    assertEquals((await readdir(directory)).sort(), ["blobs", "uploads"]);
  });

  it("never gives a whole blob whose bytes have changed (rule 14)", async () => {
    await writeFile(fileOf(digest), spoilt(bytes));
    for (const from of [store, fileStore(directory)]) {
      await assertRejects(() => read(from), DigestMismatchError, "instead of that of its name");
      assertEquals(await from.blobs.get(digest), undefined); // known to be spoilt from now on
    }
  });

  it("holds the last of the bytes back until it knows them to be right", async () => {
    for (const size of [0, 1, 256 * 1024, 600_000]) {
      const [right, other] = [patterned(size + 1), fileStore(directory)];
      await store.uploads.append("held", stream(right));
      await store.uploads.finish("held", digestOf(right));
      await writeFile(fileOf(digestOf(right)), right.map((byte) => byte ^ 1));
      const reader = (await (await other.blobs.get(digestOf(right)))!.read()).getReader();
      let given = 0;
      await assertRejects(async () => {
        for (let part = await reader.read(); !part.done; part = await reader.read()) given += part.value.length;
      }, DigestMismatchError);
      assert(given < size + 1, `${given} of ${size + 1} bytes were given`);
    }
  });

  it("never gives a part of a blob whose bytes have changed elsewhere", async () => {
    await writeFile(fileOf(digest), spoilt(bytes));
    for (const from of [store, fileStore(directory)]) {
      await assertRejects(() => read(from, { offset: 500_000, length: 10 }), DigestMismatchError);
      assertEquals(await from.blobs.get(digest), undefined);
    }
  });

  it("never gives a blob that was cut short or grew", async () => {
    for (const wrong of [bytes.slice(0, 599_999), new Uint8Array(0), patterned(600_001)]) {
      await writeFile(fileOf(digest), wrong);
      const other = fileStore(directory);
      await assertRejects(() => read(other), DigestMismatchError);
    }
  });

  it("takes a spoilt blob's place when it is pushed again", async () => {
    await writeFile(fileOf(digest), "spoilt");
    await assertRejects(() => read(store), DigestMismatchError);
    await store.uploads.append("again", stream(bytes));
    await store.uploads.finish("again", digest);
    assertEquals(await read(store), bytes);
    assertEquals(await read(store, { offset: 5, length: 5 }), bytes.subarray(5, 10));
  });

  it("hashes a blob that another process wrote only once", async () => {
    const [old, older] = [new Date(2020, 1, 1), new Date(2010, 1, 1)];
    await utimes(fileOf(digest), old, old);
    const other = fileStore(directory);
    assertEquals(await read(other), bytes);
    await writeFile(fileOf(digest), spoilt(bytes));
    await utimes(fileOf(digest), old, old); // as if nothing had happened
    assertEquals(await read(other), spoilt(bytes));
    await utimes(fileOf(digest), older, older);
    await assertRejects(() => read(other), DigestMismatchError);
  });

  it("hashes a blob again that changed while the clock stood still", async () => {
    const now = new Date();
    await utimes(fileOf(digest), now, now);
    const other = fileStore(directory);
    assertEquals(await read(other), bytes);
    await writeFile(fileOf(digest), spoilt(bytes));
    await utimes(fileOf(digest), now, now);
    await assertRejects(() => read(other), DigestMismatchError);
  });

  it("follows no link out of its directory", async () => {
    const outside = join(parent, "outside");
    await writeFile(outside, bytes);
    await rm(fileOf(digest));
    await symlink(outside, fileOf(digest));
    assertEquals(await store.blobs.get(digest), undefined);
    await rm(fileOf(digest));
    await mkdir(fileOf(digest));
    assertEquals(await store.blobs.get(digest), undefined);
  });

  it("makes no path of what is no digest (rule 14)", async () => {
    for (const wrong of ["sha256:..", `sha256:${"../..".repeat(20)}x`, `sha256:${"A".repeat(64)}`, "x", "sha1:00"]) {
      await assertRejects(() => store.blobs.get(wrong as typeof digest), HashError);
      await store.uploads.append("w", stream(text("x")));
      await assertRejects(() => store.uploads.finish("w", wrong as typeof digest), HashError);
      await store.uploads.cancel("w");
    }
    assertEquals(await readdir(parent), ["registry"]);
  });

  it("does not list what is being written, nor what is not its own", async () => {
    await store.records.put("r/a", text("a"));
    const folder = join(directory, "records", "r");
    await writeFile(join(folder, ".a.12345678-1234.tmp"), "half of a new a");
    await mkdir(join(folder, "skeleton", "of", "nothing"), { recursive: true });
    await writeFile(join(folder, "skeleton", ".b.12345678-1234.tmp"), "half of b");
    await symlink("/etc", join(folder, "link"));
    assertEquals(await store.records.list("r/"), ["a"]);
  });

  it("removes what a killed server left of any record, but not what another one is writing", async () => {
    const folder = join(directory, "records", "r");
    await mkdir(folder, { recursive: true });
    const [old, fresh] = [".a.12345678-1230.tmp", ".a.12345678-1231.tmp"];
    for (const name of [old, fresh]) await writeFile(join(folder, name), "half of a");
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(join(folder, old), longAgo, longAgo);
    await store.records.put("r/b", text("b"));
    assertEquals((await readdir(folder)).sort(), [fresh, "b"]);
  });

  it("hashes what the file holds when two wrote to one upload, not what either of them sent", async () => {
    for (const own of ["a", "b"]) {
      const id = `two-${own}`;
      const writers = ["a", "b"].map((letter) => {
        const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
        const writer = writable.getWriter();
        return { letter, writer, appended: store.uploads.append(id, readable) };
      });
      for (let turn = 0; turn < 6; turn++) { // in turns, so that the file is ababab
        await writers[turn % 2].writer.write(text(writers[turn % 2].letter.repeat(1000)));
        await until(async () => await store.uploads.size(id) >= (turn + 1) * 1000);
      }
      for (const { writer, appended } of writers) {
        await writer.close();
        await appended;
      }
      const file = await readFile(join(directory, "uploads", id));
      const imagined = new Uint8Array([...text(own.repeat(3000)), ...file.subarray(3000)]);
      await assertRejects(() => store.uploads.finish(id, digestOf(imagined)), DigestMismatchError);
    }
  });

  it("drops an upload when the disk is full", async () => {
    if (!existsSync("/dev/full")) return;
    await symlink("/dev/full", join(directory, "uploads", "full"));
    const error = await assertRejects(() => store.uploads.append("full", stream(bytes)));
    assertInstanceOf(error, StoreError);
    assertMatch(error.message, /: ENOSPC$/);
    assertEquals(error.hint, "make room on the disk that the registry writes to");
    assertEquals(await readdir(join(directory, "uploads")), []);
    assertEquals(await store.uploads.size("full"), 0);
  });

  it("says which file it can't write", async () => {
    await writeFile(join(directory, "records"), "a file where a directory should be");
    await assertRejects(() => store.records.put("r/a", text("a")), StoreError, join("records", "r", "a"));
  });

  describe("under a registry", () => {
    let client: RegistryClient;
    beforeEach(() => {
      const registry = createRegistry({ store });
      client = new RegistryClient({ fetch: registry.fetch, base: "http://registry.example.com" });
    });

    it("counts a manifest whose bytes have changed as missing, until it is pushed again", async () => {
      const { digest } = await client.pushImage("spoilt", "image", "v1");
      const folder = join(directory, "records", "repositories", "spoilt", "_manifests");
      const [file] = await readdir(folder);
      const record = await readFile(join(folder, file), "utf8");
      for (const wrong of [record.replace('"schemaVersion":2', '"schemaVersion":3'), "", "no line", `x\n${record}`]) {
        await writeFile(join(folder, file), wrong);
        for (const reference of ["v1", digest]) {
          assertEquals((await client.send("GET", `/v2/spoilt/manifests/${reference}`)).status, 404);
        }
        const list = JSON.parse((await client.send("GET", "/v2/spoilt/tags/list")).text);
        assertEquals([list.tags, list.manifest], [[], {}]);
      }
      await client.pushImage("spoilt", "image", "v1");
      assertEquals((await client.send("GET", "/v2/spoilt/manifests/v1")).status, 200);
    });

    it("breaks off an answer whose blob turns out to be spoilt", async () => {
      const pushed = await client.pushBlob("spoilt", bytes);
      await writeFile(fileOf(pushed), spoilt(bytes));
      await assertRejects(() => client.send("GET", `/v2/spoilt/blobs/${pushed}`));
      assertEquals((await client.send("HEAD", `/v2/spoilt/blobs/${pushed}`)).status, 404);
      await client.pushBlob("spoilt", bytes);
      assertEquals((await client.send("GET", `/v2/spoilt/blobs/${pushed}`)).bytes, bytes);
    });

    it("keeps names that differ only where URLs tempt one to merge them apart", async () => {
      const names = ["a/b", "a-b", "a.b", "a_b", "a__b", "a--b"];
      for (const name of names) await client.pushImage(name, name, "v1");
      const digests = await Promise.all(
        names.map(async (name) =>
          (await client.send("HEAD", `/v2/${name}/manifests/v1`)).headers.get("Docker-Content-Digest")
        ),
      );
      assertEquals(new Set(digests).size, names.length);
    });
  });
});

/** The same bytes but for one. */
function spoilt(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const other = bytes.slice();
  other[10] ^= 1;
  return other;
}
