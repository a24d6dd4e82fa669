import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GcraneError, UnsafeUrlError } from "../../../src/errors.ts";
import { parseRepository } from "../../../src/name/mod.ts";
import {
  basicAccess,
  createRegistry,
  memoryStore,
  r2Store,
  type RegistryOptions,
  type RequestRecord,
  s3Store,
} from "../../../src/registry/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import type { Hash } from "../../../src/spec/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { digestOf, patterned } from "../../contracts/store_contract.ts";
import { FakeR2 } from "../../fakes/fake_r2.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { signatureProblem } from "../../fakes/s3_signature.ts";

const base = "http://registry.example.com";
const large = patterned(70_000);

/** A registry that redirects to an S3, with a large blob and a small one in `app`. */
async function redirecting(options: RegistryOptions = {}, endpoint?: string) {
  const s3 = new FakeS3();
  if (endpoint !== undefined) Object.assign(s3.keys, { endpoint });
  const store = s3Store({ ...s3.keys, fetch: s3.fetch });
  const writer = new RegistryClient({ fetch: createRegistry({ store }).fetch, base });
  const digest = await writer.pushBlob("app", large);
  const small = await writer.pushBlob("app", "small");
  const registry = createRegistry({ store, redirect: true, ...options });
  s3.asked.splice(0);
  return { s3, store, digest: digest as Hash, small, ...registry, client: new RegistryClient({ ...registry, base }) };
}

