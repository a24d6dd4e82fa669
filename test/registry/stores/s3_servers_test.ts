import { after, before, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createRegistry, s3Store, serveRegistry } from "../../../src/registry/mod.ts";
import { parseRepository } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import type { Hash } from "../../../src/spec/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { registryContract } from "../../contracts/registry_contract.ts";
import { digestOf, patterned, storeContract, text } from "../../contracts/store_contract.ts";
import { once } from "../../project/applicable.ts";
import { describePeer, moto, type Peer, radosgw, type S3Server } from "../../peers/mod.ts";
import { collectedGarbage } from "../../make/store_garbage.ts";

const MIB = 1024 * 1024;
const DAY = 24 * 3_600_000;
const base = "http://registry.example.com";

const servers: [name: string, peers: Peer[], start: () => Promise<S3Server>][] = [
  ["moto", ["moto"], () => moto()],
  ["Ceph", ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "python of forky"], radosgw],
];

for (const [name, peers, start] of servers) {
  describePeer(`the S3 of ${name}`, peers, () => {
    let s3: S3Server;
    let count = 0;
    before(async () => void (s3 = await start()), { timeout: 120_000 });
    after(() => s3.stop());
    const open = (prefix: string) => s3Store({ ...s3.options, prefix });
    const fresh = () => `prefix/${++count}/`;
    const clientOf = (prefix: string) => new RegistryClient({ ...createRegistry({ store: open(prefix) }), base });

    storeContract("is a store", () => {
      const prefix = fresh();
      return Promise.resolve({ store: open(prefix), another: () => open(prefix) });
    }, { shared: true });

    it("heeds conditions of writes, so that one of several replaces a record", async () => {
      const prefix = fresh();
      assertEquals(await open(prefix).heedsConditions(), true);
      await open(prefix).records.put("a/b", text("one"));
      const replace = (_: unknown, i: number) =>
        open(prefix).records.replace!("a/b", text(`${i}`), { expected: text("one") });
      const all = await Promise.all(Array.from({ length: 8 }, replace));
      assertEquals(all.filter(Boolean).length, 1);
      assertEquals(await open(prefix).records.get("a/b"), text(`${all.indexOf(true)}`));
    });

    it("holds what two servers take in turn, until it is deleted and collected", { timeout: 60_000 }, async () => {
      const prefix = fresh();
      const clients = [clientOf(prefix), clientOf(prefix)];
      const layer = patterned(20 * MIB);
      const upload = await clients[0].startUpload("app");
      for (let at = 0, i = 0; at < layer.length; at += 7 * MIB, i++) {
        const body = layer.slice(at, at + 7 * MIB);
        const headers = { "Content-Range": `${at}-${at + body.length - 1}` };
        assertEquals((await clients[i % 2].send("PATCH", upload, { body, headers })).status, 202);
      }
      const digest = digestOf(layer);
      assertEquals((await clients[1].send("PUT", `${upload}?digest=${digest}`)).status, 201);
      const image = await clients[0].image("app", "seed");
      const mediaType = (image.layers as { mediaType: string }[])[0].mediaType;
      const whole = { ...image, layers: [{ mediaType, digest, size: layer.length }] };
      const pushed = await clients[0].pushManifest("app", whole, "v1");

      assertEquals(digestOf((await clients[1].send("GET", `/v2/app/blobs/${digest}`)).bytes), digest);
      const range = { headers: { Range: "bytes=8388600-8388620" } };
      const part = await clients[0].send("GET", `/v2/app/blobs/${digest}`, range);
      assertEquals([part.status, part.bytes], [206, layer.slice(8_388_600, 8_388_621)]);
      assertEquals(JSON.parse((await clients[1].send("GET", "/v2/app/tags/list")).text).tags, ["v1"]);

      const clock = () => Date.now() + 3 * DAY;
      const stays = await collectedGarbage(open(prefix), { clock });
      assertEquals(stays.blobs.some((blob) => blob.digest === digest), false);
      assertEquals((await clients[1].send("DELETE", `/v2/app/manifests/${pushed.digest}`)).status, 202);
      const { blobs } = await collectedGarbage(open(prefix), { clock });
      assert(blobs.some((blob) => blob.digest === digest));
      assertEquals((await clients[0].send("GET", `/v2/app/blobs/${digest}`)).status, 404);
      const list = await s3.ask("GET", `${s3.options.bucket}?list-type=2&prefix=${prefix}data/`);
      assertEquals((await list.text()).includes("<Contents>"), false);
    });

    it("serves a client that a registry sends to it", async () => {
      const store = open(fresh());
      const server = await serveRegistry({ store, redirect: true });
      try {
        const client = new RegistryClient({ fetch, base: server.url });
        const bytes = patterned(9 * MIB);
        const digest = await client.pushBlob("app", bytes) as Hash;
        const asked = await fetch(`${server.url}/v2/app/blobs/${digest}`, { redirect: "manual" });
        await asked.body?.cancel();
        assertEquals(asked.status, 307);
        const location = new URL(asked.headers.get("Location")!);
        assertEquals(location.origin, new URL(s3.options.endpoint).origin);
        const part = await fetch(location, { headers: { Range: "bytes=100-109" } });
        assertEquals([part.status, new Uint8Array(await part.arrayBuffer())], [206, bytes.slice(100, 110)]);
        if (name !== "moto") { // which checks no signature
          location.searchParams.set("X-Amz-Expires", "3000");
          const changed = await fetch(location);
          await changed.body?.cancel();
          assertEquals(changed.status, 403);
        }
        const layer = await new Puller().layer(parseRepository(`${new URL(server.url).host}/app`).digest(digest));
        const pulled = new Uint8Array(await new Response(await layer.compressed()).arrayBuffer());
        assertEquals(digestOf(pulled), digest);
      } finally {
        await server.shutdown({ patience: 0 });
      }
    });

    // The many small requests of the whole contract take minutes on Ceph.
    if (name === "moto") {
      registryContract("is below a registry", () => {
        const { fetch } = createRegistry({ store: open(fresh()) });
        return Promise.resolve({ fetch, base });
      });
    }
  }, { skip: once() });
}
