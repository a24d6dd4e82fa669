import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { basic } from "../../src/authn/mod.ts";
import { FileError } from "../../src/errors.ts";
import {
  basicAccess,
  createRegistry,
  memoryStore,
  type ProxyOptions,
  type RegistryOptions,
  type RegistryStore,
  tokenAccess,
} from "../../src/registry/mod.ts";
import {
  assertRefused,
  type Bytes,
  digestOf,
  encode,
  IMAGE,
  INDEX,
  RegistryClient,
} from "../contracts/registry_client.ts";

const base = "http://cache.example.com";
const MB = 1024 * 1024;

/** An upstream that counts what it is asked, can be down, and lets blobs flow when it is told to. */
class Origin {
  /** Method and path of each request to it, pings and tokens left out. */
  requests: string[] = [];
  /** What it answers instead of anything else. */
  fault: (() => Response | Promise<Response>) | undefined;
  /** Called before each chunk of a blob. */
  beforeChunk: (() => Promise<void>) | undefined;
  /** Changes a chunk on its way. */
  spoil: ((chunk: Bytes) => Bytes) | undefined;
  readonly client: RegistryClient;
  readonly #registry;

  constructor(options: RegistryOptions = {}) {
    this.#registry = createRegistry(options);
    this.client = new RegistryClient({ fetch: this.#registry.fetch, base: "https://origin.example.com" });
  }

  readonly fetch = (async (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    if (/\/v2\/./.test(url.pathname)) this.requests.push(`${method} ${url.pathname}${url.search}`);
    if (this.fault) return await this.fault();
    const response = await this.#registry.fetch(input, init);
    if (!response.body || !url.pathname.includes("/blobs/")) return response;
    return new Response(this.#inPieces(response.body), response);
  }) as typeof fetch;

  #inPieces(body: ReadableStream<Bytes>): ReadableStream<Bytes> {
    const reader = body.getReader();
    let rest: Bytes | undefined;
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        if (!rest?.length) rest = (await reader.read()).value;
        if (!rest) return controller.close();
        await this.beforeChunk?.();
        const piece = rest.slice(0, 256 * 1024);
        rest = rest.subarray(piece.length);
        controller.enqueue(this.spoil?.(piece) ?? piece);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** What was asked since this was called last. */
  asked(): string[] {
    return this.requests.splice(0);
  }
}

/** A cache of an origin. */
function cacheOf(
  origin: Origin,
  { proxy, ...options }: Omit<RegistryOptions, "proxy"> & { proxy?: Partial<ProxyOptions> } = {},
) {
  const errors: unknown[] = [];
  const registry = createRegistry({
    onError: (error) => errors.push(error),
    ...options,
    proxy: { upstream: "origin.example.com", fetch: origin.fetch, ...proxy },
  });
  return { ...registry, errors, client: new RegistryClient({ fetch: registry.fetch, base }) };
}

function noise(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0, x = 1; at < length; at++) bytes[at] = x = (x * 1103515245 + 12345) & 0xff ^ at >> 8;
  return bytes;
}

/** Waits for what comes of itself. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Asks for a blob until it comes from the store: it gets there just after the first client has it. */
async function untilKept(client: RegistryClient, path: string): Promise<void> {
  while (status((await client.send("GET", path)).headers) !== HIT) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const status = (headers: Headers) => headers.get("Cache-Status");
const HIT = "gcrane; hit";
const MISS = "gcrane; fwd=miss; stored";
const STALE = 'gcrane; hit; fwd=stale; detail="the upstream does not answer"';

/** Reads all of a body, in as many steps as it comes. */
async function readBody(response: Response): Promise<Bytes> {
  return new Uint8Array(await response.arrayBuffer());
}

describe("a pull-through cache", () => {
  it("fetches what it does not have, once, and keeps it", async () => {
    const origin = new Origin();
    const image = await origin.client.image("team/app", "one");
    const { digest } = await origin.client.pushManifest("team/app", image, "v1");
    const layer = (image.layers as { digest: string }[])[0].digest;
    const { client, errors } = cacheOf(origin);
    for (const expected of [MISS, HIT]) {
      if (expected === HIT) {
        await untilKept(client, `/v2/team/app/blobs/${layer}`);
        origin.asked();
      }
      const byTag = await client.send("GET", "/v2/team/app/manifests/v1");
      assertEquals([byTag.status, byTag.headers.get("Content-Type"), status(byTag.headers)], [200, IMAGE, expected]);
      assertEquals(byTag.headers.get("Docker-Content-Digest"), digest);
      const blob = await client.send("GET", `/v2/team/app/blobs/${layer}`);
      assertEquals([blob.status, blob.text, status(blob.headers)], [200, "layer of one", expected]);
      assertEquals(status((await client.send("GET", `/v2/team/app/manifests/${digest}`)).headers), HIT);
      assertEquals(
        origin.asked(),
        expected === HIT ? [] : [
          "HEAD /v2/team/app/manifests/v1",
          `GET /v2/team/app/manifests/${digest}`,
          `HEAD /v2/team/app/blobs/${layer}`,
          `GET /v2/team/app/blobs/${layer}`,
        ],
      );
    }
    assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["team/app"]);
    assertEquals(errors, []);
  });

  it("answers HEAD and parts of what it does not have", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", "0123456789");
    const { client } = cacheOf(origin);
    const head = await client.send("HEAD", `/v2/a/blobs/${digest}`);
    assertEquals([head.status, head.headers.get("Content-Length")], [200, "10"]);
    const part = await client.send("GET", `/v2/a/blobs/${digest}`, { headers: { Range: "bytes=3-5" } });
    assertEquals([part.status, part.text, part.headers.get("Content-Range")], [206, "345", "bytes 3-5/10"]);
    const none = await client.send("GET", `/v2/a/blobs/${digest}`, { headers: { Range: "bytes=20-" } });
    assertEquals(none.status, 416);
    const manifest = await origin.client.pushImage("a", "one", "v1");
    const asked = await client.send("HEAD", "/v2/a/manifests/v1");
    assertEquals([asked.status, asked.headers.get("Content-Length")], [200, String(manifest.size)]);
  });

  it("asks anew where a tag points when its time is over, by a HEAD alone if it has not moved", async () => {
    let now = 1_000_000;
    const origin = new Origin();
    await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin, { clock: () => now, proxy: { ttl: 60 } });
    const digestOfTag = async () =>
      (await client.send("GET", "/v2/a/manifests/v1")).headers.get("Docker-Content-Digest");
    const first = await digestOfTag();
    origin.asked();
    now += 59_999;
    assertEquals([await digestOfTag(), origin.asked()], [first, []]);
    now += 1;
    assertEquals([await digestOfTag(), origin.asked()], [first, ["HEAD /v2/a/manifests/v1"]]);
    assertEquals([await digestOfTag(), origin.asked()], [first, []]);
    const second = await origin.client.pushImage("a", "two", "v1");
    now += 60_000;
    assertEquals(await digestOfTag(), second.digest);
    assertEquals(origin.asked(), ["HEAD /v2/a/manifests/v1", `GET /v2/a/manifests/${second.digest}`]);
    await origin.client.pushImage("a", "one", "v1"); // back to what is kept already
    now += 60_000;
    assertEquals([await digestOfTag(), origin.asked()], [first, ["HEAD /v2/a/manifests/v1"]]);
    await origin.client.send("DELETE", "/v2/a/manifests/v1");
    now += 60_000;
    assertRefused(await client.send("GET", "/v2/a/manifests/v1"), 404, "MANIFEST_UNKNOWN");
    assertEquals((await client.send("GET", `/v2/a/manifests/${first}`)).status, 200); // what has a digest stays
  });

  it("serves what it has while the upstream is down, and says so", async () => {
    let now = 1_000_000;
    const origin = new Origin();
    const image = await origin.client.pushImage("a", "one", "v1");
    await origin.client.pushManifest("a", { ...await origin.client.image("a", "of it"), subject: image }, "sbom");
    const { client } = cacheOf(origin, { clock: () => now });
    await client.send("GET", "/v2/a/manifests/v1");
    await client.send("GET", "/v2/a/manifests/sbom");
    const faults: (() => Response | Promise<Response>)[] = [
      () => Promise.reject(new TypeError("fetch failed")),
      () => new Response("", { status: 503 }),
      () => new Response("", { status: 429, headers: { "Retry-After": "0" } }),
    ];
    for (const fault of faults) {
      origin.fault = fault;
      now += 1_000_000;
      for (const path of ["manifests/v1", "tags/list", `referrers/${image.digest}`]) {
        const answer = await client.send("GET", `/v2/a/${path}`);
        assertEquals([answer.status, status(answer.headers)], [200, STALE], path);
        assertEquals(answer.headers.get("Warning"), '110 gcrane "Response is Stale"');
      }
      assertEquals(JSON.parse((await client.send("GET", "/v2/a/tags/list")).text).tags, ["sbom", "v1"]);
      assertEquals(JSON.parse((await client.send("GET", `/v2/a/referrers/${image.digest}`)).text).manifests.length, 1);
      const byDigest = await client.send("GET", `/v2/a/manifests/${image.digest}`);
      assertEquals(status(byDigest.headers), HIT);
    }
    // For a while it is not even asked, so that nobody waits for it.
    origin.asked();
    await client.send("GET", "/v2/a/manifests/v1");
    assertEquals(origin.asked(), []);
    origin.fault = undefined;
    now += 5_000;
    assertEquals(status((await client.send("GET", "/v2/a/manifests/v1")).headers), HIT);
    assertEquals(origin.asked(), ["HEAD /v2/a/manifests/v1"]);
  });

  it("tells what went wrong at the upstream where it has nothing", async () => {
    const origin = new Origin();
    const { client, errors } = cacheOf(origin, { proxy: { upstream: "https://origin.example.com/" } });
    const digest = digestOf(encode("x"));
    const paths: [path: string, code: string][] = [
      ["manifests/v1", "MANIFEST_UNKNOWN"],
      [`manifests/${digest}`, "MANIFEST_UNKNOWN"],
      [`blobs/${digest}`, "BLOB_UNKNOWN"],
      ["tags/list", "NAME_UNKNOWN"],
    ];
    for (const [path, code] of paths) assertRefused(await client.send("GET", `/v2/a/${path}`), 404, code);
    assertEquals((await client.send("HEAD", `/v2/a/blobs/${digest}`)).status, 404);
    origin.asked();
    assertRefused(await client.send("GET", "/v2/a/manifests/..%2fx"), 404, "MANIFEST_UNKNOWN");
    assertEquals(origin.asked(), []);
    const answers: [status: number, expected: number, code: string][] = [
      [401, 403, "DENIED"],
      [403, 403, "DENIED"],
      [429, 429, "TOOMANYREQUESTS"],
      [500, 502, "UNKNOWN"],
      [418, 502, "UNKNOWN"],
    ];
    for (const [given, expected, code] of answers) {
      origin.fault = () => new Response("secret of the upstream", { status: given, headers: { "Retry-After": "0" } });
      for (const [path] of paths) {
        const answer = await client.send("GET", `/v2/a/${path}`);
        assertRefused(answer, expected, code);
        assertEquals(answer.text.includes("secret"), false);
      }
    }
    assertEquals(errors.length, 8); // 500 and 418: somebody should know
  });

  it("takes nothing", async () => {
    const { client } = cacheOf(new Origin());
    const digest = digestOf(encode("x"));
    for (const [method, path] of [["POST", "blobs/uploads/"], ["PUT", "manifests/v1"], ["DELETE", `blobs/${digest}`]]) {
      assertRefused(await client.send(method, `/v2/a/${path}`), 405, "UNSUPPORTED");
    }
  });

  it("lists tags and referrers as the upstream does, page by page", async () => {
    const origin = new Origin();
    for (const tag of ["a", "b", "c"]) await origin.client.pushImage("deep/er", "one", tag);
    const { client } = cacheOf(origin);
    const first = await client.send("GET", "/v2/deep/er/tags/list?n=2");
    assertEquals(JSON.parse(first.text), { name: "deep/er", tags: ["a", "b"] });
    const link = first.headers.get("Link")!;
    assertMatch(link, /^<\/v2\/deep\/er\/tags\/list\?[^<>]*>; rel="next"$/);
    const second = await client.send("GET", link.slice(1, link.indexOf(">")));
    assertEquals([JSON.parse(second.text).tags, second.headers.get("Link")], [["c"], null]);
    const subject = await origin.client.pushImage("deep/er", "one");
    const sbom = { ...await origin.client.image("deep/er", "x"), artifactType: "application/x.sbom", subject };
    await origin.client.pushManifest("deep/er", sbom);
    const path = `/v2/deep/er/referrers/${subject.digest}`;
    for (const [query, count] of [["", 1], ["?artifactType=application/x.sbom", 1], ["?artifactType=other/x", 0]]) {
      const answer = await client.send("GET", `${path}${query}`);
      assertEquals([answer.headers.get("Content-Type"), JSON.parse(answer.text).manifests.length], [INDEX, count]);
      assertEquals(answer.headers.get("OCI-Filters-Applied"), query === "" ? null : "artifactType");
    }
  });

  it("knows Docker Hub's library by its short names too", async () => {
    for (const upstream of ["docker.io", "https://registry-1.docker.io", "https://index.docker.io/"]) {
      const origin = new Origin();
      await origin.client.pushImage("library/alpine", "one", "3");
      const { client } = cacheOf(origin, { proxy: { upstream } });
      assertEquals(status((await client.send("GET", "/v2/alpine/manifests/3")).headers), MISS);
      assertEquals(status((await client.send("GET", "/v2/library/alpine/manifests/3")).headers), HIT);
      assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["library/alpine"]);
    }
  });

