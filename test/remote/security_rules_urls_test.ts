import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { DigestMismatchError, HttpError, LimitError, UnsafeUrlError } from "../../src/errors.ts";
import type { Layer } from "../../src/image/mod.ts";
import { type DigestReference, parseReference, parseRegistry, parseRepository } from "../../src/name/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import {
  digestOf,
  type FakeAnswer,
  type FakeHandler,
  type FakeNetwork,
  FakeRegistry,
  json,
  problem,
} from "../fakes/mod.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, at, contentOf, HOME, remoting } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { watchedLayer } from "./pushing.ts";

// One suite for each row of the security rules that reading and writing keep; the others are in test/transport.

const CONTENT = noise(100_000, 6);
const APP = parseRepository("registry.example.com/app");

describe("security rule 3: an upload's Location", () => {
  it("never leads to another host that is private", async () => {
    for (
      const host of ["127.0.0.1:8080", "[::1]", "2130706433", "169.254.169.254", "[fd00::1]", "100.64.0.1", "localhost"]
    ) {
      for (const method of ["POST", "PATCH"]) {
        const location = `http://${host}/v2/app/blobs/uploads/x`;
        const registry = new FakeRegistry().on(method, /uploads/, async (request, usual) => ({
          ...await usual({ body: request.body }),
          headers: { location },
        }));
        const remote = remoting(registry);
        await assertRejects(() => remote.pusher.upload(APP, watchedLayer(CONTENT).layer), UnsafeUrlError, "address");
        assertEquals(new Set(remote.requests.map((request) => request.host)), new Set(["registry.example.com"]));
      }
    }
  });

  it("may lead to a private host that is allowed", async () => {
    const other = new FakeRegistry();
    const home = new FakeRegistry().on("POST", /uploads/, async (request) => {
      const { headers } = await other.handle(request) as FakeAnswer;
      return { status: 202, headers: { location: `https://10.0.0.1${(headers as { location: string }).location}` } };
    });
    const network = { [HOME]: home.handle, "https://10.0.0.1": other.handle };
    await remoting(network, { allowRedirects: ["10.0.0.1"] }).pusher.upload(APP, watchedLayer(CONTENT).layer);
    assertEquals(other.blobsOf("app").get(digestOf(CONTENT)), CONTENT);
  });

  it("may lead to another public host, which is shown no credentials", async () => {
    const [home, other] = [new FakeRegistry({ auth: "basic" }), new FakeRegistry()];
    home.on("POST", /uploads/, async ({ url }) => {
      const session = await other.handle({
        method: "POST",
        url,
        headers: new Headers(),
        body: new Blob([]).stream(),
        connection: 0,
      });
      const { location } = (session as FakeAnswer).headers as { location: string };
      return { status: 202, headers: { location: `https://uploads.example.com${location}` } };
    });
    const remote = remoting({ [HOME]: home.handle, "https://uploads.example.com": other.handle }, {
      keychain: annsKeychain,
    });
    await remote.pusher.upload(APP, watchedLayer(CONTENT).layer);
    assertEquals(other.blobsOf("app").get(digestOf(CONTENT)), CONTENT);
    const there = remote.requests.filter(({ host }) => host === "uploads.example.com");
    assertEquals(there.map(({ method, headers }) => [method, headers.has("authorization")]), [["PATCH", false], [
      "PUT",
      false,
    ]]);
  });

  it("is followed through ten redirects, with the body, and no more", async () => {
    for (const [count, accepted] of [[10, true], [11, false]] as const) {
      const registry = new FakeRegistry();
      registry.on("PATCH", /uploads/, async (request, usual) => {
        const step = Number(request.url.searchParams.get("step") ?? 0);
        if (step === count) return await usual({ body: request.body });
        const next = new URL(request.url);
        next.searchParams.set("step", String(step + 1));
        return { status: 307, headers: { location: next.href } };
      }, 99);
      const { pusher } = remoting(registry);
      const upload = pusher.upload(APP, watchedLayer(CONTENT).layer);
      if (accepted) await upload;
      else await assertRejects(() => upload, LimitError, "more than 10 redirects");
      assertEquals(registry.blobsOf("app").size, accepted ? 1 : 0);
    }
  });
});

