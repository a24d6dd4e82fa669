import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { listRepository, parseRoot, walkRepositories } from "../../gcr/mod.ts";
import * as crane from "../../src/crane/mod.ts";
import { NameError } from "../../src/errors.ts";
import {
  emptyImage,
  findManifests,
  randomImage,
  randomIndex,
  selectImage,
  validateImage,
} from "../../src/image/mod.ts";
import { openLayout } from "../../src/layout/mod.ts";
import { changeImage, extract, mapIndex } from "../../src/mutate/mod.ts";
import { parseDigest, parseReference, parseRegistry, parseRepository } from "../../src/name/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { Puller, Pusher } from "../../src/remote/mod.ts";
import { open } from "../../src/source/mod.ts";
import { parsePlatform } from "../../src/spec/mod.ts";

const NAME = "registry.example.com/app:v1";

// deno-lint-ignore no-explicit-any
const any = (value: unknown) => value as any;

/** A registry with an index for amd64 and arm64/v8 under a name. */
async function world() {
  const options = { fetch: createRegistry().fetch };
  const index = randomIndex({ seed: 1, size: 64, platforms: ["linux/amd64", "linux/arm64/v8"] });
  await new Pusher(options).push(NAME, index);
  return { options, index };
}

describe("a platform", () => {
  it("may be a string wherever one is taken", async () => {
    const { options, index } = await world();
    const architecture = async (platform: string) =>
      (await crane.configFile(NAME, { ...options, platform })).architecture;
    assertEquals([await architecture("linux/arm64"), await architecture("linux/arm64/v8")], ["arm64", "arm64"]);
    const arm64 = await (await selectImage(index, "linux/arm64")).digest();
    assertEquals(await new Puller(options).digest(NAME, { platform: "linux/arm64" }), arm64);
    assertEquals(await (await new Puller(options).image(NAME, { platform: "linux/arm64" })).digest(), arm64);
    assertEquals(await (await open(NAME, { ...options, platforms: ["linux/arm64"] })).digest(), arm64);
    assertEquals((await emptyImage({ platform: "linux/arm64" }).configFile()).architecture, "arm64");
    assertEquals((await randomImage({ platform: "linux/arm64", size: 64 }).configFile()).architecture, "arm64");
    assertEquals((await changeImage(emptyImage(), { platform: "linux/arm/v7" }).configFile()).variant, "v7");
  });

  it("of another kind is a TypeError that says what is wanted", async () => {
    const { options } = await world();
    for (const platform of [5, true, [], { arch: "arm64" }]) {
      const wrong = any({ ...options, platform });
      await assertRejects(() => crane.configFile(NAME, wrong), TypeError, "a platform, as linux/arm64 or");
    }
    assertThrows(() => parsePlatform(any(undefined)), TypeError, "is wanted here, not undefined");
  });
});

