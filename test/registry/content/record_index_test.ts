import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { collectStoreGarbage, createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import { catalogEntry, catalogName, catalogPosition } from "../../../src/registry/content/repository_keys.ts";
import { IMAGE, RegistryClient } from "../../contracts/registry_client.ts";
import { until } from "../../make/waiting.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

function clientOf(store: RegistryStore, options: { readOnly?: boolean } = {}): RegistryClient {
  return new RegistryClient({
    fetch: createRegistry({ store, ...options }).fetch,
    base: "http://registry.example.com",
  });
}

async function* keysOf(store: RegistryStore, path = ""): AsyncGenerator<string> {
  for (const name of await store.records.list(path)) {
    if (name.endsWith("/")) yield* keysOf(store, path + name);
    else yield path + name;
  }
}

const isOfIndex = (key: string) => /\/_(?:tagged|catalog)\/|\/_indexed$/.test(key);

/** Reads a store's indexes, without their marks. */
async function entriesOf(store: RegistryStore): Promise<string[]> {
  const keys = await Array.fromAsync(keysOf(store));
  return keys.filter((key) => isOfIndex(key) && !key.endsWith("/_indexed"));
}

/** Checks that the indexes have an entry for each tag and repository; returns the other entries. */
async function checkIndexes(store: RegistryStore, context: string): Promise<string[]> {
  const needed = new Set<string>();
  const keys = await Array.fromAsync(keysOf(store));
  for (const key of keys) {
    const [, name, kind, rest] = /^repositories\/(.+)\/_(tags|manifests)\/(.+)$/.exec(key) ?? [];
    if (kind === "manifests") needed.add(`repositories/_catalog/${catalogEntry(name)}`);
    if (kind !== "tags") continue;
    const digest = new TextDecoder().decode((await store.records.get(key))!).replace(":", "-");
    needed.add(`repositories/${name}/_tagged/${digest}.${rest}`);
    assert(keys.includes(`repositories/${name}/_manifests/${digest}`), `${context}: ${rest} has no manifest`);
  }
  const listed = JSON.parse((await clientOf(store).send("GET", "/v2/a/b/tags/list")).text);
  const pairs = Object.entries<{ tag: string[] }>(listed.manifest ?? {})
    .flatMap(([digest, { tag }]) => tag.map((tag) => `repositories/a/b/_tagged/${digest.replace(":", "-")}.${tag}`));
  assertEquals(pairs.sort(), [...needed].filter((key) => key.includes("/_tagged/")).sort(), context);
  const entries = await entriesOf(store);
  for (const entry of needed) assert(entries.includes(entry), `${context}: ${entry} is missing`);
  return entries.filter((entry) => !needed.has(entry));
}

/** Reads from the records what the list of `a/b` has to be: the tags of each manifest. */
async function recordedOf(store: RegistryStore): Promise<Record<string, string[]>> {
  const manifests = (await store.records.list("repositories/a/b/_manifests/")).map((key) => key.replace("-", ":"));
  const tags = new Map<string, string[]>(manifests.map((digest) => [digest, []]));
  for (const tag of await store.records.list("repositories/a/b/_tags/")) {
    tags.get(new TextDecoder().decode(await store.records.get(`repositories/a/b/_tags/${tag}`)))?.push(tag);
  }
  return Object.fromEntries(tags);
}

/** Asks for the list of `a/b`, with pages of one entry for `?n=1`: the tags of each manifest. */
async function listedOf(store: RegistryStore, query: string): Promise<Record<string, string[]>> {
  const client = clientOf(store);
  const listed: Record<string, string[]> = {};
  for (let next: string | undefined = `/v2/a/b/tags/list${query}`; next;) {
    const { text, headers } = await client.send("GET", next);
    for (const [digest, { tag }] of Object.entries<{ tag: string[] }>(JSON.parse(text).manifest ?? {})) {
      (listed[digest] ??= []).push(...tag);
    }
    next = /^<(.*)>; rel="next"$/.exec(headers.get("Link") ?? "")?.[1];
  }
  return listed;
}

async function copyOf(store: RegistryStore, isWanted: (key: string) => boolean = () => true): Promise<RegistryStore> {
  const copy = memoryStore();
  for await (const key of keysOf(store)) {
    if (isWanted(key)) await copy.records.put(key, (await store.records.get(key))!);
  }
  for await (const digest of store.blobs.list()) {
    await copy.uploads.append("copy", await (await store.blobs.get(digest))!.read());
    await copy.uploads.finish("copy", digest);
  }
  return copy;
}

/** What a client does to a repository with an image. */
interface Action {
  readonly name: string;
  run(client: RegistryClient): Promise<{ status: number }>;
}

describe("the indexes of repositories", () => {
  const world = async () => {
    const store = memoryStore();
    const client = clientOf(store);
    const [one, two] = [await client.image("a/b", "one"), await client.image("a/b", "two")];
    const { digest } = await client.pushManifest("a/b", one, "v1");
    const push = (what: string, value: unknown, tag: string): Action => ({
      name: `push ${what} to ${tag}`,
      run: (client) => {
        const put = { body: JSON.stringify(value), headers: { "Content-Type": IMAGE } };
        return client.send("PUT", `/v2/a/b/manifests/${tag}`, put);
      },
    });
    const actions: Action[] = [
      push("one", one, "v1"),
      push("one", one, "v2"),
      push("two", two, "v1"),
      { name: "delete the manifest", run: (client) => client.send("DELETE", `/v2/a/b/manifests/${digest}`) },
      { name: "delete the tag", run: (client) => client.send("DELETE", "/v2/a/b/manifests/v1") },
    ];
    return { store, actions };
  };

  it("have each entry that they need, whatever two servers do at once", { timeout: 60_000 }, async () => {
    const { store: start, actions } = await world();
    for (const action of actions) {
      for (const other of actions) {
        let calls = Infinity;
        for (let n = 0; n < calls; n++) {
          const store = await copyOf(start);
          let count = 0;
          const interrupted = wrapStore(store, async () => {
            if (count++ === n) await other.run(clientOf(store));
          });
          await action.run(clientOf(interrupted));
          if (count <= n) calls = n;
          await checkIndexes(store, `${action.name}, with ${other.name} before call ${n}`);
        }
        assert(calls > 3, `${action.name} made ${calls} calls`);
      }
    }
  });

  it("are as they should be once a client has tried again what was cut off", { timeout: 60_000 }, async () => {
    const { store: start, actions } = await world();
    for (const action of actions) {
      let calls = Infinity;
      for (let n = 0; n < calls; n++) {
        const store = await copyOf(start);
        let count = 0;
        const cut = wrapStore(store, () => {
          if (count++ >= n) throw new Error("the server was killed");
          return Promise.resolve();
        });
        await action.run(clientOf(cut));
        if (count <= n) calls = n;
        await action.run(clientOf(store));
        const others = await checkIndexes(store, `${action.name}, cut off before call ${n}`);
        // A tag that was moved or removed may leave its entry for the manifest that it pointed at.
        assert(
          others.length <= (["push two to v1", "delete the tag"].includes(action.name) ? 1 : 0),
          `${action.name}, ${n}: ${others}`,
        );
      }
    }
  });

  it("do not count where the records differ", { timeout: 60_000 }, async () => {
    const { store: start, actions } = await world();
    const [[one], tagged] = [Object.entries(await recordedOf(start))[0], "repositories/a/b/_tagged/"];
    await actions[1].run(clientOf(start));
    await actions[2].run(clientOf(start)); // "two" is v1
    const entries = await start.records.list(tagged);
    const left = [`${one.replace(":", "-")}.v1`, `${one.replace(":", "-")}.gone`, `sha256-${"0".repeat(64)}.v2`];
    for (const entry of left) await start.records.put(tagged + entry, new Uint8Array());
    assertEquals(await listedOf(start, ""), await recordedOf(start));
    assertEquals(await listedOf(start, "?n=1"), await recordedOf(start));
    for (const entry of entries) {
      const tag = entry.slice(entry.indexOf("."));
      const store = await copyOf(start, (key) => !key.startsWith(tagged) || !key.endsWith(tag));
      assertEquals(await listedOf(store, ""), await recordedOf(store), `without ${entry}`);
      await collectStoreGarbage(store);
      assertEquals(await store.records.list(tagged), entries, `${entry} is written, and those left over are removed`);
      for (const query of ["", "?n=1"]) assertEquals(await listedOf(store, query), await recordedOf(store), query);
    }
  });

  it("lead to the right lists after a server was killed, and a collection removes what it left", {
    timeout: 60_000,
  }, async () => {
    const { store: start, actions } = await world();
    for (const action of actions) {
      for (let n = 0, isCut = true; isCut; n++) {
        const store = await copyOf(start);
        let count = 0;
        const cut = wrapStore(store, () => {
          if (count++ >= n) throw new Error("the server was killed");
          return Promise.resolve();
        });
        await action.run(clientOf(cut));
        isCut = count > n;
        const context = `${action.name}, cut off before call ${n}`;
        assertEquals(await listedOf(store, ""), await recordedOf(store), context);
        await collectStoreGarbage(store);
        assertEquals(await listedOf(store, "?n=1"), await recordedOf(store), context);
        const digests = await Promise.all(
          (await store.records.list("repositories/a/b/_tags/")).map(async (tag) => {
            const value = await store.records.get(`repositories/a/b/_tags/${tag}`);
            return `${new TextDecoder().decode(value).replace(":", "-")}.${tag}`;
          }),
        );
        assertEquals(await store.records.list("repositories/a/b/_tagged/"), digests.sort(), context);
      }
    }
  });

  it("are made for the content of an older version", async () => {
    const full = memoryStore();
    const before = clientOf(full);
    const names = ["a", "a-b", "a/b", "b/c/d"];
    for (const name of names) await before.pushImage(name, name, "v1");
    const moved = await before.pushImage("a", "moved", "latest");
    await before.pushImage("a", "kept", "latest");
    const list = JSON.parse((await before.send("GET", "/v2/a/tags/list")).text);
    for (const readOnly of [true, false]) {
      const store = await copyOf(full, (key) => !isOfIndex(key));
      const client = clientOf(store, { readOnly });
      const catalog = async () => JSON.parse((await client.send("GET", "/v2/_catalog?n=10")).text).repositories;
      assertEquals(await catalog(), names);
      assertEquals(JSON.parse((await client.send("GET", "/v2/a/tags/list")).text), list);
      const second = JSON.parse((await client.send("GET", "/v2/a/tags/list?n=9&last=v1")).text);
      assertEquals(Object.keys(second.manifest), [moved.digest]);
      if (readOnly) {
        assertEquals(await entriesOf(store), []);
        continue;
      }
      await until(async () => await store.records.get("repositories/_indexed") !== undefined);
      assertEquals(await catalog(), names);
      const { headers } = await client.send("HEAD", "/v2/b/c/d/manifests/v1");
      await client.send("DELETE", `/v2/b/c/d/manifests/${headers.get("Docker-Content-Digest")}`);
      assertEquals(await store.records.list("repositories/b/c/d/_tags/"), []);
      assertEquals(await catalog(), names.slice(0, 3));
      for (const path of ["a/_tagged/", "b/c/d/_tagged/"].map((path) => `repositories/${path}`)) {
        const isLeft = path.includes("b/c/d") ? [] : await full.records.list(path);
        assertEquals(await store.records.list(path), isLeft);
      }
    }
  });
});

describe("the entries of the catalog", () => {
  const names = ["a", "a-b", "a--b", "a.b", "a/b", "a/b-c", "a/b/c", "a0", "a_b", "a__b", "aa", "0", "9/z", "z"].sort();

  it("have the order of the names", () => {
    assertEquals(names.map(catalogEntry).sort(), names.map(catalogEntry));
    assertEquals(names.map(catalogEntry).map(catalogName), names);
    for (const name of names) assert(/^[A-Za-z][A-Za-z0-9_.-]*$/.test(catalogEntry(name)), catalogEntry(name));
  });

  it("are found after a text of any characters", () => {
    for (
      const after of ["", "a", "a/", "a-", "a~", "a/b", "a/b/", "A", "aZ", "a`", "a/%", "{", "!", "a0!", "é", "zz"]
    ) {
      const position = catalogPosition(after);
      assertEquals(
        names.filter((name) => catalogEntry(name) > position),
        names.filter((name) => name > after),
        JSON.stringify(after),
      );
    }
  });
});
