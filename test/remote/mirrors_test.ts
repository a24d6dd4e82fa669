import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import * as crane from "../../src/crane/mod.ts";
import { BlockedError, DigestMismatchError, HttpError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import type { Mirror, RegistryLookup, RegistrySettings } from "../../src/transport/mod.ts";
import { CUT, digestOf, type FakeHandler, type FakeNetwork, FakeRegistry } from "../fakes/mod.ts";
import { noise } from "../make/bytes.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, addIndex, at, contentOf, HOME, type Remoting, remoting } from "../make/remoting.ts";

const NAME = "registry.example.com";
const MIRROR = "https://mirror.example.com";

function lookup(mirrors: readonly Partial<Mirror>[], more: Partial<RegistrySettings> = {}): RegistryLookup {
  return (name) =>
    Promise.resolve({
      insecure: false,
      mirrors: !name.startsWith(`${NAME}/`) ? [] : mirrors.map((mirror) => ({
        host: "mirror.example.com",
        root: "/v2",
        repository: `cache/${name.slice(NAME.length + 1)}`,
        insecure: false,
        ...mirror,
      })),
      ...more,
    });
}

/** The requests to a host, without pings. */
function asked({ requests }: Remoting, host: string): string[] {
  return requests.filter((request) => request.host === host && request.path !== "/v2/")
    .map(({ method, path }) => `${method} ${path.replace(/sha256:[0-9a-f]{64}/, "D")}`);
}

const LAYERS = [noise(1000), noise(200_000, 2)];

/** A registry with an image, and a mirror with the same one below `cache/`. */
function both(): { home: FakeRegistry; mirror: FakeRegistry; network: FakeNetwork } {
  const [home, mirror] = [new FakeRegistry(), new FakeRegistry()];
  const { descriptor } = addImage(home, "app", { tag: "v1", layers: LAYERS });
  addIndex(home, "app", [{ ...descriptor, platform: { os: "linux", architecture: "amd64" } }], "all");
  addImage(mirror, "cache/app", { tag: "v1", layers: LAYERS });
  return { home, mirror, network: { [HOME]: home.handle, [MIRROR]: mirror.handle } };
}

async function pull(remote: Remoting, tag = "v1"): Promise<void> {
  const layers = await (await remote.puller.image(at(`app:${tag}`))).layers();
  for (const [i, layer] of layers.entries()) assertEquals(await contentOf(layer), LAYERS[i]);
}

describe("the mirrors of a repository", () => {
  it("serve blobs and manifests by digest; the registry itself decides the digest of a tag", async () => {
    const remote = remoting(both().network, { registries: lookup([{}]) });
    await pull(remote, "all");
    assertEquals(asked(remote, NAME), ["GET /v2/app/manifests/all"]);
    const blob = "GET /v2/cache/app/blobs/D";
    assertEquals(asked(remote, "mirror.example.com"), ["GET /v2/cache/app/manifests/D", blob, blob]);
    await remote.puller.digest(at("app:v1"));
    assertEquals(asked(remote, NAME).at(-1), "HEAD /v2/app/manifests/v1");
  });

  it("are not asked by digest either for what the registry has", async () => {
    const { network, home } = both();
    const digest = digestOf(home.manifests.get("app")!.get("v1")!.bytes);
    const remote = remoting(network, { registries: lookup([{}]) });
    await remote.puller.head(at(`app@${digest}`));
    await remote.pusher.push(at("copy:v1"), await remote.puller.image(at("app:v1")));
    assertEquals(asked(remote, "mirror.example.com").filter((line) => !/^GET .*\/blobs\/D$/.test(line)), []);
  });

  it("do not stand for what the registry lacks, when it is pushed there", async () => {
    const { network, home, mirror } = both();
    addImage(mirror, "cache/copy", { tag: "v1", layers: LAYERS });
    home.on("HEAD", /manifests/, () => ({ status: 500 }), 99);
    const remote = remoting(network, { registries: lookup([{}]) });
    const image = await remote.puller.image(at("app:v1"));
    await remote.pusher.push(at("copy:v1"), image);
    await remote.pusher.push(at(`copy@${await image.digest()}`), image);
    assertEquals(home.manifests.get("copy")?.has(await image.digest()), true);
    assertEquals(asked(remote, "mirror.example.com").filter((line) => line.includes("manifests")), []);
  });

  it("are never pushed to", async () => {
    const { network, mirror } = both();
    const remote = remoting(network, { registries: lookup([{}]) });
    await pull(remote);
    await remote.pusher.push(at("other:v1"), await randomImage());
    await remote.pusher.push(at("app:v2"), await randomImage());
    const methods = new Set(remote.requests.filter(({ host }) => host !== NAME).map(({ method }) => method));
    assertEquals([[...methods], [...mirror.blobs.keys()]], [["GET"], ["cache/app"]]);
  });

  it("are tried in turn, and the registry is the last", async () => {
    const cases: [string, FakeHandler | undefined][] = [
      ["one that is not there", undefined],
      ["one that lacks the content", new FakeRegistry().handle],
      ["one that fails", () => ({ status: 500 })],
      ["one that cuts", () => CUT],
      ["one that sends what it was not asked for", ({ url }) => ({
        status: 200,
        headers: { "content-type": "application/vnd.oci.image.index.v1+json" },
        body: url.pathname.includes("manifests") ? "{}" : LAYERS[0],
        ...(url.pathname.includes("blobs") && { status: 404 }),
      })],
    ];
    for (const [what, handler] of cases) {
      for (const mirrors of [[{ host: "bad.example.com" }], [{ host: "bad.example.com" }, {}]]) {
        const network = { ...both().network, ...(handler && { "https://bad.example.com": handler }) };
        const remote = remoting(network, { registries: lookup(mirrors) });
        await pull(remote, "all");
        const home = asked(remote, NAME).filter((line) => line.endsWith("D")).length;
        assertEquals(home, mirrors.length === 1 ? 3 : 0, what);
        assertEquals(remote.waits, [], what);
      }
    }
  });

  it("are asked once if they can't be reached", async () => {
    const events: string[] = [];
    const remote = remoting(both().network, {
      registries: lookup([{ host: "gone.example.com" }]),
      onRequest: ({ url }) => url.includes("gone") && events.push(url),
    });
    await pull(remote, "all");
    await pull(remote, "all");
    assertEquals(events, ["https://gone.example.com/v2/"]);
  });

  it("may break off: the registry continues", async () => {
    const { network, mirror } = both();
    mirror.on("GET", /blobs/, ({ url }) => {
      const body = LAYERS.find((layer) => url.pathname.endsWith(digestOf(layer)));
      return { status: 200, body, cutAfter: 500 };
    }, 9);
    const remote = remoting(network, { registries: lookup([{}]) });
    await pull(remote);
    assertEquals(asked(remote, NAME).filter((line) => line.includes("blobs")).length, 2);
  });

  it("are verified: a wrong blob is an error", async () => {
    const { network, mirror } = both();
    mirror.on("GET", /blobs/, () => ({ status: 200, body: noise(1000, 9) }), 9);
    const remote = remoting(network, { registries: lookup([{}]) });
    await assertRejects(() => pull(remote), DigestMismatchError);
  });

  it("have credentials, headers, a path and a query of their own", async () => {
    const mirror = new FakeRegistry({ auth: "basic" });
    addImage(mirror, "hub/app", { tag: "v1", layers: LAYERS });
    const registries = lookup([{ repository: "app", root: "/v2/hub", query: "ns=a.test", headers: { "x-key": "k" } }]);
    const seen: string[] = [];
    const keychain = {
      resolve: (target: { registry: string; repository?: string }) => {
        seen.push(`${target.registry} ${target.repository}`);
        return annsKeychain.resolve(target);
      },
    };
    const remote = remoting({ ...both().network, [MIRROR]: mirror.handle }, { registries, keychain });
    await pull(remote);
    const there = remote.requests.filter(({ host, path }) => host === "mirror.example.com" && path !== "/v2/");
    assertEquals(there.map(({ url, headers }) => [url.search, headers.get("x-key"), headers.has("authorization")]), [
      ["?ns=a.test", "k", true],
      ["?ns=a.test", "k", true],
    ]);
    assertEquals(there[0].url.pathname.startsWith("/v2/hub/app/blobs/sha256:"), true);
    assertEquals(seen.includes("mirror.example.com app"), true);
    assertEquals(remote.requests.some(({ host, headers }) => host === NAME && headers.has("x-key")), false);
  });
});

describe("the settings of a registry", () => {
  it("that block it end every request", async () => {
    const registries: RegistryLookup = (name) =>
      Promise.resolve({
        insecure: false,
        mirrors: [],
        ...(name.startsWith(`${NAME}/app`) && { blockedBy: "/etc/registries.conf" }),
      });
    const { network, home } = both();
    addImage(home, "open", { tag: "v1" });
    const remote = remoting(network, { registries });
    const image = await remote.puller.image(at("open:v1"));
    const before = remote.requests.length;
    const words = `${NAME}/app is blocked by /etc/registries.conf`;
    const options = { client: remote.puller.client };
    const works = [
      () => remote.puller.image(at("app:v1")),
      () => remote.pusher.push(at("app:v2"), image),
      () => remote.pusher.delete(at("app:v1")),
      () => Array.fromAsync(crane.list(`${NAME}/app`, options)),
      () => crane.copy(`${NAME}/app:v1`, `${NAME}/open:v2`, options),
    ];
    for (const work of works) {
      const error = await assertRejects(async () => void await work(), BlockedError, words);
      assertEquals(error.code, "REGISTRY_BLOCKED");
    }
    assertEquals(remote.requests.length, before);
  });

  it("that call it insecure let plain http be tried, for that repository alone", async () => {
    const home = new FakeRegistry();
    addImage(home, "app", { tag: "v1" });
    addImage(home, "other", { tag: "v1" });
    const registries = (name: string) => Promise.resolve({ insecure: name === `${NAME}/app`, mirrors: [] });
    const remote = remoting({ "http://registry.example.com": home.handle }, { registries });
    assertEquals((await remote.puller.head(at("app:v1"))).digest.startsWith("sha256:"), true);
    await assertRejects(() => remote.puller.head(at("other:v1")), Error, "does not resolve");
    await assertRejects(() => remote.puller.head(at("app:v2")), HttpError, "404");
  });
});