describe("a name", () => {
  it("may be a string or what its parser returned", async () => {
    const { options, index } = await world();
    const reference = parseReference(NAME);
    const digest = await index.digest();
    for (const name of [NAME, reference]) {
      assertEquals(await crane.digest(name, options), digest);
      assertEquals(await new Puller(options).digest(name), digest);
      assertEquals((await new Pusher(options).find(name))?.digest, digest);
      assertEquals((await open(name, options)).kind, "index");
    }
    for (const name of ["registry.example.com/app", reference.repository]) {
      assertEquals(await Array.fromAsync(new Puller(options).tags(name)), ["v1"]);
      assertEquals(await Array.fromAsync(crane.list(name, options)), ["v1"]);
      assertEquals((await listRepository(name, options)).tags, ["v1"]);
      assertEquals(parseRoot(name), reference.repository);
    }
    for (const name of ["registry.example.com", reference.registry]) {
      assertEquals(await Array.fromAsync(new Puller(options).catalog(name)), ["app"]);
      assertEquals(parseRoot(name), reference.registry);
    }
    assertEquals(parseReference(reference), reference);
    assertEquals((await new Puller(options).referrers(`registry.example.com/app@${digest}`)).kind, "index");
  });

  it("that is a string is read with the client's options", async () => {
    const seen: string[] = [];
    const { fetch } = createRegistry();
    const insecure = new Puller({
      insecure: true,
      fetch: (input, init) => {
        const url = `${input instanceof Request ? input.url : input}`;
        seen.push(new URL(url).protocol);
        return url.startsWith("https:") ? Promise.reject(new TypeError("no TLS")) : fetch(new Request(url, init));
      },
    });
    await assertRejects(() => insecure.head(NAME), Error, "404");
    assertEquals(seen.includes("http:"), true);
  });

  it("of another kind is a TypeError that says what is wanted", async () => {
    const puller = new Puller();
    const pusher = new Pusher();
    const repository = parseRepository("registry.example.com/app");
    const wanted = "a reference by tag or a reference by digest, as a string or parsed, is wanted here, not";
    for (const wrong of [undefined, null, 5, {}, new URL("https://example.com"), repository].map(any)) {
      const calls = [
        () => puller.get(wrong),
        () => puller.head(wrong),
        () => puller.image(wrong),
        () => puller.index(wrong),
        () => puller.digest(wrong),
        () => pusher.find(wrong),
        () => pusher.tag(wrong, "v2"),
        () => pusher.delete(wrong),
        () => pusher.put(wrong, { bytes: new Uint8Array(), mediaType: "a/b" }),
        () => crane.digest(wrong),
        () => crane.tag(wrong, "v2"),
        () => crane.push(emptyImage(), wrong),
      ];
      for (const call of calls) await assertRejects(call, TypeError, wanted);
    }
    await assertRejects(() => puller.layer(any(5)), TypeError, "a reference by digest, as a string");
    await assertRejects(() => puller.layer(NAME), NameError, "the digest is missing");
    await assertRejects(() => puller.referrers(any(parseReference(NAME))), TypeError, 'not an object of kind "tag"');
    await assertRejects(() => Array.fromAsync(puller.tags(any(5))), TypeError, "a repository, as a string");
    await assertRejects(() => Array.fromAsync(puller.catalog(any(repository))), TypeError, "a registry, as a string");
    await assertRejects(() => pusher.push(any({}), emptyImage()), TypeError, "not an object of class Object");
    await assertRejects(() => pusher.upload(any(5), any(5)), TypeError, "a repository, as a string");
    await assertRejects(() => pusher.checkPush(any(5)), TypeError, "a repository, as a string");
    await assertRejects(() => listRepository(any(5)), TypeError, "a repository, as a string");
    await assertRejects(() => Array.fromAsync(walkRepositories(any(5))), TypeError, "a registry or a repository");
    assertThrows(() => parseRegistry(any(5)), TypeError, "a registry, as a string or parsed, is wanted");
    assertThrows(() => parseDigest(any(parseReference(NAME))), TypeError, "a reference by digest");
  });
});

describe("Pusher.find", () => {
  it("reads the manifest where HEAD does not say what it is", async () => {
    const { options, index } = await world();
    for (const missing of ["content-type", "content-length", "docker-content-digest"]) {
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const request = new Request(input, init);
        const response = await options.fetch(request);
        if (request.method !== "HEAD" || !request.url.includes("/manifests/")) return response;
        const headers = new Headers(response.headers);
        headers.delete(missing);
        return new Response(null, { status: response.status, headers });
      };
      const found = await new Pusher({ fetch }).find(NAME);
      assertEquals(found, {
        mediaType: await index.mediaType(),
        digest: await index.digest(),
        size: await index.size(),
      });
      assertEquals(await new Pusher({ fetch }).find("registry.example.com/app:none"), undefined);
    }
  });
});

describe("a view", () => {
  it("of another kind is a TypeError that says what is wanted", async () => {
    const pusher = new Pusher();
    const image = any(Promise.resolve(emptyImage()));
    const hint = "not a promise: await it first";
    await assertRejects(() => pusher.push(NAME, image), TypeError, hint);
    await assertRejects(() => pusher.upload("registry.example.com/app", image), TypeError, hint);
    await assertRejects(() => crane.push(image, NAME), TypeError, hint);
    await assertRejects(() => open(image), TypeError, hint);
    await assertRejects(() => crane.copy(any(undefined), NAME), TypeError, 'a reference, { kind: "path", path }');
    await assertRejects(() => crane.flatten(any(5)), TypeError, "an image or an index is wanted here, not a number");
    await assertRejects(() => crane.diff(image, emptyImage()), TypeError, hint);
    await assertRejects(() => crane.diskUse(image), TypeError, hint);
    await assertRejects(() => validateImage(image), TypeError, hint);
    await assertRejects(() => selectImage(any(emptyImage()), "linux/amd64"), TypeError, "an index is wanted here, not");
    await assertRejects(() => findManifests(image, () => true), TypeError, hint);
    assertThrows(() => changeImage(image, { user: "a" }), TypeError, hint);
    assertThrows(() => mapIndex(any(emptyImage()), (image) => image), TypeError, "an index is wanted here, not");
    assertThrows(() => extract(image), TypeError, hint);
  });
});

describe("a path", () => {
  it("of another kind is a TypeError that says what is wanted", async () => {
    for (const wrong of [undefined, 5].map(any)) {
      await assertRejects(() => openLayout(wrong), TypeError, "a path is wanted here, not");
      await assertRejects(() => crane.saveLayout([], wrong), TypeError, "a path is wanted here, not");
    }
  });
});
