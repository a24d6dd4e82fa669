import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { describe, it } from "node:test";
import { DigestMismatchError, HttpError, NetworkError, ProtocolError, SizeMismatchError } from "../../src/errors.ts";
import type { Layer, ProgressEvent } from "../../src/image/mod.ts";
import { parseReference } from "../../src/name/mod.ts";
import { Puller, type RemoteOptions } from "../../src/remote/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import {
  type Cue,
  CUT,
  type FakeAnswer,
  FakeRegistry,
  type FakeRegistryOptions,
  fakeServer,
  problem,
  STALL,
} from "../fakes/mod.ts";
import { addImage, at, contentOf, type Remoting, remoting } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";

const BLOB = /blobs\/sha256/;
const CONTENT = noise(200_000, 7);

/** The only layer of an image in a fake registry, not yet read. */
async function layerOf(
  registry: FakeRegistry,
  options: RemoteOptions & { content?: Bytes; urls?: string[] } = {},
): Promise<Remoting & { layer: Layer }> {
  const { content = CONTENT, urls, ...rest } = options;
  addImage(registry, "app", {
    tag: "v1",
    layers: [content],
    change: (manifest) => urls && Object.assign((manifest.layers as object[])[0], { urls }),
  });
  const remote = remoting(registry, rest);
  const [layer] = await (await remote.puller.image(at("app:v1"))).layers();
  return { ...remote, layer };
}

/** The usual answer, cut after so many bytes. */
const cutting = (cutAfter: number): Cue => async (_, usual) => ({ ...await usual(), cutAfter });

