import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { basic, type Keychain } from "../../src/authn/mod.ts";
import { copy, copyRepository, digest, list, push, remove, tag, validate } from "../../src/crane/mod.ts";
import { ConflictError, HttpError } from "../../src/errors.ts";
import { randomImage, randomIndex } from "../../src/image/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { fakeFetch, FakeRegistry, utf8 } from "../fakes/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";

const [source, target] = ["registry.example.com/team/app", "registry.example.com/mirror/app"];
const arm64 = { os: "linux", architecture: "arm64" };
const index = randomIndex({ seed: 1, platforms: [{ os: "linux", architecture: "amd64" }, arm64] });
const [first, second] = [randomImage({ seed: 2 }), randomImage({ seed: 3 })];

describe("copy", () => {
  it("keeps the digest, and mounts what the registry holds", async () => {
    const { fetch, requests } = memoryRegistry();
    await push(index, `${source}:v1`, { fetch });
    requests.length = 0;
    await copy(`${source}:v1`, `${target}:v2`, { fetch });
    assertEquals(await digest(`${target}:v2`, { fetch }), await index.digest());
    await validate(`${target}:v2`, { fetch });
    assertEquals(requests.filter((request) => /^(PATCH|PUT) .*uploads/.test(request)), []);
    assertEquals(requests.filter((request) => request.includes("mount=")).length > 0, true);
  });

  it("copies one image of an index where a platform is given", async () => {
    const { fetch } = memoryRegistry();
    await push(index, `${source}:v1`, { fetch });
    await copy(`${source}:v1`, `${target}:v1`, { fetch, platform: arm64 });
    const [, child] = await index.children();
    assertEquals(await digest(`${target}:v1`, { fetch }), child.descriptor.digest);
  });

  it("asks for no layer that the destination has", async () => {
    const [from, to] = [memoryRegistry(), memoryRegistry()];
    const fetch: typeof globalThis.fetch = (input, init) =>
      (String(input instanceof Request ? input.url : input).includes("//other.") ? to : from).fetch(input, init);
    await push(first, `${source}:v1`, { fetch });
    await copy(`${source}:v1`, "other.example.com/app:v1", { fetch });
    assertEquals(from.requests.filter((request) => /^GET .*\/blobs\//.test(request)).length >= 2, true);
    from.requests.length = to.requests.length = 0;
    await copy(`${source}:v1`, "other.example.com/app:v2", { fetch });
    assertEquals(from.requests.filter((request) => /\/blobs\//.test(request)), []);
    assertEquals(to.requests.filter((request) => request.startsWith("POST ")), []);
  });

  it("with noClobber leaves what is there, and fails", async () => {
    const { fetch } = memoryRegistry();
    await push(first, `${source}:v1`, { fetch });
    await push(second, `${target}:v1`, { fetch });
    await assertRejects(
      () => copy(`${source}:v1`, `${target}:v1`, { fetch, noClobber: true }),
      ConflictError,
      `${target}:v1 exists already`,
    );
    assertEquals(await digest(`${target}:v1`, { fetch }), await second.digest());
    await copy(`${source}:v1`, `${target}:v2`, { fetch, noClobber: true });
    assertEquals(await digest(`${target}:v2`, { fetch }), await first.digest());
  });

  it("copies Docker's schema 1 as it is, with the layers that it names", async () => {
    const registry = new FakeRegistry();
    const { fetch } = fakeFetch({ "https://registry.example.com": registry.handle });
    const [one, two] = [registry.addBlob("team/app", utf8("one")), registry.addBlob("team/app", utf8("two"))];
    const bytes = utf8(
      JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum: one }, { blobSum: two }, { blobSum: one }] }),
    );
    registry.addManifest("team/app", { bytes, mediaType: MediaType.DockerManifestSchema1 }, "v1");
    await copy(`${source}:v1`, `${target}:v1`, { fetch });
    assertEquals([...registry.blobsOf("mirror/app").keys()].sort(), [one, two].sort());
    assertEquals(registry.manifestsOf("mirror/app").get("v1"), { bytes, mediaType: MediaType.DockerManifestSchema1 });
  });

  it("signs in to the source as somebody else where it is told so", async () => {
    const { fetch: open } = memoryRegistry();
    await push(first, `${source}:v1`, { fetch: open });
    const users: Record<string, string> = { team: "ann", mirror: "bob" };
    const fetch = ((input: string | URL | Request, init?: RequestInit) => {
      const team = new URL(input instanceof Request ? input.url : input).pathname.split("/")[2];
      const shown = new Headers(init?.headers).get("authorization");
      if (team && shown === `Basic ${btoa(`${users[team]}:p`)}`) return open(input, init);
      return Promise.resolve(new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } }));
    }) as typeof globalThis.fetch;
    const keychainOf = (user: string): Keychain => ({ resolve: () => Promise.resolve(basic(user, "p")) });
    const [sourceKeychain, keychain] = [keychainOf("ann"), keychainOf("bob")];
    const options = { fetch, keychain, sourceKeychain, noClobber: true };
    await copy(`${source}:v1`, `${target}:v1`, options);
    assertEquals(await digest(`${target}:v1`, { fetch, keychain }), await first.digest());
    await tag(`${source}:v1`, "v2", { fetch, keychain: sourceKeychain });
    await copyRepository(source, target, options);
    assertEquals(await digest(`${target}:v2`, { fetch, keychain }), await first.digest());
    await assertRejects(() => copy(`${source}:v1`, `${target}:v3`, { fetch, keychain }), HttpError, "401");
  });

  it("ends when it is aborted", async () => {
    const { fetch } = memoryRegistry();
    await push(first, `${source}:v1`, { fetch });
    const reason = new Error("enough");
    const error = await assertRejects(() =>
      copy(`${source}:v1`, `${target}:v1`, { fetch, signal: AbortSignal.abort(reason) })
    );
    assertEquals(error, reason);
  });
});

