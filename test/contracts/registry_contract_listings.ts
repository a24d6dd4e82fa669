import { beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Answer,
  assertRefused,
  CONFIG,
  digestOf,
  EMPTY_JSON,
  encode,
  IMAGE,
  INDEX,
  RegistryClient,
  type RegistryUnderTest,
} from "./registry_client.ts";

const SBOM = "application/vnd.example.sbom.v1";

/** What a registry lists (distribution-spec, "Content Discovery"; the catalog; Google's extension). */
export function listingContract(tested: () => RegistryUnderTest): void {
  let client: RegistryClient;
  beforeEach(() => {
    client = new RegistryClient(tested());
  });

  async function json(path: string, status = 200) {
    const answer = await client.send("GET", path);
    assertEquals(answer.status, status, answer.text);
    return JSON.parse(answer.text);
  }

  /** All pages of a list, as its links lead. */
  async function pages(path: string): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let next: string | undefined = path; next; next = nextOf(answers.at(-1)!)) {
      answers.push(await client.send("GET", next));
      assertEquals(answers.at(-1)!.status, 200);
    }
    return answers;
  }

  describe("tags", () => {
    const tags = ["1.0", "1.1", "A", "_x", "a", "b-1", "latest"];

    it("of a repository that nobody wrote to are unknown", async () => {
      assertRefused(await client.send("GET", "/v2/list/nowhere/tags/list"), 404, "NAME_UNKNOWN");
    });

    it("are listed in the order of their bytes", async () => {
      for (const tag of tags.toReversed()) await client.pushImage("list/tags", `of ${tag}`, tag);
      const list = await json("/v2/list/tags/tags/list");
      assertEquals([list.name, list.tags], ["list/tags", tags]);
    });

    it("are listed in pages", async () => {
      for (const tag of tags) await client.pushImage("list/pages", "one", tag);
      for (const n of [1, 2, 3, 6, 7, 8, 100]) {
        const answers = await pages(`/v2/list/pages/tags/list?n=${n}`);
        assertEquals(answers.length, Math.ceil(tags.length / n));
        const lists = answers.map((answer) => JSON.parse(answer.text).tags);
        assertEquals(lists.flat(), tags);
        for (const list of lists.slice(0, -1)) assertEquals(list.length, n);
      }
      assertEquals((await json("/v2/list/pages/tags/list?last=A")).tags, ["_x", "a", "b-1", "latest"]);
      assertEquals((await json("/v2/list/pages/tags/list?last=B&n=1")).tags, ["_x"]);
      assertEquals((await json("/v2/list/pages/tags/list?last=zzz&n=1")).tags, []);
      const none = await client.send("GET", "/v2/list/pages/tags/list?n=0");
      assertEquals([JSON.parse(none.text).tags, none.headers.get("Link")], [[], null]);
    });

    it("are not listed by a number that is none", async () => {
      await client.pushImage("list/pages", "one", "a");
      for (const n of ["-1", "x", "1.5", ""]) {
        assertRefused(await client.send("GET", `/v2/list/pages/tags/list?n=${n}`), 400, "UNSUPPORTED");
      }
    });

    it("of a repository that only has blobs are unknown", async () => {
      await client.pushBlob("list/blobs", "x");
      assertRefused(await client.send("GET", "/v2/list/blobs/tags/list"), 404, "NAME_UNKNOWN");
    });
  });

  describe("Google's list", () => {
    it("says all of the manifests, tagged or not", async () => {
      const before = Date.now();
      const config = await client.blob("google/one", CONFIG, JSON.stringify({ created: "2020-01-02T03:04:05.678Z" }));
      const layer = await client.blob("google/one", "application/vnd.oci.image.layer.v1.tar", "a layer");
      const base = { schemaVersion: 2, mediaType: IMAGE, config, layers: [layer] };
      const tagged = await client.pushManifest("google/one", base, "b");
      await client.pushManifest("google/one", base, "a");
      const untagged = await client.pushManifest("google/one", { ...base, layers: [layer, layer] });
      const artifact = await client.pushManifest("google/one", {
        ...base,
        config: await client.blob("google/one", EMPTY_JSON, "{}"),
      });
      const manifests = [tagged, untagged];
      const index = await client.pushManifest("google/one", { schemaVersion: 2, mediaType: INDEX, manifests }, "index");

      const list = await json("/v2/google/one/tags/list");
      assertEquals(Object.keys(list), ["child", "manifest", "name", "tags"]);
      assertEquals([list.child, list.name, list.tags], [[], "google/one", ["a", "b", "index"]]);
      const expected: Record<string, unknown> = {};
      const created = String(Date.UTC(2020, 0, 2, 3, 4, 5, 678));
      const facts: [digest: string, size: number, created: string, tag: string[], mediaType: string][] = [
        [tagged.digest, config.size + 7, created, ["a", "b"], IMAGE],
        [untagged.digest, config.size + 14, created, [], IMAGE],
        [artifact.digest, 9, "0", [], IMAGE],
        [index.digest, tagged.size + untagged.size, "0", ["index"], INDEX],
      ];
      for (const [digest, size, timeCreatedMs, tag, mediaType] of facts) {
        const { timeUploadedMs } = list.manifest[digest];
        assertMatch(timeUploadedMs, /^\d+$/);
        assertEquals(Number(timeUploadedMs) >= before && Number(timeUploadedMs) <= Date.now(), true);
        expected[digest] = { imageSizeBytes: String(size), layerId: "", mediaType, tag, timeCreatedMs, timeUploadedMs };
      }
      assertEquals(list.manifest, expected);
    });

    it("says the children of a repository, which need not hold anything itself", async () => {
      for (const name of ["g", "g/b", "g/b/d", "g-x", "g/a/c", "g/b-c"].map((name) => `google/${name}`)) {
        await client.pushImage(name, name, "v1");
      }
      assertEquals((await json("/v2/google/g/tags/list")).child, ["a", "b", "b-c"]);
      assertEquals((await json("/v2/google/g/b/tags/list")).child, ["d"]);
      assertEquals(await json("/v2/google/g/a/tags/list"), {
        child: ["c"],
        manifest: {},
        name: "google/g/a",
        tags: [],
      });
      const { digest } = await client.pushImage("google/g/a/c", "google/g/a/c");
      await client.send("DELETE", `/v2/google/g/a/c/manifests/${digest}`);
      assertRefused(await client.send("GET", "/v2/google/g/a/c/tags/list"), 404, "NAME_UNKNOWN");
    });

    it("has the manifests without a tag after the tags, in pages", async () => {
      await client.pushImage("google/moved", "old", "a");
      await client.pushImage("google/moved", "new", "a");
      await client.pushImage("google/moved", "new", "b");
      const expected = new Set<string>();
      for (let i = 0; i < 5; i++) expected.add((await client.pushImage("google/moved", `untagged ${i}`)).digest);
      expected.add((await client.pushImage("google/moved", "old")).digest);
      expected.add((await client.pushImage("google/moved", "gone", "gone")).digest);
      await client.send("DELETE", "/v2/google/moved/manifests/gone");
      const untaggedOf = ({ manifest }: { manifest: Record<string, { tag: string[] }> }) =>
        Object.entries(manifest).filter(([, { tag }]) => tag.length === 0).map(([digest]) => digest);
      for (const n of [1, 2, 3, 5, 7, 100]) {
        const parts = (await pages(`/v2/google/moved/tags/list?n=${n}`)).map((answer) => JSON.parse(answer.text));
        for (const part of parts) assert(part.tags.length + untaggedOf(part).length <= n);
        assertEquals(parts.flatMap((part) => part.tags), ["a", "b"]);
        assertEquals(parts.flatMap(untaggedOf), [...expected].sort());
      }
    });

    it("is whole when its pages are put together", async () => {
      const one = await client.pushImage("google/pages", "one", "a");
      await client.pushImage("google/pages", "one", "z");
      const two = await client.pushImage("google/pages", "two", "m");
      const untagged = await client.pushImage("google/pages", "three");
      await client.pushImage("google/pages/child", "four", "v1");
      const whole = await json("/v2/google/pages/tags/list");
      const parts = (await pages("/v2/google/pages/tags/list?n=1")).map((answer) => JSON.parse(answer.text));
      assertEquals(parts.flatMap((part) => part.child), ["child"]);
      assertEquals(parts.slice(0, 3).map((part) => Object.keys(part.manifest)), [
        [one.digest],
        [two.digest],
        [one.digest],
      ]);
      assertEquals(parts.slice(3).flatMap((part) => Object.keys(part.manifest)), [untagged.digest]);
      const joined: Record<string, { tag: string[] }> = {};
      for (const [digest, facts] of parts.flatMap((part) => Object.entries<{ tag: string[] }>(part.manifest))) {
        joined[digest] = { ...facts, tag: [...joined[digest]?.tag ?? [], ...facts.tag] };
      }
      assertEquals(joined, whole.manifest);
      assertEquals(parts.flatMap((part) => part.tags), whole.tags);
    });
  });

  describe("the catalog", () => {
    it("lists repositories in the order of their names", async () => {
      const names = ["cat", "cat-a", "cat.a", "cat/a", "cat/a-b/c", "cat/a/b", "cat/b", "cat0"];
      for (const name of names.toReversed()) await client.pushImage(name, name, "v1");
      const all: string[] = (await json("/v2/_catalog")).repositories;
      assertEquals(all, all.toSorted());
      assertEquals(all.filter((name) => name.startsWith("cat")), names);
      for (const n of [1, 2, 3, 5]) {
        const lists = (await pages(`/v2/_catalog?n=${n}`)).map((answer) => JSON.parse(answer.text).repositories);
        assertEquals(lists.flat(), all);
        for (const list of lists.slice(0, -1)) assertEquals(list.length, n);
      }
      for (const last of ["cat", "cat-a", "cat/", "cat/a", "cat/a-b", "cat/a/a", "cat/zzz", "zzz"]) {
        const after = await json(`/v2/_catalog?last=${encodeURIComponent(last)}`);
        assertEquals(after.repositories, all.filter((name) => name > last), last);
      }
      const none = await client.send("GET", "/v2/_catalog?n=0");
      assertEquals([JSON.parse(none.text), none.headers.get("Link")], [{ repositories: [] }, null]);
      assertRefused(await client.send("GET", "/v2/_catalog?n=-1"), 400, "UNSUPPORTED");
    });

    it("forgets a repository that holds nothing any more", async () => {
      const { digest } = await client.pushManifest("catalog/gone", { mediaType: "application/vnd.example+json" }, "a");
      assertEquals((await json("/v2/_catalog")).repositories.includes("catalog/gone"), true);
      await client.send("DELETE", `/v2/catalog/gone/manifests/${digest}`);
      assertEquals((await json("/v2/_catalog")).repositories.includes("catalog/gone"), false);
      assertRefused(await client.send("GET", "/v2/catalog/gone/tags/list"), 404, "NAME_UNKNOWN");
    });

    it("forgets an emptied repository at once, though it still has the blobs of its image", async () => {
      const { digest } = await client.pushImage("catalog/emptied", "image", "v1");
      await client.send("DELETE", `/v2/catalog/emptied/manifests/${digest}`);
      assertEquals((await json("/v2/_catalog")).repositories.includes("catalog/emptied"), false);
      assertRefused(await client.send("GET", "/v2/catalog/emptied/tags/list"), 404, "NAME_UNKNOWN");
      await client.pushImage("catalog/emptied", "image", "v2");
      assertEquals((await json("/v2/_catalog")).repositories.includes("catalog/emptied"), true);
    });
  });

  describe("referrers", () => {
    it("are none where nothing refers to a manifest, or there is none", async () => {
      const empty = { schemaVersion: 2, mediaType: INDEX, manifests: [] };
      const { digest } = await client.pushImage("referrers/none", "subject");
      for (const name of ["referrers/none", "referrers/nowhere"]) {
        assertEquals(await json(`/v2/${name}/referrers/${digest}`), empty);
      }
      const invalid = await client.send("GET", "/v2/referrers/none/referrers/sha256:zz");
      assertRefused(invalid, 400, "DIGEST_INVALID");
    });

    it("are listed with their types and annotations, and filtered by type", async () => {
      const name = "referrers/some";
      const subject = await client.pushImage(name, "subject", "v1");
      const config = await client.blob(name, EMPTY_JSON, "{}");
      const base = { schemaVersion: 2, mediaType: IMAGE, config, layers: [config], subject };
      const annotations = { "org.example.kind": "sbom" };
      const referrers = [
        { value: { ...base, artifactType: SBOM, annotations }, facts: { artifactType: SBOM, annotations } },
        { value: base, facts: { artifactType: EMPTY_JSON } },
        { value: { ...base, artifactType: "" }, facts: { artifactType: EMPTY_JSON } },
        { value: { ...base, annotations: { deep: [[]] } }, facts: { artifactType: EMPTY_JSON } },
        { value: { ...base, annotations: null }, facts: { artifactType: EMPTY_JSON } },
        { value: { schemaVersion: 2, mediaType: INDEX, manifests: [], subject }, facts: {} },
        {
          value: { schemaVersion: 2, mediaType: INDEX, artifactType: SBOM, manifests: [], subject, annotations },
          facts: { artifactType: SBOM, annotations },
        },
      ];
      const expected = [];
      for (const { value, facts } of referrers) {
        const bytes = encode(JSON.stringify(value));
        const answer = await client.send("PUT", `/v2/${name}/manifests/${digestOf(bytes)}`, {
          body: bytes,
          headers: { "Content-Type": value.mediaType },
        });
        assertEquals(answer.headers.get("OCI-Subject"), subject.digest);
        expected.push({ mediaType: value.mediaType, size: bytes.length, digest: digestOf(bytes), ...facts });
      }
      expected.sort((a, b) => a.digest < b.digest ? -1 : 1);

      const all = await client.send("GET", `/v2/${name}/referrers/${subject.digest}`);
      assertEquals(all.headers.get("Content-Type"), INDEX);
      assertEquals(all.headers.get("OCI-Filters-Applied"), null);
      assertEquals(JSON.parse(all.text), { schemaVersion: 2, mediaType: INDEX, manifests: expected });

      const query = `artifactType=${encodeURIComponent(SBOM)}`;
      const filtered = await client.send("GET", `/v2/${name}/referrers/${subject.digest}?${query}`);
      assertEquals(filtered.headers.get("OCI-Filters-Applied"), "artifactType");
      const sboms = expected.filter((referrer) => "artifactType" in referrer && referrer.artifactType === SBOM);
      assertEquals(JSON.parse(filtered.text).manifests, sboms);

      assertEquals((await json(`/v2/referrers/other/referrers/${subject.digest}`)).manifests, []);
    });

    it("come before and after their subject, and go", async () => {
      const name = "referrers/order";
      const subjectBytes = encode(JSON.stringify(await client.image(name, "late")));
      const subject = { mediaType: IMAGE, digest: digestOf(subjectBytes), size: subjectBytes.length };
      const value = await client.image(name, "early", { subject });
      const referrer = await client.pushManifest(name, value, "referrer");
      const list = async () =>
        (await json(`/v2/${name}/referrers/${subject.digest}`)).manifests.map((each: { digest: string }) =>
          each.digest
        );
      assertEquals(await list(), [referrer.digest]);
      await client.send("PUT", `/v2/${name}/manifests/late`, {
        body: subjectBytes,
        headers: { "Content-Type": IMAGE },
      });
      assertEquals(await list(), [referrer.digest]);
      await client.send("DELETE", `/v2/${name}/manifests/${subject.digest}`);
      assertEquals(await list(), [referrer.digest]);
      await client.send("DELETE", `/v2/${name}/manifests/${referrer.digest}`);
      assertEquals(await list(), []);
    });

    it("leave a tag of the fallback scheme alone", async () => {
      const { digest } = await client.pushImage("referrers/fallback", "subject");
      const tag = digest.replace(":", "-");
      const index = { schemaVersion: 2, mediaType: INDEX, manifests: [] };
      await client.pushManifest("referrers/fallback", index, tag);
      assertEquals(await json(`/v2/referrers/fallback/manifests/${tag}`), index);
    });
  });
}

function nextOf(answer: Answer): string | undefined {
  const link = answer.headers.get("Link");
  if (link === null) return undefined;
  assertMatch(link, /^<\/v2\/[^<>]*>; rel="next"$/);
  return link.slice(1, link.indexOf(">"));
}
