import { beforeEach, describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  assertRefused,
  type Bytes,
  codes,
  digestOf,
  EMPTY_JSON,
  encode,
  IMAGE,
  INDEX,
  LAYER,
  location,
  RegistryClient,
  type RegistryUnderTest,
} from "./registry_client.ts";

const ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json";
const NON_DISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/** What a registry does with manifests (distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting …"). */
export function manifestContract(tested: () => RegistryUnderTest): void {
  let client: RegistryClient;
  beforeEach(() => {
    client = new RegistryClient(tested());
  });

  async function assertPulled(name: string, reference: string, bytes: Bytes, mediaType = IMAGE): Promise<void> {
    for (const method of ["GET", "HEAD"]) {
      const answer = await client.send(method, `/v2/${name}/manifests/${reference}`);
      assertEquals(answer.status, 200, answer.text);
      assertEquals(answer.headers.get("Content-Type"), mediaType);
      assertEquals(answer.headers.get("Content-Length"), String(bytes.length));
      const digest = digestOf(bytes, reference.startsWith("sha512:") ? "sha512" : "sha256");
      assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
      assertEquals(answer.bytes, method === "GET" ? bytes : new Uint8Array(0));
    }
  }

  async function put(name: string, reference: string, body: string | Bytes, contentType?: string) {
    const headers: Record<string, string> = contentType ? { "Content-Type": contentType } : {};
    return await client.send("PUT", `/v2/${name}/manifests/${reference}`, { body, headers });
  }

  describe("a manifest", () => {
    it("that was never pushed is unknown", async () => {
      for (const reference of ["missing", digestOf(encode("missing"))]) {
        assertEquals((await client.send("HEAD", `/v2/manifests/manifests/${reference}`)).status, 404);
        for (const method of ["GET", "DELETE"]) {
          const answer = await client.send(method, `/v2/manifests/manifests/${reference}`);
          assertRefused(answer, 404, "MANIFEST_UNKNOWN");
        }
      }
    });

    it("is pushed and pulled by tag and by digest, byte for byte", async () => {
      const value = await client.image("manifests", "spaces", { custom: { field: ["kept"] } });
      const bytes = encode(JSON.stringify(value, null, 3) + "\n");
      for (const reference of ["v1", digestOf(bytes), "A_very.long-Tag_".repeat(8)]) {
        const answer = await put("manifests", reference, bytes, IMAGE);
        assertEquals(answer.status, 201, answer.text);
        assertEquals(answer.headers.get("Docker-Content-Digest"), digestOf(bytes));
        assertEquals((await client.send("GET", location(answer))).bytes, bytes);
        await assertPulled("manifests", reference, bytes);
      }
      await assertPulled("manifests", digestOf(bytes), bytes);
      await assertPulled("manifests", digestOf(bytes).replace(":", "%3A"), bytes);
    });

    it("moves a tag to itself", async () => {
      const first = await client.pushImage("manifests", "first", "moving");
      const second = await client.pushImage("manifests", "second", "moving");
      const head = await client.send("HEAD", "/v2/manifests/manifests/moving");
      assertEquals(head.headers.get("Docker-Content-Digest"), second.digest);
      assertEquals((await client.send("GET", `/v2/manifests/manifests/${first.digest}`)).status, 200);
    });

    it("is pushed by digest with several tags", async () => {
      const bytes = encode(JSON.stringify(await client.image("manifests", "tags")));
      const tags = Array.from({ length: 12 }, (_, i) => `many-${i}`);
      const query = tags.map((tag) => `tag=${tag}`).join("&");
      for (const algorithm of ["sha512", "sha256"] as const) {
        const digest = digestOf(bytes, algorithm);
        const answer = await put("manifests", `${digest}?${query}`, bytes, IMAGE);
        assertEquals(answer.status, 201, answer.text);
        assertEquals(answer.headers.get("OCI-Tag"), tags.join(", "));
        for (const tag of tags) {
          const head = await client.send("HEAD", `/v2/manifests/manifests/${tag}`);
          assertEquals(head.headers.get("Docker-Content-Digest"), digest);
        }
      }
      assertRefused(await put("manifests", `${digestOf(bytes)}?tag=a&tag=..`, bytes, IMAGE), 400, "MANIFEST_INVALID");
    });

    it("has a digest by SHA-512", async () => {
      const bytes = encode(JSON.stringify(await client.image("manifests", "sha512")));
      const digest = digestOf(bytes, "sha512");
      assertEquals((await put("manifests", digest, bytes, IMAGE)).status, 201);
      await assertPulled("manifests", digest, bytes);
    });

    it("may be large", async () => {
      const annotations = Object.fromEntries(Array.from({ length: 410 }, (_, i) => [`large-${i}`, "A".repeat(10_000)]));
      const bytes = encode(JSON.stringify(await client.image("manifests", "large", { annotations })));
      assertEquals((await put("manifests", "large", bytes, IMAGE)).status, 201);
      await assertPulled("manifests", "large", bytes);
    });

    it("may be an index, of images and of indexes, and an empty one", async () => {
      const members = [await client.pushImage("manifests", "amd64"), await client.pushImage("manifests", "arm64")];
      const index = { schemaVersion: 2, mediaType: INDEX, manifests: members };
      const inner = await client.pushManifest("manifests", index, "index");
      const outer = { ...index, manifests: [inner, members[0]] };
      await client.pushManifest("manifests", outer, "outer");
      await client.pushManifest("manifests", { ...index, manifests: [] }, "empty");
      await assertPulled("manifests", "index", encode(JSON.stringify(index)), INDEX);
      await assertPulled("manifests", "outer", encode(JSON.stringify(outer)), INDEX);
    });

    it("may be an artifact, with or without layers, or have none", async () => {
      const config = { ...await client.blob("manifests", EMPTY_JSON, "{}"), data: "e30=" };
      const base = { schemaVersion: 2, mediaType: IMAGE, artifactType: "application/vnd.example+type", config };
      await client.pushManifest("manifests", { ...base, layers: [config] }, "artifact");
      await client.pushManifest("manifests", { ...base, layers: [] }, "no-layers");
      const blob = await client.blob("manifests", "application/vnd.example.data", "data");
      await client.pushManifest("manifests", { ...base, layers: [blob, blob] }, "blob-twice");
    });

    it("may be an artifact manifest of OCI's drafts, whose blobs must be there", async () => {
      const blob = await client.blob("manifests", "application/vnd.example.data", "data");
      const missing = { ...blob, digest: digestOf(encode("no such data")) };
      const subject = await client.pushImage("manifests", "subject");
      const artifact = { mediaType: ARTIFACT, artifactType: "application/vnd.example+type", blobs: [blob], subject };
      const pushed = await client.pushManifest("manifests", artifact, "artifact");
      await assertPulled("manifests", "artifact", encode(JSON.stringify(artifact)), ARTIFACT);
      const list = JSON.parse((await client.send("GET", "/v2/manifests/tags/list")).text);
      assertEquals(list.manifest[pushed.digest].imageSizeBytes, String(blob.size));
      const incomplete = JSON.stringify({ ...artifact, blobs: [blob, missing, missing] });
      const answer = await put("manifests", "incomplete", incomplete, ARTIFACT);
      assertRefused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
      assertEquals(JSON.parse(answer.text).errors[0].detail, { digest: missing.digest });
      assertEquals(codes(answer).length, 1);
      for (const blobs of ["none", [{}], [{ ...blob, size: -1 }]]) {
        const wrong = JSON.stringify({ ...artifact, blobs });
        assertRefused(await put("manifests", "wrong", wrong, ARTIFACT), 400, "MANIFEST_INVALID");
      }
    });

    it("may name layers that may not be pushed", async () => {
      const value = await client.image("manifests", "foreign");
      const foreign = { mediaType: NON_DISTRIBUTABLE, digest: digestOf(encode("windows")), size: 12345 };
      value.layers = [{ ...foreign, urls: ["https://store.example.com/layer"] }, ...value.layers as unknown[]];
      await client.pushManifest("manifests", value, "foreign");
    });

    it("may be of a type that nobody knows", async () => {
      const mediaType = "application/vnd.example.unknown.v1+json";
      const body = JSON.stringify({ anything: ["goes"] });
      assertEquals((await put("manifests", "unknown", body, mediaType)).status, 201);
      await assertPulled("manifests", "unknown", encode(body), mediaType);
    });

    it("is served as what it says it is, where the request does not say", async () => {
      const body = encode(JSON.stringify(await client.image("manifests", "untyped")));
      assertEquals((await put("manifests", "untyped", body)).status, 201);
      await assertPulled("manifests", "untyped", body);
      const plain: Record<string, unknown> = { ...await client.image("manifests", "untyped") };
      delete plain.mediaType;
      assertEquals((await put("manifests", "shape", JSON.stringify(plain))).status, 201);
      await assertPulled("manifests", "shape", encode(JSON.stringify(plain)));
      assertEquals((await put("manifests", "parameters", body, `${IMAGE}; charset=utf-8`)).status, 201);
      await assertPulled("manifests", "parameters", body);
    });

    it("is refused when it names blobs or manifests that are not there, all of which are told", async () => {
      const value = await client.image("manifests", "incomplete");
      const missing = ["a", "b"].map((seed) => ({ mediaType: LAYER, digest: digestOf(encode(`no ${seed}`)), size: 4 }));
      const image = JSON.stringify({ ...value, layers: [...value.layers as unknown[], ...missing] });
      const answer = await put("manifests", "incomplete", image, IMAGE);
      assertRefused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
      assertEquals(JSON.parse(answer.text).errors.map((error: { detail: unknown }) => error.detail), [
        { digest: missing[0].digest },
        { digest: missing[1].digest },
      ]);
      const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...missing[0], mediaType: IMAGE }] };
      assertEquals(codes(await put("manifests", "incomplete", JSON.stringify(index), INDEX)), [
        "MANIFEST_BLOB_UNKNOWN",
      ]);
      await client.pushBlob("other", "no a");
      assertEquals(codes(await put("manifests", "incomplete", JSON.stringify(index), INDEX)), [
        "MANIFEST_BLOB_UNKNOWN",
      ]);
      assertEquals((await client.send("HEAD", "/v2/manifests/manifests/incomplete")).status, 404);
    });

    it("of a build cache may name blobs as members of an index", async () => {
      const layer = await client.blob("manifests", LAYER, "cached");
      await client.pushManifest("manifests", { schemaVersion: 2, mediaType: INDEX, manifests: [layer] }, "cache");
    });

    it("is refused when it is not what it says", async () => {
      const image = await client.image("manifests", "wrong");
      const layer = (image.layers as unknown[])[0];
      const wrong: [value: unknown, contentType: string][] = [
        ["not an object", IMAGE],
        [[image], IMAGE],
        [image, INDEX],
        [{ ...image, mediaType: INDEX }, IMAGE],
        [{ ...image, manifests: [] }, IMAGE],
        [{ ...image, schemaVersion: 1 }, IMAGE],
        [{ ...image, config: undefined }, IMAGE],
        [{ ...image, layers: "none" }, IMAGE],
        [{ ...image, layers: [{ mediaType: LAYER, digest: "sha256:short", size: 3 }] }, IMAGE],
        [{ ...image, layers: [{ ...layer as object, size: -1 }] }, IMAGE],
        [{ ...image, subject: { digest: "nonsense" } }, IMAGE],
        [{ schemaVersion: 2, mediaType: INDEX, manifests: [], layers: [layer] }, INDEX],
        [{ schemaVersion: 2, mediaType: INDEX, manifests: [{}] }, INDEX],
        [{ mediaType: "text/html" }, "text/html"],
        [{ mediaType: "application/x\r\nSet-Cookie: a=b" }, ""],
        [{}, ""],
      ];
      for (const [value, contentType] of wrong) {
        const answer = await put("manifests", "wrong", JSON.stringify(value), contentType);
        assertRefused(answer, 400, "MANIFEST_INVALID");
      }
      for (const body of ["", "{", '{"schemaVersion":2', "\xff"]) {
        assertRefused(await put("manifests", "wrong", body, IMAGE), 400, "MANIFEST_INVALID");
      }
      assertEquals((await client.send("HEAD", "/v2/manifests/manifests/wrong")).status, 404);
    });

    it("is refused where its JSON is nested deeper than 1,000 levels, whatever its type", async () => {
      const image = JSON.stringify(await client.image("manifests", "deep"));
      const nested = (levels: number) =>
        image.replace("{", () => `{"extra":${"[".repeat(levels)}${"]".repeat(levels)},`);
      assertEquals((await put("manifests", "deep-enough", nested(999), IMAGE)).status, 201);
      for (const levels of [1_000, 4_000, 200_000]) {
        for (const type of [IMAGE, "application/vnd.example.unknown.v1+json"]) {
          const body = nested(levels).replaceAll(IMAGE, type);
          const answer = await put("manifests", "too-deep", body, type);
          assertRefused(answer, 400, "MANIFEST_INVALID");
          assertStringIncludes(answer.text, "nested deeper than 1000 levels");
        }
      }
      assertEquals((await client.send("HEAD", "/v2/manifests/manifests/too-deep")).status, 404);
    });

    it("is refused under a digest that is not its own, or none at all", async () => {
      const body = JSON.stringify(await client.image("manifests", "digests"));
      const other = digestOf(encode(body + " "));
      for (const reference of [other, digestOf(encode(body + " "), "sha512"), "sha256:baddigeststring", "md5:00"]) {
        assertRefused(await put("manifests", reference, body, IMAGE), 400, "DIGEST_INVALID");
        if (reference === other) continue;
        const answer = await client.send("GET", `/v2/manifests/manifests/${reference}`);
        assertEquals(answer.status, reference.startsWith("sha512:") ? 404 : 400);
      }
      assertEquals((await client.send("HEAD", `/v2/manifests/manifests/${other}`)).status, 404);
    });

    it("is refused under a tag that can't be one", async () => {
      const body = JSON.stringify(await client.image("manifests", "tag names"));
      for (const tag of [".hidden", "-dash", "x".repeat(129), "a%2fb", "a%20b", "ä", "%2e%2e%2fx"]) {
        assertRefused(await put("manifests", tag, body, IMAGE), 400, "MANIFEST_INVALID");
        assertRefused(await client.send("GET", `/v2/manifests/manifests/${tag}`), 404, "MANIFEST_UNKNOWN");
        assertRefused(await client.send("DELETE", `/v2/manifests/manifests/${tag}`), 404, "MANIFEST_UNKNOWN");
      }
    });

    it("is deleted with the tags that point at it", async () => {
      const { digest } = await client.pushImage("deleting", "one", "a");
      await client.pushImage("deleting", "one", "b");
      const other = await client.pushImage("deleting", "two", "c");
      assertEquals((await client.send("DELETE", `/v2/deleting/manifests/${digest}`)).status, 202);
      for (const reference of ["a", "b", digest]) {
        assertEquals((await client.send("HEAD", `/v2/deleting/manifests/${reference}`)).status, 404);
      }
      assertEquals(JSON.parse((await client.send("GET", "/v2/deleting/tags/list")).text).tags, ["c"]);
      assertEquals((await client.send("HEAD", `/v2/deleting/manifests/${other.digest}`)).status, 200);
      assertRefused(await client.send("DELETE", `/v2/deleting/manifests/${digest}`), 404, "MANIFEST_UNKNOWN");
      await client.pushImage("deleting", "one", "b");
      assertEquals(JSON.parse((await client.send("GET", "/v2/deleting/tags/list")).text).tags, ["b", "c"]);
    });

    it("stays when a tag is deleted", async () => {
      const { digest } = await client.pushImage("untagging", "one", "a");
      await client.pushImage("untagging", "one", "b");
      assertEquals((await client.send("DELETE", "/v2/untagging/manifests/a")).status, 202);
      assertRefused(await client.send("DELETE", "/v2/untagging/manifests/a"), 404, "MANIFEST_UNKNOWN");
      assertRefused(await client.send("GET", "/v2/untagging/manifests/a"), 404, "MANIFEST_UNKNOWN");
      for (const reference of ["b", digest]) {
        assertEquals((await client.send("HEAD", `/v2/untagging/manifests/${reference}`)).status, 200);
      }
    });
  });
}