describe("a download", () => {
  it("is verified while it streams", async () => {
    const { layer } = await layerOf(new FakeRegistry());
    assertEquals(await contentOf(layer), CONTENT);
  });

  it("is taken up where it stalls", async () => {
    const stalling: Cue = async (_, usual) => {
      const answer = await usual();
      return { ...answer, body: (answer.body as Bytes).subarray(0, 70_000), length: CONTENT.length, stalls: true };
    };
    const registry = new FakeRegistry().on("GET", BLOB, stalling);
    const server = await fakeServer(registry.handle);
    try {
      const { layer } = await layerOf(registry, {
        fetch: (input, init) => fetch(String(input).replace(/^https:\/\/[^/]+/, `http://${server.host}`), init),
        timeouts: { stallMs: 30 },
      });
      assertEquals(await contentOf(layer), CONTENT);
      const ranges = server.requests.filter(({ path }) => BLOB.test(path)).map(({ headers }) => headers.get("range"));
      assertEquals(ranges, [null, "bytes=70000-"]);
    } finally {
      await server.close();
    }
  });

  it("fails before it ends when the bytes are others", async () => {
    const registry = new FakeRegistry().on("GET", BLOB, async (_, usual) => {
      const answer = await usual();
      const spoilt = (answer.body as Bytes).slice();
      spoilt[spoilt.length - 1] ^= 1;
      return { ...answer, body: spoilt };
    });
    const { layer } = await layerOf(registry);
    await assertRejects(
      () => contentOf(layer),
      DigestMismatchError,
      "of registry.example.com/app has the digest sha256:",
    );
  });

  it("fails when there are more bytes, as soon as they come, or fewer", async () => {
    const longer = new FakeRegistry().on("GET", BLOB, async (_, usual) => {
      const answer = await usual();
      return { ...answer, body: new Uint8Array([...answer.body as Bytes, 1, 2, 3]) };
    });
    await assertRejects(
      async () => contentOf((await layerOf(longer)).layer),
      SizeMismatchError,
      "more than the 200000 bytes",
    );

    const shorter = new FakeRegistry().on("GET", BLOB, async (request, usual) => {
      const answer = await usual();
      const from = Number(/\d+/.exec(request.headers.get("range") ?? "0")![0]);
      return { ...answer, body: CONTENT.slice(from, 100_000) };
    }, 99);
    await assertRejects(async () => contentOf((await layerOf(shorter)).layer), NetworkError, "cut at byte 100000");
  });

  it("is resumed where it was cut, as often as bytes arrive", async () => {
    const registry = new FakeRegistry();
    for (let i = 0; i < 7; i++) registry.on("GET", BLOB, cutting(300_000));
    const content = noise(2_200_000, 8);
    const remote = await layerOf(registry, { content });
    assertEquals(await contentOf(remote.layer), content);
    const ranges = remote.requests.filter(({ path }) => BLOB.test(path)).map(({ headers }) => headers.get("range"));
    assertEquals(ranges, [null, ...Array.from({ length: 7 }, (_, i) => `bytes=${(i + 1) * 300_000}-`)]);
    assertEquals(remote.waits, Array(7).fill(200));
  });

  it("gives up on a server that sends a few bytes each time", async () => {
    const registry = new FakeRegistry().on("GET", BLOB, cutting(1000), 99);
    const remote = await layerOf(registry);
    await assertRejects(() => contentOf(remote.layer), NetworkError, "cut at byte 4000");
    assertEquals(remote.waits, [200, 600, 1800]);
  });

  it("is resumed from a server that sends everything again", async () => {
    const registry = new FakeRegistry({ ranges: false })
      .on("GET", BLOB, cutting(20_000))
      .on("GET", BLOB, cutting(120_000));
    const { layer } = await layerOf(registry);
    assertEquals(await contentOf(layer), CONTENT);
  });

  it("gives up after four tries without a byte", async () => {
    const registry = new FakeRegistry({ ranges: false }).on("GET", BLOB, cutting(20_000), 99);
    const remote = await layerOf(registry);
    const error = await assertRejects(() => contentOf(remote.layer), NetworkError);
    assertMatch(
      error.message,
      /^blob sha256:[0-9a-f]{64} of registry\.example\.com\/app: the connection was cut at byte 20000/,
    );
    assertMatch(error.hint!, /network/);
    assertEquals(remote.waits, [200, 600, 1800]);
  });

  it("fails as the registry says when it is refused meanwhile", async () => {
    const registry = new FakeRegistry().on("GET", BLOB, cutting(20_000)).on(
      "GET",
      BLOB,
      () => problem(404, "BLOB_UNKNOWN"),
    );
    const { layer } = await layerOf(registry);
    await assertRejects(() => contentOf(layer), HttpError, "404 Not Found: BLOB_UNKNOWN");
  });

  it("refuses another range than it asked for", async () => {
    for (const range of ["bytes 0-199999/200000", "bytes 30000-199999/200000", "", "x"]) {
      const registry = new FakeRegistry().on("GET", BLOB, cutting(20_000)).on("GET", BLOB, async (_, usual) => ({
        ...await usual(),
        headers: { "content-range": range },
      }));
      const { layer } = await layerOf(registry);
      await assertRejects(
        () => contentOf(layer),
        ProtocolError,
        "the server sent another range than the requested one from byte 20000",
      );
    }
  });

  it("does not mind an end that was lost", async () => {
    const registry = new FakeRegistry().on(
      "GET",
      BLOB,
      async (_, usual) => ({ ...await usual(), length: "chunked", cutAfter: 200_000 }),
    );
    const remote = await layerOf(registry);
    assertEquals(await contentOf(remote.layer), CONTENT);
    assertEquals(remote.waits, []);
  });

  it("follows a redirect anew each time it is resumed", async () => {
    const cdn = new FakeRegistry().on("GET", /./, cutting(50_000));
    cdn.addBlob("app", CONTENT);
    const home = new FakeRegistry();
    const { digest } = addImage(home, "app", { tag: "v1", layers: [CONTENT] }).descriptor;
    home.on(
      "GET",
      BLOB,
      ({ url }) => ({ status: 307, headers: { location: `https://cdn.example.com${url.pathname}?sig=x` } }),
      2,
    );
    const remote = remoting({ "https://registry.example.com": home.handle, "https://cdn.example.com": cdn.handle });
    const [layer] = await (await remote.puller.image(at(`app@${digest}`))).layers();
    assertEquals(await contentOf(layer), CONTENT);
    assertEquals(remote.requests.filter(({ host }) => host === "cdn.example.com").length, 2);
  });

  it("opens a fresh stream each time, and cancels what is given up", async () => {
    const { layer, requests } = await layerOf(new FakeRegistry());
    const stream = await layer.compressed();
    await stream.cancel();
    assertEquals(await contentOf(layer), CONTENT);
    assertEquals(requests.filter(({ path }) => BLOB.test(path)).length, 2);
  });

  it("ends with the signal's reason in the middle, and leaves no request open", async () => {
    const registry = new FakeRegistry().on("GET", BLOB, async (_, usual) => {
      const answer = await usual();
      return { ...answer, body: (answer.body as Bytes).slice(0, 1000), length: CONTENT.length, stalls: true };
    });
    const { layer, requests } = await layerOf(registry);
    const stop = new AbortController();
    const reader = (await layer.compressed({ signal: stop.signal })).getReader();
    assertEquals((await reader.read()).value?.length, 1000);
    const reason = new Error("enough");
    const pending = reader.read();
    stop.abort(reason);
    assertStrictEquals(await pending.catch((error) => error), reason);
    assertEquals(requests.every(({ over }) => over), true);
  });

  it("is reported, byte by byte and how it ended", async () => {
    const events: ProgressEvent[] = [];
    const registry = new FakeRegistry().on("GET", BLOB, cutting(20_000));
    const { layer } = await layerOf(registry, { onReadProgress: (event) => events.push(event) });
    await contentOf(layer);
    const [first, last] = [events[0], events.at(-1)!];
    assertEquals([first.kind, first.state, first.complete, first.total], ["read", "active", 0, 200_000]);
    assertEquals([last.state, last.complete, last.id], ["done", 200_000, await layer.digest()]);
    assert(events.every(({ complete }, i) => i === 0 || complete >= events[i - 1].complete));

    events.length = 0;
    await (await layer.compressed()).cancel();
    assertEquals(events.at(-1)?.state, "failed");
  });
});

