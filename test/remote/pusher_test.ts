import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError } from "../../src/errors.ts";
import { emptyImage, staticLayer } from "../../src/image/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Puller } from "../../src/remote/mod.ts";
import { digestOf, FakeRegistry, problem, STALL, utf8 } from "../fakes/mod.ts";
import { imageOf, watchedLayer } from "./pushing.ts";
import { annsKeychain } from "../make/connecting.ts";
import { addImage, at, lines, remoting, steps } from "../make/remoting.ts";
import { noise } from "../make/bytes.ts";
import { until } from "../make/waiting.ts";

const APP = parseRepository("registry.example.com/app");

describe("a push that is aborted", () => {
  it("ends with the signal's reason, leaves no request open and puts no manifest", async () => {
    const registry = new FakeRegistry().on("PATCH", /uploads/, () => STALL, 99);
    const remote = remoting(registry, { jobs: 3 });
    const layers = [1, 2, 3, 4, 5].map((seed) => watchedLayer(noise(100_000, seed)));
    const stop = new AbortController();
    const image = imageOf(...layers.map(({ layer }) => layer));
    const pushes = remote.pusher.pushMany([[at("app:v1"), image], [at("app:v2"), emptyImage()]], {
      signal: stop.signal,
    });
    await until(() => remote.requests.filter(({ method }) => method === "PATCH").length === 3);
    const reason = new Error("enough");
    stop.abort(reason);
    assertStrictEquals(await pushes.catch((error) => error), reason);
    await until(() => remote.requests.every(({ over }) => over) && layers.every(({ streams }) => streams.open === 0));
    assertEquals(registry.manifestsOf("app").has("v1"), false);
    assertEquals(layers.map(({ streams }) => streams.opened), [1, 1, 1, 0, 0]);
  });

  it("is not begun when the signal is set already", async () => {
    const remote = remoting(new FakeRegistry());
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => remote.pusher.push(at("app:v1"), emptyImage(), { signal }), Error, "enough");
    assertEquals(remote.requests, []);
  });
});

describe("Pusher.pushMany", () => {
  it("pushes several, and what they share once", async () => {
    const registry = new FakeRegistry();
    const shared = watchedLayer(noise(100_000));
    const own = watchedLayer(noise(100_000, 2));
    const remote = remoting(registry);
    const first = imageOf(shared.layer);
    const second = imageOf(shared.layer, own.layer);
    const digests = await remote.pusher.pushMany([[at("app:v1"), first], [at("app:v2"), second]]);
    assertEquals(digests, [await first.digest(), await second.digest()]);
    assertEquals([shared.streams.opened, own.streams.opened], [1, 1]);
  });

  it("fails with the first failure", async () => {
    const registry = new FakeRegistry().on("PUT", /manifests\/v1/, () => problem(403, "DENIED"));
    const pushes = [[at("app:v1"), emptyImage()], [at("app:v2"), emptyImage()]] as const;
    await assertRejects(() => remoting(registry).pusher.pushMany(pushes), HttpError, "DENIED");
  });
});

describe("Pusher", () => {
  it("uploads one blob and says what it was", async () => {
    const registry = new FakeRegistry();
    const remote = remoting(registry);
    const layer = await staticLayer(utf8("a blob"), "text/plain");
    assertEquals(await remote.pusher.upload(APP, layer), {
      mediaType: "text/plain",
      digest: digestOf(utf8("a blob")),
      size: 6,
    });
    assertEquals(steps(remote), [
      "HEAD /v2/app/blobs/D",
      "POST /v2/app/blobs/uploads/",
      "PUT /v2/app/blobs/uploads/S&digest=D",
    ]);
  });

  it("puts a manifest of any type, under a tag or its digest", async () => {
    const registry = new FakeRegistry();
    const { pusher } = remoting(registry);
    const bytes = utf8('{"any":"thing"}');
    const digest = await pusher.put(at("app:v1"), { bytes, mediaType: "application/vnd.any+json" });
    assertEquals(digest, digestOf(bytes));
    assertEquals(await pusher.put(at(`app@${digest}`), { bytes, mediaType: "x/y" }), digest);
    assertEquals(registry.manifestsOf("app").get("v1"), { bytes, mediaType: "application/vnd.any+json" });
    await assertRejects(
      () => pusher.put(at(`app@${digest}`), { bytes: utf8("{}"), mediaType: "x/y" }),
      HttpError,
      "DIGEST_INVALID",
    );
    await pusher.put(at("app:odd"), { bytes: utf8("not JSON"), mediaType: "x/y" });
  });

  it("tags what a reference names", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    await remote.pusher.tag(at("app:v1"), "v2");
    assertEquals(await remote.puller.head(at("app:v2")), descriptor);
    await assertRejects(() => remote.pusher.tag(at("app:none"), "v3"), HttpError, "MANIFEST_UNKNOWN");
  });

  it("deletes what a reference names", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    await remote.pusher.delete(at(`app@${descriptor.digest}`));
    const path = `/v2/app/manifests/${descriptor.digest}`;
    assertEquals(lines(remote), [`GET ${path}`, `DELETE ${path}`]);
    await assertRejects(() => remote.pusher.delete(at(`app@${descriptor.digest}`)), HttpError, "404");
  });

  it("checks whether it may push, and leaves nothing behind", async () => {
    const registry = new FakeRegistry();
    const remote = remoting(registry);
    await remote.pusher.checkPush(APP);
    assertEquals(steps(remote), ["POST /v2/app/blobs/uploads/", "DELETE /v2/app/blobs/uploads/S"]);
    assertEquals(registry.uploads.size, 0);
  });

  it("may push where an upload can't be given up", async () => {
    for (const answer of [() => problem(405, "NO"), () => problem(500, "NO"), () => "cut" as const]) {
      const registry = new FakeRegistry().on("DELETE", /uploads/, answer, 9);
      const remote = remoting(registry);
      await remote.pusher.checkPush(APP);
      assertEquals(remote.waits, []);
    }
  });

  it("may not push where no upload can be begun", async () => {
    const registry = new FakeRegistry().on("POST", /uploads/, () => problem(403, "DENIED"));
    await assertRejects(() => remoting(registry).pusher.checkPush(APP), HttpError, "403 Forbidden: DENIED");
  });

  it("speaks to every registry with its own credentials and connection", async () => {
    const [one, two] = [new FakeRegistry({ auth: "bearer" }), new FakeRegistry()];
    const remote = remoting({ "https://registry.example.com": one.handle, "https://two.example.com": two.handle }, {
      keychain: annsKeychain,
    });
    await remote.pusher.push(at("app:v1"), emptyImage());
    await remote.pusher.push(parseRepository("two.example.com/app").tag("v1"), emptyImage());
    const shown = remote.requests.filter(({ host, headers }) =>
      host === "two.example.com" && headers.has("authorization")
    );
    assertEquals(shown, []);
    assertEquals([one, two].map((registry) => registry.manifestsOf("app").has("v1")), [true, true]);
  });

  it("shares its connections with a puller", async () => {
    const remote = remoting(new FakeRegistry());
    const digest = await remote.pusher.push(at("app:v1"), emptyImage());
    assertEquals(await new Puller({ client: remote.pusher.client }).digest(at("app:v1")), digest);
    assertEquals(remote.requests.filter(({ path }) => path === "/v2/").length, 1);
  });
});
