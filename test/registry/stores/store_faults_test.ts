import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import { collectStoreGarbage, createRegistry, memoryStore, type RegistryStore } from "../../../src/registry/mod.ts";
import {
  type Answer,
  type Digest,
  digestOf,
  encode,
  IMAGE,
  RegistryClient,
  withQuery,
} from "../../contracts/registry_client.ts";
import { patterned } from "../../contracts/store_contract.ts";
import { wrapStore } from "./wrapped_store.ts";

const base = "http://registry.example.com";
const layer = patterned(50_000);

describe("a registry whose store fails on one call", () => {
  it(
    "says so, loses nothing that it took, and takes the push again, whichever call it is",
    { timeout: 60_000 },
    async () => {
      let calls = Infinity;
      for (let n = 1; n <= calls; n++) {
        const store = memoryStore();
        await scenario(clientOf(store), "before"); // what was there must stay
        let count = 0;
        const failing = wrapStore(store, (operation) => {
          if (++count !== n) return Promise.resolve();
          return Promise.reject(new StoreError(`no ${operation}, as it is call ${n}`));
        });
        const taken = await scenario(clientOf(failing), "during");
        if (count < n) calls = n;

        const client = clientOf(store);
        await assertTaken(client, taken, n);
        await pullAll(client, "before");
        assertEquals((await scenario(client, "during")).tag, true, `after call ${n} the push is not taken again`);
        await pullAll(client, "during");
        await collectStoreGarbage(store, { clock: () => Date.now() + 100 * 3_600_000 });
        await pullAll(client, "before");
        await pullAll(client, "during");
        assertEquals(await Array.fromAsync(store.uploads.list()), [], `after call ${n} an upload stays`);
        assertEquals(await store.records.list("uploads/"), []);
      }
      assert(calls > 40, `there were only ${calls} calls`);
    },
  );
});

/** The content that a registry has confirmed. */
interface Taken {
  readonly blobs: Digest[];
  readonly manifest?: Digest;
  readonly tag: boolean;
}

function clientOf(store: RegistryStore): RegistryClient {
  return new RegistryClient({ fetch: createRegistry({ store }).fetch, base });
}

function contentOf(name: string): { config: Uint8Array<ArrayBuffer>; manifest: Uint8Array<ArrayBuffer> } {
  const config = encode(`{"of":"${name}"}`);
  const manifest = encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: IMAGE,
    config: { mediaType: "application/x-config", digest: digestOf(config), size: config.length },
    layers: [{ mediaType: "application/x-layer", digest: digestOf(layer), size: layer.length }],
  }));
  return { config, manifest };
}

/** Pushes an image in several ways, goes on after each failure as far as that makes sense, and notes what was taken. */
async function scenario(client: RegistryClient, name: string): Promise<Taken> {
  const { config, manifest } = contentOf(name);
  const blobs: Digest[] = [];
  const digest = digestOf(layer);
  const seen = await client.send("HEAD", `/v2/${name}/blobs/${digest}`);
  assert([200, 404, 500].includes(seen.status));

  const begun = await client.send("POST", `/v2/${name}/blobs/uploads/`);
  if (checked(begun, 202)) {
    const upload = begun.headers.get("Location")!;
    let at = 0;
    for (let tries = 0; at < layer.length && tries < 4; tries++) {
      const body = layer.slice(at, at + 20_000);
      const headers = { "Content-Range": `${at}-${at + body.length - 1}` };
      if (checked(await client.send("PATCH", upload, { body, headers }), 202, 404, 416)) at += body.length;
      else at = await sizeOf(client, upload);
    }
    const answer = await client.send("PUT", withQuery(upload, `digest=${digest}`));
    if (checked(answer, 201, 404)) blobs.push(digest);
  }
  const whole = await client.send("POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(config)}`, { body: config });
  if (checked(whole, 201)) blobs.push(digestOf(config));

  const headers = { "Content-Type": IMAGE };
  const put = await client.send("PUT", `/v2/${name}/manifests/v1`, { body: manifest, headers });
  const isTaken = checked(put, 201, 400);
  await client.send("GET", `/v2/${name}/tags/list`);
  await client.send("GET", `/v2/${name}/manifests/v1`);
  return { blobs, manifest: isTaken ? digestOf(manifest) : undefined, tag: isTaken };
}

/** Whether an answer is the first of these; else it is another of them, or 500 with an error of the spec. */
function checked(answer: Answer, good: number, ...others: number[]): boolean {
  if (answer.status === good) return true;
  assert([...others, 500].includes(answer.status), `${answer.status}: ${answer.text}`);
  assert(!answer.text.includes("as it is call"), "what failed is for the log alone");
  return false;
}

async function sizeOf(client: RegistryClient, upload: string): Promise<number> {
  const answer = await client.send("GET", upload);
  const last = Number(answer.headers.get("Range")?.split("-")[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}

async function assertTaken(client: RegistryClient, taken: Taken, n: number): Promise<void> {
  for (const digest of taken.blobs) {
    const answer = await client.send("GET", `/v2/during/blobs/${digest}`);
    assertEquals([answer.status, digestOf(answer.bytes)], [200, digest], `after call ${n}`);
  }
  const tagged = await client.send("GET", "/v2/during/manifests/v1");
  if (taken.tag) assertEquals(digestOf(tagged.bytes), taken.manifest, `after call ${n}`);
  if (tagged.status === 200) await pullAll(client, "during");
}

async function pullAll(client: RegistryClient, name: string): Promise<void> {
  const answer = await client.send("GET", `/v2/${name}/manifests/v1`);
  assertEquals([answer.status, answer.bytes], [200, contentOf(name).manifest]);
  const { config, layers } = JSON.parse(answer.text);
  for (const { digest } of [config, ...layers]) {
    const blob = await client.send("GET", `/v2/${name}/blobs/${digest}`);
    assertEquals([blob.status, digestOf(blob.bytes)], [200, digest]);
  }
}
