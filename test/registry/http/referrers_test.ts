import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { parseRepository } from "../../../src/name/mod.ts";
import { createRegistry } from "../../../src/registry/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { cacheOf, Origin } from "../cache/caching.ts";
import { assertRefused, EMPTY_JSON, IMAGE, RegistryClient } from "../../contracts/registry_client.ts";

const SBOM = "application/vnd.example.sbom+json";
const base = "http://registry.example.com";

interface List {
  readonly manifests: readonly { readonly digest: string; readonly artifactType: string }[];
}

/** Reads all pages of a list, each of which is below 4 MB. */
async function pagesOf(client: RegistryClient, path: string): Promise<List[]> {
  const pages: List[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const answer = await client.send("GET", next);
    assertEquals(answer.status, 200, answer.text.slice(0, 300));
    assert(answer.bytes.length < 4_000_000, `a page has ${answer.bytes.length} bytes`);
    pages.push(JSON.parse(answer.text));
    next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("Link") ?? "")?.[1];
  }
  return pages;
}

describe("a long list of referrers", () => {
  it("comes in pages below 4 MB, which together are the whole", { timeout: 120_000 }, async () => {
    const upstream = createRegistry();
    const client = new RegistryClient({ fetch: upstream.fetch, base });
    const subject = await client.pushImage("app", "subject", "v1");
    const config = await client.blob("app", EMPTY_JSON, "{}");
    const digests: string[] = [];
    for (let i = 0; i < 12; i++) {
      const { digest } = await client.pushManifest("app", {
        schemaVersion: 2,
        mediaType: IMAGE,
        artifactType: i % 2 === 0 ? SBOM : "application/vnd.example.other",
        config,
        layers: [config],
        subject,
        annotations: { number: String(i), long: "x".repeat(800_000) },
      });
      digests.push(digest);
    }
    const cache = createRegistry({
      proxy: { upstream: "registry.example.com", fetch: upstream.fetch as typeof fetch },
    });
    for (const fetch of [upstream.fetch, cache.fetch]) {
      const client = new RegistryClient({ fetch, base });
      const path = `/v2/app/referrers/${subject.digest}`;
      const pages = await pagesOf(client, path);
      assertEquals(pages.map(({ manifests }) => manifests.length), [4, 4, 4]);
      assertEquals(pages.flatMap(({ manifests }) => manifests.map(({ digest }) => digest)), digests.toSorted());

      const filtered = await pagesOf(client, `${path}?artifactType=${encodeURIComponent(SBOM.toUpperCase())}`);
      assertEquals(filtered.map(({ manifests }) => manifests.length), [4, 2]);
      for (const { artifactType } of filtered.flatMap(({ manifests }) => manifests)) assertEquals(artifactType, SBOM);
      assertRefused(await client.send("GET", `${path}?last=zz`), 400, "DIGEST_INVALID");
    }
    const puller = new Puller({ fetch: upstream.fetch as typeof fetch });
    const reference = parseRepository("registry.example.com/app").digest(subject.digest);
    const index = JSON.parse(new TextDecoder().decode(await (await puller.referrers(reference)).rawManifest()));
    assertEquals(index.manifests.length, 12);
  });

  it("is passed on by a cache page by page", async () => {
    const origin = new Origin();
    const { client: upstream } = origin;
    const subject = await upstream.pushImage("app", "subject", "v1");
    for (let i = 0; i < 5; i++) {
      await upstream.pushManifest("app", {
        ...await upstream.image("app", `referrer ${i}`, { subject }),
        annotations: { long: "x".repeat(1_500_000) },
      });
    }
    const client = cacheOf(origin).client;
    const path = `/v2/app/referrers/${subject.digest}`;
    const whole = await pagesOf(upstream, path);
    origin.asked();
    assertEquals(await pagesOf(client, path), whole);
    assertEquals(whole.map(({ manifests }) => manifests.length), [2, 2, 1]);
    const cursors = whole.slice(0, 2).map(({ manifests }) => `?last=${encodeURIComponent(manifests[1].digest)}`);
    assertEquals(origin.asked(), ["", ...cursors].map((cursor) => `GET ${path}${cursor}`));
  });
});

describe("many referrers", () => {
  it("come in pages of a thousand", { timeout: 60_000 }, async () => {
    const client = new RegistryClient({ fetch: createRegistry().fetch, base });
    const subject = await client.pushImage("app", "subject", "v1");
    const image = await client.image("app", "referrer", { subject });
    const digests: string[] = [];
    for (let i = 0; i < 1001; i++) {
      digests.push((await client.pushManifest("app", { ...image, annotations: { number: String(i) } })).digest);
    }
    const pages = await pagesOf(client, `/v2/app/referrers/${subject.digest}`);
    assertEquals(pages.map(({ manifests }) => manifests.length), [1000, 1]);
    assertEquals(pages.flatMap(({ manifests }) => manifests.map(({ digest }) => digest)), digests.toSorted());
  });
});
