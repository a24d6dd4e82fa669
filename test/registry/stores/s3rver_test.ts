import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createRegistry, type RegistryStore, s3Store } from "../../../src/registry/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { digestOf, patterned, stream, text } from "../../contracts/store_contract.ts";
import { describePeer, type NodeProgram, s3rver } from "../../peers/mod.ts";

describePeer("s3Store on s3rver", ["s3rver"], () => {
  let folder: string;
  let program: NodeProgram;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gcrane_s3rver_"));
    program = await s3rver(folder);
  });
  after(async () => {
    await program.stop();
    await rm(folder, { recursive: true });
  });

  function open(prefix: string): RegistryStore {
    const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
    return s3Store({ endpoint: program.url, bucket: "images", ...keys, prefix });
  }

  // s3rver does not list folders that hold nothing but folders, so it can't pass the whole contract.
  it("is a store of records", async () => {
    const store = open("records/");
    await store.records.put("a/b", text("one"));
    await store.records.put("a/c", text("two"));
    assertEquals(await store.records.get("a/b"), text("one"));
    assertEquals(await store.records.list("a/"), ["b", "c"]);
    assertEquals(await store.records.list("a/", { after: "b" }), ["c"]);
    assertEquals([await store.records.delete("a/b"), await store.records.delete("a/b")], [true, false]);
    assertEquals(await store.records.list("a/"), ["c"]);
  });

  it("is a store under two registries, of which each serves what the other took", async () => {
    const clients = [0, 1].map(() => {
      const { fetch } = createRegistry({ store: open("registry/") });
      return new RegistryClient({ fetch, base: "http://registry.example.com" });
    });
    const { digest } = await clients[0].pushImage("app", "image", "v1");
    const answer = await clients[1].send("GET", "/v2/app/manifests/v1");
    assertEquals([answer.status, answer.headers.get("Docker-Content-Digest")], [200, digest]);
    assertEquals(JSON.parse((await clients[1].send("GET", "/v2/app/tags/list")).text).tags, ["v1"]);
    for (const layer of JSON.parse(answer.text).layers) {
      assertEquals(digestOf((await clients[1].send("GET", `/v2/app/blobs/${layer.digest}`)).bytes), layer.digest);
    }
  });

  it("takes a blob of several parts from two servers", async () => {
    const bytes = patterned(20 * 1024 * 1024);
    await open("parts/").uploads.append("u", stream(bytes.subarray(0, 11_000_000)));
    await open("parts/").uploads.append("u", stream(bytes.subarray(11_000_000)));
    await open("parts/").uploads.finish("u", digestOf(bytes));
    const blob = await open("parts/").blobs.get(digestOf(bytes));
    const read = new Uint8Array(await new Response(await blob!.read()).arrayBuffer());
    assertEquals(digestOf(read), digestOf(bytes));
  });
});