describe("security rule 4: foreign layer URLs", () => {
  /** The only layer of an image, which its registry does not hold. */
  async function foreignLayer(
    urls: string[],
    network: FakeNetwork,
    name = "registry.example.com",
  ): Promise<{ layer: Layer; hosts: () => string[] }> {
    const registry = new FakeRegistry();
    addImage(registry, "app", {
      tag: "v1",
      layers: [CONTENT],
      change: (manifest) =>
        Object.assign((manifest.layers as object[])[0], { urls, mediaType: MediaType.DockerForeignLayer }),
    });
    registry.blobsOf("app").delete(digestOf(CONTENT));
    const origin = `${name.startsWith("10.") ? "http" : "https"}://${name}`;
    const remote = remoting({ [origin]: registry.handle, ...network }, { keychain: annsKeychain });
    const [layer] = await (await remote.puller.image(parseReference(`${name}/app:v1`))).layers();
    const hosts = () =>
      remote.requests.filter(({ host }) => host !== name).map(({ host, headers }) =>
        `${host}${headers.has("authorization") ? " !" : ""}`
      );
    return { layer, hosts };
  }
  const serving: FakeHandler = () => ({ status: 200, body: CONTENT });

  it("are tried in turn, after the registry, without credentials", async () => {
    const { layer, hosts } = await foreignLayer(
      ["not a url", "https://gone.example.com/l", "https://layers.example.com/l", "https://unasked.example.com/l"],
      { "https://gone.example.com": () => ({ status: 404 }), "https://layers.example.com": serving },
    );
    assertEquals(await contentOf(layer), CONTENT);
    assertEquals(hosts(), ["gone.example.com", "layers.example.com"]);
  });

  it("are https, unless the registry is http", async () => {
    const { layer, hosts } = await foreignLayer(["http://layers.example.com/l"], {
      "http://layers.example.com": serving,
    });
    await assertRejects(() => contentOf(layer), UnsafeUrlError, "not https");
    assertEquals(hosts(), []);
    const plain = await foreignLayer(
      ["http://layers.example.com/l"],
      { "http://layers.example.com": serving },
      "10.0.0.1:5000",
    );
    assertEquals(await contentOf(plain.layer), CONTENT);
  });

  it("are never private, not the registry's own host either", async () => {
    for (
      const url of [
        "https://10.0.0.1/l",
        "https://0x7f.1/l",
        "https://[::ffff:192.168.0.1]/l",
        "https://[64:ff9b::7f00:1]/l",
        "https://0/",
      ]
    ) {
      const { layer, hosts } = await foreignLayer([url], {});
      await assertRejects(() => contentOf(layer), UnsafeUrlError, "private");
      assertEquals(hosts(), []);
    }
    const own = await foreignLayer(["http://10.0.0.1:5000/l"], {}, "10.0.0.1:5000");
    await assertRejects(() => contentOf(own.layer), UnsafeUrlError, "private");
  });

  it("redirect under the same rule, at most ten times", async () => {
    for (
      const [location, words] of [["http://layers.example.com/x", "not https"], ["https://169.254.169.254/", "private"]]
    ) {
      const { layer, hosts } = await foreignLayer(["https://layers.example.com/l"], {
        "https://layers.example.com": () => ({ status: 302, headers: { location } }),
      });
      await assertRejects(() => contentOf(layer), UnsafeUrlError, words);
      assertEquals(hosts(), ["layers.example.com"]);
    }
    const { layer, hosts } = await foreignLayer(["https://layers.example.com/l"], {
      "https://layers.example.com": () => ({ status: 302, headers: { location: "/l" } }),
    });
    await assertRejects(() => contentOf(layer), LimitError, "more than 10 redirects");
    assertEquals(hosts().length, 11);
  });

  it("are verified, and resumed where they were cut", async () => {
    const evil = await foreignLayer(["https://layers.example.com/l"], {
      "https://layers.example.com": () => ({ status: 200, body: noise(100_000, 99) }),
    });
    await assertRejects(() => contentOf(evil.layer), DigestMismatchError);
    const cut = await foreignLayer(["https://layers.example.com/l"], {
      "https://layers.example.com": ({ headers }) => {
        const from = Number(/bytes=(\d+)/.exec(headers.get("range") ?? "")?.[1] ?? 0);
        return from === 0
          ? { status: 200, body: CONTENT, cutAfter: 30_000 }
          : { status: 206, headers: { "content-range": `bytes ${from}-99999/100000` }, body: CONTENT.slice(from) };
      },
    });
    assertEquals(await contentOf(cut.layer), CONTENT);
  });

  it("are not asked where the registry has the layer, or fails", async () => {
    const registry = new FakeRegistry();
    const change = (manifest: Record<string, unknown>) =>
      Object.assign((manifest.layers as object[])[0], { urls: ["https://layers.example.com/l"] });
    addImage(registry, "app", { tag: "v1", layers: [CONTENT], change });
    const remote = remoting(registry);
    const [layer] = await (await remote.puller.image(at("app:v1"))).layers();
    assertEquals(await contentOf(layer), CONTENT);
    registry.on("GET", /blobs/, () => problem(500, "BROKEN"), 9);
    await assertRejects(() => contentOf(layer), HttpError, "BROKEN");
  });
});