  it("shows its own credentials to the upstream, and asks its clients for theirs", async () => {
    const origin = new Origin({ access: tokenAccess({ users: { robot: "upstream" } }) });
    const seen: string[] = [];
    const fetch = ((input: string, init: RequestInit) => {
      const header = new Headers(init.headers).get("Authorization");
      if (header) seen.push(header);
      return origin.fetch(input, init);
    }) as typeof globalThis.fetch;
    const owner = createRegistry({
      access: basicAccess({ users: { ann: "1" } }),
      proxy: {
        upstream: "origin.example.com",
        fetch,
        keychain: { resolve: () => Promise.resolve(basic("robot", "upstream")) },
      },
    });
    const path = `${base}/v2/a/tags/list`;
    assertEquals((await owner.fetch(path)).status, 401);
    assertEquals(origin.asked(), []);
    const headers = { Authorization: `Basic ${btoa("ann:1")}` };
    assertEquals((await owner.fetch(path, { headers })).status, 404);
    assertEquals(seen.length > 0 && !seen.includes(headers.Authorization), true);
    const nobody = cacheOf(origin);
    assertRefused(await nobody.client.send("GET", "/v2/a/tags/list"), 403, "DENIED");
  });
});

describe("a pull-through cache: blobs", () => {
  it("are fetched once for all who wait, and a client that does not read holds nobody up", async () => {
    const origin = new Origin();
    const bytes = noise(12 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    const { fetch, client } = cacheOf(origin);
    const path = `${base}/v2/a/blobs/${digest}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(path)));
    const [sleeper, ...readers] = answers;
    for (const body of await Promise.all(readers.map(readBody))) assertEquals(digestOf(body), digest);
    await untilKept(client, `/v2/a/blobs/${digest}`);
    assertEquals(origin.asked().filter((line) => line.startsWith("GET")), [`GET /v2/a/blobs/${digest}`]);
    assertEquals(digestOf(await readBody(sleeper)), digest); // it goes on from what is kept
  });

  it("flow to a single client as they come", async () => {
    const origin = new Origin();
    const bytes = noise(2 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    let allowed = 3;
    let more = () => {};
    origin.beforeChunk = async () => {
      if (allowed-- <= 0) await new Promise<void>((resolve) => more = resolve);
    };
    const { fetch } = cacheOf(origin);
    const reader = (await fetch(`${base}/v2/a/blobs/${digest}`)).body!.getReader();
    const { value } = await reader.read(); // while the upstream has sent only a part
    assertEquals(value, bytes.slice(0, value!.length));
    allowed = Infinity;
    more();
    let size = value!.length;
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length;
    assertEquals(size, bytes.length);
  });

  it("do not run away from a single slow client, whose memory stays small", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", noise(12 * MB));
    let fetched = 0;
    origin.beforeChunk = () => Promise.resolve(void fetched++);
    const { fetch } = cacheOf(origin);
    const reader = (await fetch(`${base}/v2/a/blobs/${digest}`)).body!.getReader();
    await reader.read();
    for (let i = 0; i < 100; i++) await (await fetch(`${base}/v2/`)).body?.cancel();
    assertEquals(fetched <= 24, true, `${fetched} chunks of 256 KiB were fetched for a client that read one`);
    await reader.cancel();
  });

  it("are kept though the client leaves", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", noise(6 * MB));
    const kept: Promise<unknown>[] = [];
    const { handle, client } = cacheOf(origin);
    const request = new Request(`${base}/v2/a/blobs/${digest}`);
    const response = await handle(request, { waitUntil: (work) => kept.push(work) });
    await response.body!.cancel();
    await Promise.all(kept);
    assertEquals(kept.length, 1);
    assertEquals(status((await client.send("GET", `/v2/a/blobs/${digest}`)).headers), HIT);
  });

  it("that are wrong, or end early, reach nobody whole and are not kept", async () => {
    for (const fault of ["wrong", "short"]) {
      const origin = new Origin();
      const bytes = noise(3 * MB);
      const digest = await origin.client.pushBlob("a", bytes);
      let chunks = 0;
      origin.spoil = (chunk) => {
        if (++chunks < 5) return chunk;
        if (fault === "short") throw new TypeError("the connection is cut");
        return chunk.map((byte) => byte ^ 1);
      };
      const store = memoryStore();
      const cache = cacheOf(origin, { store, proxy: { ttl: 1 } });
      const response = await cache.fetch(`${base}/v2/a/blobs/${digest}`);
      assertEquals(response.status, 200);
      let got = 0;
      await assertRejects(async () => {
        for await (const chunk of response.body!) got += chunk.length;
      });
      assertEquals(got < bytes.length, true);
      await until(() => cache.errors.length === 1);
      assertEquals(await store.blob(digest), undefined);
      assertEquals(await store.list("uploads/"), []);
      origin.spoil = undefined;
      assertEquals((await cache.client.send("GET", `/v2/a/blobs/${digest}`)).bytes, bytes);
    }
  });

  it("go on where a connection was cut", async () => {
    const origin = new Origin();
    const bytes = noise(3 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    let chunks = 0;
    origin.spoil = (chunk) => {
      if (++chunks === 5) throw new TypeError("the connection is cut");
      return chunk;
    };
    const { client, errors } = cacheOf(origin);
    assertEquals((await client.send("GET", `/v2/a/blobs/${digest}`)).bytes, bytes);
    assertEquals([origin.asked().filter((line) => line.startsWith("GET")).length, errors], [2, []]);
  });

  it("reach the client though they can't be kept", async () => {
    const origin = new Origin();
    const bytes = noise(3 * MB);
    const digest = await origin.client.pushBlob("a", bytes);
    for (const fails of ["appendUpload", "finishUpload", "put"] as const) {
      const store = failingStore(fails);
      const { client, errors } = cacheOf(origin, { store });
      const answer = await client.send("GET", `/v2/a/blobs/${digest}`);
      assertEquals([answer.status, answer.bytes.length], [200, bytes.length], fails);
      await until(() => errors.length === 1);
    }
  });

  it("of one repository are not shown as another's", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("private", "secret");
    await origin.client.pushBlob("other", "x");
    const { client } = cacheOf(origin);
    await client.send("GET", `/v2/private/blobs/${digest}`);
    assertRefused(await client.send("GET", `/v2/other/blobs/${digest}`), 404, "BLOB_UNKNOWN");
    await origin.client.pushBlob("other", "secret");
    origin.asked();
    assertEquals((await client.send("GET", `/v2/other/blobs/${digest}`)).text, "secret");
    assertEquals(origin.asked(), [`HEAD /v2/other/blobs/${digest}`]); // the bytes are here
  });

  it("are counted as hits and misses", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", "x");
    const { client } = cacheOf(origin);
    await client.send("GET", `/v2/a/blobs/${digest}`);
    await untilKept(client, `/v2/a/blobs/${digest}`);
    const { text } = await client.send("GET", "/metrics");
    assertMatch(text, /^gcrane_registry_cache_answers_total\{outcome="miss"\} \d$/m);
    assertMatch(text, /^gcrane_registry_cache_answers_total\{outcome="hit"\} 1$/m);
  });
});

describe("a pull-through cache: manifests", () => {
  it("are fetched once for all who wait", async () => {
    const origin = new Origin();
    await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.send("GET", "/v2/a/manifests/v1")));
    assertEquals(new Set(answers.map((answer) => answer.status)), new Set([200]));
    assertEquals(origin.asked().length, 2);
  });

  it("that are not what their digest says are not served, nor what a browser would run", async () => {
    const origin = new Origin();
    const { digest } = await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin);
    const bodies: [body: string, type: string][] = [["{}", IMAGE], ["<html></html>", "text/html"]];
    for (const [body, type] of bodies) {
      origin.fault = () => new Response(body, { headers: { "Content-Type": type, "Docker-Content-Digest": digest } });
      assertRefused(await client.send("GET", `/v2/a/manifests/${digest}`), 502, "UNKNOWN");
    }
    const html = encode("<script>alert(1)</script>");
    origin.fault = () => new Response(html, { headers: { "Content-Type": "text/html" } });
    assertRefused(await client.send("GET", `/v2/a/manifests/${digestOf(html)}`), 502, "UNKNOWN");
    origin.fault = undefined;
    assertEquals((await client.send("GET", `/v2/a/manifests/${digest}`)).status, 200);
  });
});

/** A store in memory of which one method fails; `put` for blobs' links alone. */
function failingStore(method: "appendUpload" | "finishUpload" | "put"): RegistryStore {
  const store = memoryStore();
  return new Proxy(store, {
    get(target, name) {
      const real = Reflect.get(target, name).bind(target);
      if (name !== method) return real;
      return async (key: string, ...rest: unknown[]) => {
        if (method === "put" && !key.includes("_blobs")) return await real(key, ...rest);
        if (method === "appendUpload") { // takes a little, as a disk does that is nearly full
          const reader = (rest[0] as ReadableStream<Bytes>).getReader();
          await reader.read();
          await reader.cancel();
        }
        throw new FileError("no space left on device", { errno: "ENOSPC" });
      };
    },
  });
}