describe("a blob with Content-Encoding", () => {
  // Some storage sets `Content-Encoding` for a gzip layer but sends the layer unchanged.
  const gzipped = new Uint8Array(gzipSync(noise(50_000, 3)));
  const labelled: Cue = async (_, usual) => {
    const answer = await usual();
    return { ...answer, headers: { ...answer.headers, "content-encoding": "gzip" } };
  };

  async function pull(registry: FakeRegistry, options: FakeRegistryOptions & { layer?: Bytes } = {}): Promise<Bytes> {
    addImage(registry, "app", { tag: "v1", layers: [options.layer ?? gzipped] });
    const server = await fakeServer(registry.handle);
    try {
      const puller = new Puller({ retry: { delayMs: 0 } });
      const [layer] = await (await puller.image(parseReference(`${server.host}/app:v1`))).layers();
      return await contentOf(layer);
    } finally {
      await server.close();
    }
  }

  it("is taken as it is when its length is the blob's", async () => {
    assertEquals(await pull(new FakeRegistry().on("GET", BLOB, labelled)), gzipped);
  });

  it("is resumed, too", async () => {
    const registry = new FakeRegistry()
      .on(
        "GET",
        BLOB,
        async (request, usual) => ({ ...await labelled(request, usual) as FakeAnswer, cutAfter: 20_000 }),
      )
      .on("GET", BLOB, labelled);
    assertEquals(await pull(registry), gzipped);
  });

  /** Answers with the whole blob in an encoding, also where a range is asked for. */
  const encoding = (blob: Bytes, changes: Partial<FakeAnswer> = {}): Cue => async (request, usual) => {
    request.headers.delete("range");
    return {
      ...await usual(),
      headers: { "content-encoding": "gzip" },
      body: new Uint8Array(gzipSync(blob)),
      ...changes,
    };
  };

  it("is decoded when it was encoded on the way", async () => {
    for (const layer of [noise(50_000, 4), gzipped]) {
      for (const length of [undefined, "chunked"] as const) {
        const registry = new FakeRegistry().on("GET", BLOB, encoding(layer, { length }), 2);
        assertEquals(await pull(registry, { layer }), layer);
      }
    }
  });

  it("is decoded from where the connection was cut", async () => {
    const layer = noise(500_000, 4);
    const registry = new FakeRegistry().on("GET", BLOB, encoding(layer, { cutAfter: 300_000 }))
      .on("GET", BLOB, encoding(layer));
    assertEquals(await pull(registry, { layer }), layer);
  });

  it("is refused when it was encoded in another way, as a range, or as another blob", async () => {
    const layer = noise(500_000, 4);
    const brotli = encoding(layer, { headers: { "content-encoding": "br" } });
    const refused = "in the encoding br, which was not requested";
    await assertRejects(() => pull(new FakeRegistry().on("GET", BLOB, brotli), { layer }), ProtocolError, refused);
    const range = new FakeRegistry().on("GET", BLOB, cutting(300_000))
      .on("GET", BLOB, async (_, usual) => {
        const answer = await usual();
        const headers = { ...answer.headers, "content-encoding": "gzip" };
        return { ...answer, headers, body: new Uint8Array(gzipSync(answer.body as Bytes)) };
      });
    await assertRejects(() => pull(range, { layer }), ProtocolError, "in the encoding gzip, which was not requested");
    const other = new FakeRegistry().on("GET", BLOB, encoding(noise(500_000, 5)));
    await assertRejects(() => pull(other, { layer }), DigestMismatchError);
    const longer = new FakeRegistry().on("GET", BLOB, encoding(noise(500_001, 4)));
    await assertRejects(() => pull(longer, { layer }), SizeMismatchError);
  });

  it("asks for none", async () => {
    const registry = new FakeRegistry();
    const { layer, requests } = await layerOf(registry);
    await contentOf(layer);
    assertEquals(requests.at(-1)!.headers.get("accept-encoding"), "identity");
  });
});

