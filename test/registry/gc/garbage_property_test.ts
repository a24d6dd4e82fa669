import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { collectStoreGarbage, createRegistry, memoryStore } from "../../../src/registry/mod.ts";
import { type Digest, digestOf, encode, IMAGE, RegistryClient } from "../../contracts/registry_client.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const base = "http://registry.example.com";

describe("a registry whose clients and garbage collection run at once", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`loses nothing that it took, seed ${seed}`, { timeout: 60_000 }, () => new Turmoil(seed).run());
  }
});

/** Clients that push, pull and delete images of few blobs through two servers, with every step of the store delayed. */
class Turmoil {
  readonly #random: () => number;
  readonly #disk = memoryStore();
  readonly #clients: RegistryClient[];
  /** What each tag must point at; one that a client is at work on is not here. */
  readonly #tags: Map<string, Digest> = new Map();
  readonly #busy: Set<string> = new Set();
  #now: number = Date.now();
  #removed = 0;

  constructor(seed: number) {
    let state = seed;
    this.#random = () => (state = Math.imul(state, 48271) + 11 >>> 0) / 2 ** 32;
    const clock = () => this.#now;
    this.#clients = [0, 1].map(() =>
      new RegistryClient({ fetch: createRegistry({ store: this.#slowStore(), clock }).fetch, base })
    );
  }

  async run(): Promise<void> {
    const stop = { asked: false };
    const collectors = [0, 1].map(async () => {
      while (!stop.asked) {
        const options = { grace: MINUTE, uploadExpiry: 1000 * HOUR, clock: () => this.#now };
        this.#removed += (await collectStoreGarbage(this.#slowStore(), options)).blobs;
      }
    });
    const clients = Array.from({ length: 6 }, (_, i) => this.#client(this.#clients[i % 2]));
    await Promise.all(clients).finally(() => stop.asked = true);
    await Promise.all(collectors);

    assert(this.#removed > 0, "nothing was ever garbage");
    for (const [tag, digest] of this.#tags) await this.#pull(this.#clients[0], tag, digest);
    await this.#checkEnd();
  }

  async #client(client: RegistryClient): Promise<void> {
    for (let round = 0; round < 60; round++) {
      const tag = `t${this.#pick(8)}`;
      if (this.#busy.has(tag)) {
        await this.#pause();
        continue;
      }
      this.#busy.add(tag);
      const known = this.#tags.get(tag);
      const roll = this.#random();
      if (known && roll < 0.3) {
        await this.#pull(client, tag, known);
      } else if (known && roll < 0.5) {
        this.#tags.delete(tag);
        const answer = await client.send("DELETE", `/v2/r/manifests/${tag}`);
        assertEquals(answer.status, 202);
      } else if (known && roll < 0.6 && [...this.#tags.values()].filter((digest) => digest === known).length === 1) {
        this.#tags.delete(tag);
        await client.send("DELETE", `/v2/r/manifests/${known}`);
        // The digest takes all its tags along: another client may just have given it one.
        for (const [other, digest] of this.#tags) if (digest === known) this.#tags.delete(other);
      } else {
        await this.#push(client, tag);
      }
      this.#busy.delete(tag);
      if (this.#random() < 0.5) this.#now += Math.floor(this.#random() * 12_000);
    }
  }

  /** Pushes an image as clients do: what HEAD or a mount finds is not uploaded. */
  async #push(client: RegistryClient, tag: string): Promise<void> {
    const names = [`c${this.#pick(6)}`, `l${this.#pick(6)}`, `l${this.#pick(6)}`];
    const unique = `only of ${tag} in ${Math.floor(this.#random() * 1e9)}`; // so that deletes of a digest hit one tag
    const parts = [...names, unique].map((name) => ({ bytes: encode(name), digest: digestOf(encode(name)) }));
    for (const { bytes, digest } of parts) {
      const way = this.#random();
      const found = way < 0.6
        ? (await client.send("HEAD", `/v2/r/blobs/${digest}`)).status === 200
        : way < 0.8 && (await client.send("POST", `/v2/r/blobs/uploads/?mount=${digest}`)).status === 201;
      if (!found) {
        assertEquals((await client.send("POST", `/v2/r/blobs/uploads/?digest=${digest}`, { body: bytes })).status, 201);
      }
    }
    const [config, ...layers] = parts.map(({ bytes, digest }) => ({
      mediaType: "application/x-part",
      digest,
      size: bytes.length,
    }));
    const body = encode(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config, layers }));
    this.#tags.delete(tag);
    const answer = await client.send("PUT", `/v2/r/manifests/${tag}`, { body, headers: { "Content-Type": IMAGE } });
    if (answer.status === 201) {
      this.#tags.set(tag, digestOf(body));
      await this.#pull(client, tag, digestOf(body));
    } else {
      // The clock ran on, and a blob went before its manifest came.
      const isSlow = answer.status === 500; // more than half a minute passed while the manifest was written
      assert(isSlow || answer.text.includes("MANIFEST_BLOB_UNKNOWN"), answer.text);
      // What the tag was before, it still is.
      const before = (await client.send("HEAD", `/v2/r/manifests/${tag}`)).headers.get("Docker-Content-Digest");
      if (before) this.#tags.set(tag, before as Digest);
    }
  }

  async #pull(client: RegistryClient, tag: string, digest: Digest): Promise<void> {
    const manifest = await client.send("GET", `/v2/r/manifests/${digest}`);
    assertEquals(manifest.status, 200, `${tag} lost its manifest`);
    const { config, layers } = JSON.parse(manifest.text);
    for (const part of [config, ...layers]) {
      const blob = await client.send("GET", `/v2/r/blobs/${part.digest}`);
      assertEquals(blob.status, 200, `${tag} lost a blob`);
      assertEquals(digestOf(blob.bytes), part.digest);
    }
  }

  /** Once nothing is pushed any more and the grace is over, what is left is what manifests name. */
  async #checkEnd(): Promise<void> {
    const client = this.#clients[0];
    this.#now += HOUR;
    await collectStoreGarbage(this.#disk, { grace: MINUTE, uploadExpiry: 1000 * HOUR, clock: () => this.#now });
    const list = JSON.parse((await client.send("GET", "/v2/r/tags/list")).text);
    const named = new Set<string>();
    for (const digest of Object.keys(list.manifest)) {
      const { config, layers } = JSON.parse((await client.send("GET", `/v2/r/manifests/${digest}`)).text);
      for (const part of [config, ...layers]) named.add(part.digest);
    }
    for await (const digest of this.#disk.blobs.list()) assert(named.has(digest), `${digest} is garbage and stayed`);
    assertEquals(await this.#disk.records.list("removals/"), []);
    for (const [tag, digest] of this.#tags) await this.#pull(client, tag, digest);
  }

  #slowStore(): ReturnType<typeof memoryStore> {
    return wrapStore(this.#disk, () => this.#pause());
  }

  /** Lets others go first, so that the order of everything is another with each seed. */
  async #pause(): Promise<void> {
    const roll = this.#random();
    if (roll < 0.05) await new Promise((resolve) => setTimeout(resolve, 0));
    else for (let turn = roll * 20; turn > 0; turn--) await Promise.resolve();
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }
}