describe("security rule 6: pagination links", () => {
  const LINKS = [
    "http://registry.example.com/v2/_catalog?last=x",
    "https://evil.example.com/v2/_catalog?last=x",
    "//evil.example.com/x",
    "https://registry.example.com:8443/v2/_catalog",
    "https://registry.example.com@evil.example.com/",
    "https://10.0.0.1/",
    "file:///etc/passwd",
  ];

  it("never leave the registry's own scheme, host and port", async () => {
    for (const link of LINKS) {
      const headers = { link: `<${link}>; rel="next"`, "content-type": MediaType.OciImageIndex };
      const handler: FakeHandler = ({ url }) =>
        url.pathname === "/v2/"
          ? json(200, {})
          : { ...json(200, { tags: ["a"], repositories: ["a"], manifests: [] }), headers };
      const remote = remoting({ [HOME]: handler });
      const reads = [
        async () => await Array.fromAsync(remote.puller.tags(APP)),
        async () => await Array.fromAsync(remote.puller.catalog(parseRegistry("registry.example.com"))),
        () => remote.puller.referrers(at(`app@${digestOf(CONTENT)}`) as DigestReference),
      ];
      for (const read of reads) await assertRejects(read, UnsafeUrlError, "elsewhere");
      assertEquals(new Set(remote.requests.map(({ url }) => url.origin)), new Set([HOME]));
    }
  });

  it("are held against the scheme that the ping ended on", async () => {
    const handler: FakeHandler = ({ url }) =>
      url.search.includes("last")
        ? json(200, { tags: ["b"] })
        : { ...json(200, { tags: ["a"] }), headers: { link: "<http://10.0.0.1:5000/v2/app/tags/list?last=a>" } };
    const { puller } = remoting({ "http://10.0.0.1:5000": handler });
    assertEquals(await Array.fromAsync(puller.tags(parseRepository("10.0.0.1:5000/app"))), ["a", "b"]);
    const upgraded: FakeHandler = () => ({
      ...json(200, { tags: ["a"] }),
      headers: { link: "<https://10.0.0.1:5000/v2/app/tags/list?last=a>" },
    });
    const other = remoting({ "http://10.0.0.1:5000": upgraded });
    await assertRejects(() => Array.fromAsync(other.puller.tags(parseRepository("10.0.0.1:5000/app"))), UnsafeUrlError);
  });
});