describe("a download over the wire", () => {
  it("is resumed where it was cut, and gives up as it should", async () => {
    const registry = new FakeRegistry();
    addImage(registry, "app", { tag: "v1", layers: [noise(3_000_000, 9)] });
    registry.on("GET", BLOB, cutting(700_000)).on("GET", BLOB, () => CUT).on("GET", BLOB, cutting(700_000));
    const server = await fakeServer(registry.handle);
    try {
      const puller = new Puller({ retry: { delayMs: 0 } });
      const [layer] = await (await puller.image(parseReference(`${server.host}/app:v1`))).layers();
      assertEquals(await contentOf(layer), noise(3_000_000, 9));
      registry.on("GET", BLOB, cutting(700_000)).on("GET", BLOB, () => CUT, 99);
      await assertRejects(() => contentOf(layer), NetworkError, "could not be resumed");
    } finally {
      await server.close();
    }
  });

  it("ends promptly when it is aborted", async () => {
    const registry = new FakeRegistry().on("GET", BLOB, () => STALL);
    addImage(registry, "app", { tag: "v1", layers: [CONTENT] });
    const server = await fakeServer(registry.handle);
    try {
      const puller = new Puller();
      const [layer] = await (await puller.image(parseReference(`${server.host}/app:v1`))).layers();
      const stop = new AbortController();
      const opening = layer.compressed({ signal: stop.signal });
      await until(() => server.requests.some(({ path }) => BLOB.test(path)));
      const reason = new Error("enough");
      stop.abort(reason);
      assertStrictEquals(await opening.catch((error) => error), reason);
      await until(() => server.requests.every(({ over }) => over));
    } finally {
      await server.close();
    }
  });
});