describe("a registry with redirect", () => {
  it("sends a client to the bucket for a large blob, by a URL that ends soon", async () => {
    const { client, digest, s3 } = await redirecting();
    const kinds: Record<string, string>[] = [{}, { Range: "bytes=10-19" }];
    for (const headers of kinds) {
      const answer = await client.send("GET", `/v2/app/blobs/${digest}`, { headers });
      assertEquals([answer.status, answer.bytes.length], [307, 0]);
      assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
      assertEquals(answer.headers.get("Cache-Control"), "no-store");
      const location = new URL(answer.headers.get("Location")!);
      assertEquals(location.searchParams.get("X-Amz-Expires"), "300");
      assert(!location.href.includes(s3.keys.secretAccessKey));
      const object = await s3.fetch(location.href, { headers });
      const bytes = new Uint8Array(await object.arrayBuffer());
      assertEquals(bytes, "Range" in headers ? large.slice(10, 20) : large);
      location.searchParams.set("X-Amz-Expires", "3000");
      assertEquals((await s3.fetch(location.href)).status, 403);
    }
  });

  it("answers itself what is small, HEAD, what the client has, and a range beyond the end", async () => {
    const { client, digest, small } = await redirecting();
    const path = `/v2/app/blobs/${digest}`;
    const head = await client.send("HEAD", path);
    assertEquals([head.status, head.headers.get("Content-Length"), head.headers.get("Location")], [200, "70000", null]);
    assertEquals((await client.send("GET", `/v2/app/blobs/${small}`)).text, "small");
    const etag = head.headers.get("ETag")!;
    assertEquals((await client.send("GET", path, { headers: { "If-None-Match": etag } })).status, 304);
    assertEquals((await client.send("GET", path, { headers: { Range: "bytes=70000-" } })).status, 416);
    assertEquals((await client.send("GET", `/v2/other/blobs/${digest}`)).status, 404);
  });

  it("gives no URL to a client that may not pull", async () => {
    const access = basicAccess({
      users: { ann: "secret", ben: "secret" },
      rules: [{ user: "ann", repository: "app", actions: ["pull"] }],
    });
    const { client, digest } = await redirecting({ access });
    const statuses = [];
    for (const user of [undefined, "ben", "ann"]) {
      const headers: Record<string, string> = user ? { Authorization: `Basic ${btoa(`${user}:secret`)}` } : {};
      const answer = await client.send("GET", `/v2/app/blobs/${digest}`, { headers });
      statuses.push(answer.status);
      assertEquals(answer.headers.has("Location"), user === "ann");
    }
    assertEquals(statuses, [401, 403, 307]);
  });

  it("reports the request without the signed URL", async () => {
    const records: RequestRecord[] = [];
    const { client, digest } = await redirecting({ onRequest: (record) => records.push(record) });
    await client.send("GET", `/v2/app/blobs/${digest}`);
    assertEquals(records.map(({ path, status, bytesOut }) => [path, status, bytesOut]), [
      [`/v2/app/blobs/${digest}`, 307, 0],
    ]);
    assertEquals(JSON.stringify(records).includes("X-Amz"), false);
    assertEquals((await client.send("GET", "/metrics")).text.includes("X-Amz"), false);
  });

  it("sends the bytes where the store has no URLs, and where it is not asked to redirect", async () => {
    for (const store of [memoryStore(), r2Store(new FakeR2())]) {
      const client = new RegistryClient({ ...createRegistry({ store, redirect: true }), base });
      const digest = await client.pushBlob("app", large);
      assertEquals((await client.send("GET", `/v2/app/blobs/${digest}`)).bytes, large);
    }
    const { client, digest } = await redirecting({ redirect: false });
    assertEquals((await client.send("GET", `/v2/app/blobs/${digest}`)).bytes, large);
  });

  it("signs URLs for a bucket of R2 with its keys of S3", async () => {
    const s3 = new FakeS3();
    const { accessKeyId, secretAccessKey } = s3.keys;
    Object.assign(s3.keys, { region: "auto" });
    const keys = { endpoint: "https://account.r2.example.com", bucket: "images", accessKeyId, secretAccessKey };
    const store = r2Store(new FakeR2(), { signedUrls: keys });
    const client = new RegistryClient({ ...createRegistry({ store, redirect: true }), base });
    const digest = await client.pushBlob("app", large);
    const location = (await client.send("GET", `/v2/app/blobs/${digest}`)).headers.get("Location")!;
    assertMatch(location, /^https:\/\/account\.r2\.example\.com\/images\/data\//);
    assertEquals(signatureProblem(new Request(location), s3.keys), undefined);
  });

  it("marks a blob of a cache as a hit when it sends a client to the bucket", async () => {
    const { client, digest, s3 } = await redirecting();
    const store = s3Store({ ...s3.keys, fetch: s3.fetch });
    const proxy = { upstream: "origin.example.com", fetch: () => Promise.reject(new TypeError("no network")) };
    const cache = new RegistryClient({ ...createRegistry({ store, redirect: true, proxy }), base });
    const answers = [
      await client.send("GET", `/v2/app/blobs/${digest}`),
      await cache.send("GET", `/v2/app/blobs/${digest}`),
    ];
    assertEquals(answers.map(({ status }) => status), [307, 307]);
    assertEquals(answers.map(({ headers }) => headers.get("Cache-Status")), [null, "gcrane; hit"]);
  });
});

describe("our client, redirected by a registry", () => {
  async function pull(endpoint?: string, answer?: () => Promise<Response>) {
    const access = basicAccess({ users: { ann: "secret" } });
    const { fetch, s3, digest } = await redirecting({ access }, endpoint);
    const sent: string[] = [];
    const route = (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      const { host } = new URL(request.url);
      if (host === "registry.example.com") return fetch(request);
      sent.push(request.headers.get("Authorization") ?? "none");
      return answer?.() ?? s3.fetch(request);
    };
    const keychain = { resolve: () => Promise.resolve({ authorization: () => Promise.resolve(ann) }) };
    const puller = new Puller({ fetch: route as typeof globalThis.fetch, keychain, retry: { attempts: 1 } });
    const repository = parseRepository("registry.example.com/app", { insecure: true });
    const bytes = async () => {
      const layer = await puller.layer(repository.digest(digest));
      return new Uint8Array(await new Response(await layer.compressed()).arrayBuffer());
    };
    return { bytes, sent };
  }
  const ann = { username: "ann", password: "secret" };

  it("gets the bytes from the bucket without its credentials", async () => {
    const { bytes, sent } = await pull();
    assertEquals(digestOf(await bytes()), digestOf(large));
    assertEquals(sent, ["none"]);
  });

  it("shows no signature where the bucket refuses or does not answer", async () => {
    const answers = [
      () => Promise.resolve(new Response("<Code>AccessDenied</Code>", { status: 403 })),
      () => Promise.reject(new TypeError("connection reset by http://s3.example.com/?X-Amz-Signature=1")),
    ];
    for (const answer of answers) {
      const { bytes, sent } = await pull(undefined, answer);
      const error = await assertRejects(bytes, GcraneError);
      assertEquals([/X-Amz-Signature=(?!REDACTED)/.test(`${error.message} ${error.stack}`), sent.length > 0], [
        false,
        true,
      ], error.message);
    }
  });

  it("does not follow to a more private place", async () => {
    const { bytes, sent } = await pull("http://10.0.0.1:9000");
    const error = await assertRejects(bytes, UnsafeUrlError);
    assertEquals([error.message.includes("X-Amz"), sent], [false, []]);
  });
});
