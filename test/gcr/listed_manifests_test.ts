import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { listedManifests } from "../../gcr/internal.ts";
import { listRepository, type RepositoryListing } from "../../gcr/mod.ts";
import { HttpError, ProtocolError } from "../../src/errors.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Puller, type RemoteOptions } from "../../src/remote/mod.ts";
import { fakeFetch, FakeRegistry, json, problem } from "../fakes/mod.ts";

const host = "registry.example.com";
const repository = parseRepository(`${host}/team/app`);
const [a, b] = [`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`] as const;

async function listed(listing: RepositoryListing, options: RemoteOptions = {}) {
  return await Array.fromAsync(listedManifests(repository, listing, { puller: new Puller(options) }));
}

function bytesOf(text: string) {
  return new TextEncoder().encode(text);
}

describe("listedManifests", () => {
  it("reads Google's strings", async () => {
    const listing = {
      name: "team/app",
      tags: ["v2", "v1"],
      child: [],
      manifest: {
        [b]: {
          tag: ["v2", "v1"],
          mediaType: "x/y",
          imageSizeBytes: "12",
          timeCreatedMs: "1000",
          timeUploadedMs: "2000",
        },
        [a]: { timeCreatedMs: "-62135596800000", timeUploadedMs: "0", imageSizeBytes: "lots" },
      },
    };
    assertEquals(await listed(listing), [
      { digest: a, mediaType: "", tags: [] },
      { digest: b, mediaType: "x/y", tags: ["v1", "v2"], size: 12, uploaded: new Date(2000), created: new Date(1000) },
    ]);
  });

  it("asks what tags point at that Google's list gives to no manifest", async () => {
    const registry = new FakeRegistry();
    const digest = registry.addManifest("team/app", { bytes: bytesOf("{}"), mediaType: "x/y" }, "lost");
    const { fetch } = fakeFetch({ [`https://${host}`]: registry.handle });
    const listing = { name: "team/app", tags: ["v1", "lost"], child: [], manifest: { [digest]: { tag: ["v1"] } } };
    assertEquals(await listed(listing, { fetch }), [{ digest, mediaType: "", tags: ["lost", "v1"] }]);
  });

  it("asks once for each tag of a plain list, and gives each manifest once", async () => {
    const registry = new FakeRegistry();
    const one = registry.addManifest("team/app", { bytes: bytesOf('{"a":1}'), mediaType: "x/y" }, "v2");
    registry.addManifest("team/app", { bytes: bytesOf('{"a":1}'), mediaType: "x/y" }, "v1");
    const two = registry.addManifest("team/app", { bytes: bytesOf("{}"), mediaType: "x/z" }, "other");
    const { fetch, requests } = fakeFetch({ [`https://${host}`]: registry.handle });
    const expected = [{ digest: one, mediaType: "x/y", tags: ["v1", "v2"] }, {
      digest: two,
      mediaType: "x/z",
      tags: ["other"],
    }];
    const listing = await listRepository(repository, { fetch });
    assertEquals(await listed(listing, { fetch }), expected.toSorted((x, y) => x.digest < y.digest ? -1 : 1));
    assertEquals(requests.filter(({ method }) => method === "HEAD").length, 3);
  });

  it("leaves out a tag that has gone meanwhile, and fails for one that can't be read", async () => {
    const registry = new FakeRegistry();
    const digest = registry.addManifest("team/app", { bytes: bytesOf("{}"), mediaType: "x/y" }, "v1");
    const { fetch } = fakeFetch({ [`https://${host}`]: registry.handle });
    assertEquals(await listed({ name: "", tags: ["v1", "gone"] }, { fetch }), [{
      digest,
      mediaType: "x/y",
      tags: ["v1"],
    }]);
    registry.on("HEAD", /v1/, () => problem(403, "DENIED")).on("GET", /v1/, () => problem(403, "DENIED"));
    await assertRejects(() => listed({ name: "", tags: ["v1"] }, { fetch }), HttpError, "403");
  });

  it("refuses what is no digest", async () => {
    const manifest = { "sha256:short": {} };
    await assertRejects(() => listed({ name: "", tags: [], manifest }), ProtocolError, "sha256:short");
  });
});

describe("listRepository, of lists that may be cut", () => {
  /** A registry whose list has these pages; the page after a tag is found by `last`. */
  function paged(name: string, page: (last: string | null) => Record<string, unknown>) {
    return fakeFetch({
      [`https://${name}`]: ({ url }) =>
        url.pathname === "/v2/" ? json(200, {}) : json(200, { name: "a/b", ...page(url.searchParams.get("last")) }),
    });
  }
  const tags = (...names: string[]) => ({ tags: names });
  const app = (name: string) => parseRepository(`${name}/a/b`);

  it("looks behind a full page without a link", async () => {
    const complete = paged(host, (last) => tags(...last === null ? ["a", "b"] : []));
    assertEquals((await listRepository(app(host), { ...complete, pageSize: 2 })).tags, ["a", "b"]);
    const more = paged(host, (last) => tags(...last === null ? ["a", "b"] : last === "b" ? ["c"] : ["wrong"]));
    assertEquals((await listRepository(app(host), { ...more, pageSize: 2 })).tags, ["a", "b", "c"]);
    const short = paged(host, () => tags("a", "b", "c"));
    assertEquals((await listRepository(app(host), { ...short, pageSize: 2 })).tags, ["a", "b", "c"]);
    assertEquals(short.requests.length, 2);
  });

  it("fails where the page after a full one is the same again, or warns", async () => {
    const deaf = () => paged(host, () => tags("a", "b"));
    const error = await assertRejects(() => listRepository(app(host), { ...deaf(), pageSize: 2 }), ProtocolError);
    assertEquals(error.message.includes(`the list of ${host}/a/b ends at 2 entries`), true, error.message);
    const warnings: Error[] = [];
    const listing = await listRepository(app(host), {
      ...deaf(),
      pageSize: 2,
      onTruncated: (warning) => void warnings.push(warning),
    });
    assertEquals([listing.tags, warnings.length], [["a", "b"], 1]);
  });

  it("fails where Google gives as many manifests as were asked for, and no link", async () => {
    const manifest = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`sha256:${String(i).padStart(64, "0")}`, {}]),
    );
    const full = paged("gcr.io", () => ({ tags: ["a"], child: [], manifest }));
    await assertRejects(() => listRepository(app("gcr.io"), full), ProtocolError, "ends at 10000 entries");
    delete manifest[`sha256:${"0".repeat(64)}`];
    const listing = await listRepository(app("gcr.io"), paged("gcr.io", () => ({ tags: ["a"], child: [], manifest })));
    assertEquals(Object.keys(listing.manifest!).length, 9999);
  });

  it("joins the tags of a manifest that is on two pages, and refuses nonsense", async () => {
    const two = paged(host, (last) => ({
      tags: last === null ? ["v1"] : last === "v1" ? ["v2"] : [],
      manifest: last === null ? { [a]: { tag: ["v1"] } } : last === "v1" ? { [a]: { tag: ["v2"] } } : {},
    }));
    assertEquals((await listRepository(app(host), { ...two, pageSize: 1 })).manifest, { [a]: { tag: ["v1", "v2"] } });
    for (const info of [null, 7, { tag: "v1" }, { tag: [1] }]) {
      const odd = paged(host, () => ({ tags: [], manifest: { [a]: info } }));
      await assertRejects(() => listRepository(app(host), odd), ProtocolError, 'the answer is not a list: "manifest"');
    }
  });
});