describe("copyRepository", () => {
  it("copies every tag, with noClobber those that are not there", async () => {
    const { fetch } = memoryRegistry();
    for (const name of ["v1", "v2", "v3", "v4", "v5"]) await push(first, `${source}:${name}`, { fetch });
    await push(second, `${target}:v3`, { fetch });
    await copyRepository(source, target, { fetch, noClobber: true });
    assertEquals((await Array.fromAsync(list(target, { fetch }))).length, 5);
    assertEquals(await digest(`${target}:v3`, { fetch }), await second.digest());
    await copyRepository(source, target, { fetch, tagJobs: 1 });
    assertEquals(await digest(`${target}:v3`, { fetch }), await first.digest());
  });

  it("stops at the first failure", async () => {
    const { fetch, requests } = memoryRegistry();
    for (const name of ["v1", "v2", "v3"]) await push(first, `${source}:${name}`, { fetch });
    const failing: typeof globalThis.fetch = (input, init) =>
      init?.method === "PUT" && String(input).includes("/manifests/v")
        ? Promise.resolve(Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 }))
        : fetch(input, init);
    requests.length = 0;
    const error = await assertRejects(() => copyRepository(source, target, { fetch: failing, tagJobs: 1 }), HttpError);
    assertEquals(error.status, 403);
    assertEquals(requests.filter((request) => /^GET .*team\/app\/manifests\//.test(request)).length, 1);
  });

  it("fails where there is no such repository, and makes none", async () => {
    const { fetch, requests } = memoryRegistry();
    const error = await assertRejects(() => copyRepository(source, target, { fetch }), HttpError);
    assertEquals([error.status, requests.filter((request) => request.startsWith("P"))], [404, []]);
  });
});

describe("tag and remove", () => {
  it("tag copies nothing but the manifest", async () => {
    const { fetch, requests } = memoryRegistry();
    await push(index, `${source}:v1`, { fetch });
    requests.length = 0;
    await tag(`${source}:v1`, "latest", { fetch });
    assertEquals(requests.filter((request) => !/^(GET|HEAD) /.test(request)), ["PUT /v2/team/app/manifests/latest"]);
    assertEquals(await digest(`${source}:latest`, { fetch }), await index.digest());
  });

  it("remove deletes a tag or a manifest", async () => {
    const { fetch } = memoryRegistry();
    await push(first, `${source}:v1`, { fetch });
    await tag(`${source}:v1`, "v2", { fetch });
    await remove(`${source}:v1`, { fetch });
    assertEquals(await Array.fromAsync(list(source, { fetch })), ["v2"]);
    await remove(`${source}@${await first.digest()}`, { fetch });
    await assertRejects(() => digest(`${source}:v2`, { fetch }), HttpError);
  });

  for (const [status, hinted] of [[405, true], [400, true], [404, false], [403, false]] as const) {
    it(`remove of a tag ${hinted ? "tells" : "does not tell"} of digests after ${status}`, async () => {
      const { fetch } = memoryRegistry();
      const refusing: typeof globalThis.fetch = (input, init) =>
        init?.method === "DELETE" ? Promise.resolve(new Response(null, { status })) : fetch(input, init);
      const error = await assertRejects(() => remove(`${source}:v1`, { fetch: refusing }), HttpError);
      assertEquals([error.status, /gcrane digest --full-ref/.test(error.hint ?? "")], [status, hinted]);
      const byDigest = `${source}@sha256:${"0".repeat(64)}`;
      const other = await assertRejects(() => remove(byDigest, { fetch: refusing }), HttpError);
      assertEquals(/gcrane digest --full-ref/.test(other.hint ?? ""), false);
    });
  }
});
