import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { listingLines } from "../../gcr/internal.ts";
import { listRepository, type RepositoryListing } from "../../gcr/mod.ts";
import { push } from "../../src/crane/mod.ts";
import { LimitError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { fakeFetch, FakeRegistry, json } from "../fakes/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";

const repository = parseRepository("registry.example.com/team/app");
const digestTag = `sha256-${"a".repeat(64)}`;

describe("listRepository", () => {
  it("does not ask for full pages without end (rule 26)", { timeout: 60_000 }, async () => {
    let asked = 0;
    const { fetch } = fakeFetch({
      "https://registry.example.com": ({ url }) => {
        if (url.pathname === "/v2/") return json(200, {});
        asked++;
        return json(200, { tags: Array.from({ length: 100_000 }, (_, index) => `v${asked}.${index}`) });
      },
    });
    const error = await assertRejects(() => listRepository(repository, { fetch, pageSize: 100_000 }), LimitError);
    assertEquals(
      [error.message, asked],
      [`the tags and manifests in the list of ${repository}: more than the limit of 1000000`, 11],
    );
  });

  it("gives all that a registry of Google's kind says", async () => {
    const { fetch } = memoryRegistry();
    const image = randomImage({ seed: 1 });
    for (const name of ["app:v1", "app:v2", "app/web:v1", "app/a/b/c:v1"]) {
      await push(image, `registry.example.com/team/${name}`, { fetch });
    }
    const { name, tags, child, manifest } = await listRepository(repository, { fetch });
    assertEquals([name, tags.toSorted(), child], ["team/app", ["v1", "v2"], ["a", "web"]]);
    assertEquals(Object.keys(manifest!), [await image.digest()]);
    assertEquals(manifest![await image.digest()].tag?.toSorted(), ["v1", "v2"]);
  });

  it("joins pages, whatever is repeated in them", async () => {
    const manifest = (tag: string) => ({ [`sha256:${tag.repeat(64)}`]: { tag: [tag], imageSizeBytes: "1" } });
    const { fetch, requests } = fakeFetch({
      "https://registry.example.com": ({ url }) => {
        if (url.pathname === "/v2/") return json(200, {});
        if (url.searchParams.has("last")) {
          return json(200, { name: "team/app", tags: ["b"], child: ["x", "y"], manifest: manifest("b") });
        }
        const page = json(200, { name: "team/app", tags: ["a"], child: ["x"], manifest: manifest("a") });
        return { ...page, headers: { ...page.headers, link: '</v2/team/app/tags/list?n=1&last=a>; rel="next"' } };
      },
    });
    const listing = await listRepository(repository, { fetch });
    assertEquals([listing.tags, listing.child], [["a", "b"], ["x", "y"]]);
    assertEquals(Object.keys(listing.manifest!).length, 2);
    assertEquals(requests.filter(({ path }) => path.includes("tags/list")).length, 2);
  });

  it("gives the tags alone where a registry says no more", async () => {
    const registry = new FakeRegistry();
    registry.addManifest("team/app", { bytes: new TextEncoder().encode("{}"), mediaType: "" }, "v1");
    const { fetch } = fakeFetch({ "https://registry.example.com": registry.handle });
    assertEquals(await listRepository(repository, { fetch }), { name: "team/app", tags: ["v1"] });
  });

  it("asks Google for larger pages than others", async () => {
    for (
      const [host, size] of [["gcr.io", "10000"], ["eu.gcr.io", "10000"], ["us-docker.pkg.dev", "10000"], [
        "registry.example.com",
        "1000",
      ]]
    ) {
      const { fetch, requests } = fakeFetch({
        [`https://${host}`]: ({ url }) => json(200, url.pathname === "/v2/" ? {} : { name: "a/b", tags: [] }),
      });
      await listRepository(parseRepository(`${host}/a/b`), { fetch });
      const asked = requests.find(({ path }) => path.includes("tags/list"))!;
      assertEquals([host, asked.url.searchParams.get("n")], [host, size]);
    }
  });
});

describe("listingLines", () => {
  const google: RepositoryListing = {
    name: "team/app",
    tags: ["v2", "v1", digestTag],
    child: ["api", "web"],
    manifest: {
      "sha256:b": { tag: ["v2", "v1"] },
      "sha256:a": { tag: [digestTag] },
      "sha256:c": {},
    },
  };

  it("are the repositories below, then each digest and its tags, sorted", () => {
    assertEquals([...listingLines(repository, google)], [
      `${repository}/api`,
      `${repository}/web`,
      `${repository}@sha256:a`,
      `${repository}:${digestTag}`,
      `${repository}@sha256:b`,
      `${repository}:v1`,
      `${repository}:v2`,
      `${repository}@sha256:c`,
    ]);
  });

  it("are the tags alone of a plain listing, sorted, or with their repository", () => {
    const plain = { name: "team/app", tags: ["v2", "v1", digestTag] };
    assertEquals([...listingLines(repository, plain)], [digestTag, "v1", "v2"].map((tag) => `${repository}:${tag}`));
    assertEquals([...listingLines(repository, plain, { omitDigestTags: true })], [
      `${repository}:v1`,
      `${repository}:v2`,
    ]);
  });

  it("leave out tags that stand for referrers, and nothing that only looks like one", () => {
    const tags = [digestTag, `${digestTag}.sig`, `sha512-${"b".repeat(128)}`, "sha256-abc", `x-${digestTag}`];
    assertEquals([...listingLines(repository, { name: "", tags }, { omitDigestTags: true })], [
      `${repository}:sha256-abc`,
      `${repository}:x-${digestTag}`,
    ]);
    assertEquals(
      [...listingLines(repository, google, { omitDigestTags: true })].includes(`${repository}:${digestTag}`),
      false,
    );
  });
});
