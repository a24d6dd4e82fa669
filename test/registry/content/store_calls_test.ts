import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createRegistry, fileStore, memoryStore, r2Store, type RegistryStore } from "../../../src/registry/mod.ts";
import { digestBytes, mapConcurrent } from "../../../src/io/mod.ts";
import type { Hash } from "../../../src/spec/mod.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { EMPTY_JSON, IMAGE } from "../../contracts/registry_client.ts";
import { Repositories } from "../../../src/registry/content/repositories.ts";
import { once } from "../../project/applicable.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const N = 50;
const encoder = new TextEncoder();

/** The content of a registry: its records by key. */
type Records = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

interface Filled {
  readonly records: Records;
  /** A manifest with one tag and no referrers. */
  readonly tagged: Hash;
  /** The manifest that all others refer to. */
  readonly subject: Hash;
}

/** Makes a registry with as many tags, untagged manifests, referrers and repositories. */
async function fill(total: number): Promise<Filled> {
  const store = memoryStore();
  const repositories = new Repositories(store, Date.now);
  const put = async (
    name: string,
    value: unknown,
    { tags = [] as string[], subject = undefined as Hash | undefined },
  ) => {
    const config = { mediaType: EMPTY_JSON, digest: `sha256:${"0".repeat(64)}`, size: 2 };
    const bytes = encoder.encode(JSON.stringify({ schemaVersion: 2, config, layers: [], annotations: value }));
    const digest = await digestBytes(bytes);
    const record = { digest, mediaType: IMAGE, uploaded: 1, created: 1, imageSize: 1, subject, bytes };
    await repositories.putManifest(name, record, { tags, claimed: Date.now() });
    return digest;
  };
  const subject = await put("big/tags", { subject: true }, { tags: ["a"] });
  const digests = await mapConcurrent(
    Array.from({ length: total }, (_, i) => i),
    { concurrency: 16 },
    async (i) => {
      await put("big/untagged", { untagged: i }, {});
      await put("big/referrers", { refers: i }, { subject });
      await put(`many/r${i}`, { many: i }, {});
      return await put("big/tags", { tagged: i }, { tags: [`v${i}`] });
    },
  );
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  for await (const key of keysOf(store, "")) records.set(key, (await store.records.get(key))!);
  return { records, tagged: digests[total >> 1], subject };
}

async function* keysOf(store: RegistryStore, path: string): AsyncGenerator<string> {
  for (const name of await store.records.list(path)) {
    if (name.endsWith("/")) yield* keysOf(store, path + name);
    else yield path + name;
  }
}

/** The stores, each made with the content. */
const stores: Record<string, (records: Records) => Promise<{ store: RegistryStore; requests?: () => number }>> = {
  async memory(records) {
    const store = memoryStore();
    for (const [key, value] of records) await store.records.put(key, value);
    return { store };
  },
  file(records) {
    const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gcrane_calls_"));
    folders.push(folder);
    const made = new Set<string>();
    for (const [key, value] of records) {
      const path = join(folder, "records", key);
      const directory = dirname(path);
      if (!made.has(directory)) mkdirSync(directory, { recursive: true });
      made.add(directory);
      writeFileSync(path, value);
    }
    return Promise.resolve({ store: fileStore(folder, { sync: false }) });
  },
  bucket(records) {
    const bucket = new FakeR2();
    for (const [key, bytes] of records) {
      bucket.objects.set(`records/${key}`, {
        key: `records/${key}`,
        bytes,
        size: bytes.length,
        etag: "of a test",
        uploaded: new Date(),
      });
    }
    let requests = 0;
    const list = bucket.list.bind(bucket);
    bucket.list = (...args) => (requests++, list(...args));
    return Promise.resolve({ store: r2Store(bucket), requests: () => requests });
  },
};
const folders: string[] = [];

describe("the calls of a store", { timeout: 600_000 }, () => {
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  for (const total of [10, 1000, 5000]) {
    describe(`of a registry with ${total} tags, referrers and repositories`, { skip: total > 1000 && once() }, () => {
      let filled: Promise<Filled> | undefined;
      for (const [kind, open] of Object.entries(stores)) {
        it(`follow the page, over ${kind}`, async () => {
          const { records, tagged, subject } = await (filled ??= fill(total));
          const { store, requests = () => 0 } = await open(records);
          let calls = 0;
          const counted = wrapStore(store, () => Promise.resolve(void calls++));
          const { fetch } = createRegistry({ store: counted, page: true });
          /** Sends a request and checks the number of calls against that of the entries of its answer. */
          const ask = async (path: string, entriesOf: (text: string) => number, method = "GET") => {
            const [callsBefore, listsBefore] = [calls, requests()];
            const response = await fetch(`http://registry.example.com${path}`, { method });
            const text = await response.text();
            assert(response.ok, `${path}: ${response.status} ${text}`);
            const [made, listed] = [calls - callsBefore, requests() - listsBefore];
            assert(made <= entriesOf(text) + 3, `${method} ${path}: ${made} calls, ${entriesOf(text)} entries`);
            assert(listed <= 4, `${method} ${path}: ${listed} lists`);
            return { text, next: /^<(.*)>; rel="next"$/.exec(response.headers.get("Link") ?? "")?.[1] };
          };
          /** Follows the links of a list. */
          const follow = async (path: string, entriesOf: (text: string) => number) => {
            let entries = 0;
            for (let next: string | undefined = path, pages = 0; next && pages < 3; pages++) {
              const answer: { text: string; next?: string } = await ask(next, entriesOf);
              entries += entriesOf(answer.text);
              next = answer.next;
            }
            return entries;
          };
          // The first requests find out that there are indexes, or make those of no entries.
          await ask("/v2/_catalog?n=1", () => 1);
          const tags = (text: string) => {
            const { tags, manifest, child } = JSON.parse(text);
            return tags.length + Object.keys(manifest).length + child.length;
          };
          const names = (text: string) => JSON.parse(text).repositories.length;
          const referrers = (text: string) => JSON.parse(text).manifests.length;
          const rows = (text: string) => text.split("<tr>").length;
          for (const name of ["tags", "untagged"]) {
            await ask(`/v2/big/${name}/tags/list?n=${N}&last=zz`, (text) => tags(text) + 3);
          }
          assertEquals(await follow(`/v2/big/tags/tags/list?n=${N}`, tags), 2 * Math.min(3 * N, total + 1));
          await follow(`/v2/big/tags/tags/list?n=${N}&last=v5`, tags);
          assertEquals(await follow(`/v2/big/untagged/tags/list?n=${N}`, tags), Math.min(3 * N, total));
          assertEquals(await follow(`/v2/_catalog?n=${N}`, names), Math.min(3 * N, total + 3));
          await follow(`/v2/_catalog?n=${N}&last=many/r5`, names);
          assertEquals(await follow(`/v2/big/referrers/referrers/${subject}`, referrers), Math.min(3000, total));
          for (const path of ["/browse/big/tags", "/browse/big/untagged"]) await ask(path, (text) => 2 * rows(text));
          await ask("/browse/big/tags:a", rows);
          await ask("/", rows);
          await ask(`/v2/big/tags/manifests/${tagged}`, () => 10, "DELETE");
          const { tags: left } = await (await fetch("http://registry.example.com/v2/big/tags/tags/list")).json();
          assertEquals(left.length, total);
        });
      }
    });
  }
});
