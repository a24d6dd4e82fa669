import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { basic } from "../../../src/authn/mod.ts";
import { basicAccess, createRegistry, tokenAccess } from "../../../src/registry/mod.ts";
import { assertRefused, digestOf, encode, IMAGE, INDEX } from "../../contracts/registry_client.ts";
import { base, cacheOf, HIT, MISS, Origin, STALE, status, untilKept } from "./caching.ts";

describe("a pull-through cache", () => {
  it("fetches what it does not have, once, and keeps it", async () => {
    const origin = new Origin();
    const image = await origin.client.image("team/app", "one");
    const { digest } = await origin.client.pushManifest("team/app", image, "v1");
    const layer = (image.layers as { digest: string }[])[0].digest;
    const { client, errors } = cacheOf(origin);
    for (const expected of [MISS, HIT]) {
      if (expected === HIT) {
        await untilKept(client, `/v2/team/app/blobs/${layer}`);
        origin.asked();
      }
      const byTag = await client.send("GET", "/v2/team/app/manifests/v1");
      assertEquals([byTag.status, byTag.headers.get("Content-Type"), status(byTag.headers)], [200, IMAGE, expected]);
      assertEquals(byTag.headers.get("Docker-Content-Digest"), digest);
      const blob = await client.send("GET", `/v2/team/app/blobs/${layer}`);
      assertEquals([blob.status, blob.text, status(blob.headers)], [200, "layer of one", expected]);
      assertEquals(status((await client.send("GET", `/v2/team/app/manifests/${digest}`)).headers), HIT);
      assertEquals(
        origin.asked(),
        expected === HIT ? [] : [
          "HEAD /v2/team/app/manifests/v1",
          `GET /v2/team/app/manifests/${digest}`,
          `HEAD /v2/team/app/blobs/${layer}`,
          `GET /v2/team/app/blobs/${layer}`,
        ],
      );
    }
    assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["team/app"]);
    assertEquals(errors, []);
  });

  it("refuses what the machine's settings block at its upstream", async () => {
    const origin = new Origin();
    const image = await origin.client.image("team/app", "one");
    await origin.client.pushManifest("team/app", image, "v1");
    origin.asked();
    const registries = (name: string) =>
      Promise.resolve({ insecure: false, mirrors: [], ...(name.endsWith("/team/app") && { blockedBy: "/conf" }) });
    const { client, errors } = cacheOf(origin, { proxy: { registries } });
    for (const path of ["manifests/v1", "tags/list"]) {
      assertRefused(await client.send("GET", `/v2/team/app/${path}`), 403, "DENIED");
    }
    assertEquals((await client.send("GET", "/v2/team/other/manifests/v1")).status, 404);
    assertEquals([origin.asked().some((line) => line.includes("team/app")), errors], [false, []]);
  });

  it("fetches and keeps manifests and blobs that are named by SHA-512", async () => {
    const origin = new Origin();
    const [config, layer] = [encode("{}"), encode("a layer")];
    const [configDigest, layerDigest] = [
      await origin.client.pushBlob("a", config, "sha512"),
      await origin.client.pushBlob("a", layer, "sha512"),
    ];
    const manifest = encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE,
      config: { mediaType: "application/x-config", digest: configDigest, size: config.length },
      layers: [{ mediaType: "application/x-layer", digest: layerDigest, size: layer.length }],
    }));
    const digest = digestOf(manifest, "sha512");
    const put = { body: manifest, headers: { "Content-Type": IMAGE } };
    assertEquals((await origin.client.send("PUT", `/v2/a/manifests/${digest}?tag=v1`, put)).status, 201);
    const { client, errors } = cacheOf(origin);
    const head = await client.send("HEAD", `/v2/a/blobs/${layerDigest}`);
    assertEquals([head.status, head.headers.get("Content-Length")], [200, String(layer.length)]);
    for (const expected of [MISS, HIT]) {
      for (const [reference, outcome] of [[digest, expected], ["v1", HIT]]) {
        const answer = await client.send("GET", `/v2/a/manifests/${reference}`);
        assertEquals([answer.status, answer.bytes, status(answer.headers)], [200, manifest, outcome]);
        assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
      }
      for (const [blob, bytes] of [[configDigest, config], [layerDigest, layer]] as const) {
        const answer = await client.send("GET", `/v2/a/blobs/${blob}`);
        assertEquals([answer.status, answer.bytes, status(answer.headers)], [200, bytes, expected]);
        await untilKept(client, `/v2/a/blobs/${blob}`);
      }
      assertEquals((await client.send("GET", `/v2/a/referrers/${digest}`)).status, 200);
    }
    assertEquals(errors, []);
  });

  it("answers HEAD and parts of what it does not have", async () => {
    const origin = new Origin();
    const digest = await origin.client.pushBlob("a", "0123456789");
    const { client } = cacheOf(origin);
    const head = await client.send("HEAD", `/v2/a/blobs/${digest}`);
    assertEquals([head.status, head.headers.get("Content-Length")], [200, "10"]);
    const part = await client.send("GET", `/v2/a/blobs/${digest}`, { headers: { Range: "bytes=3-5" } });
    assertEquals([part.status, part.text, part.headers.get("Content-Range")], [206, "345", "bytes 3-5/10"]);
    const none = await client.send("GET", `/v2/a/blobs/${digest}`, { headers: { Range: "bytes=20-" } });
    assertEquals(none.status, 416);
    const manifest = await origin.client.pushImage("a", "one", "v1");
    const asked = await client.send("HEAD", "/v2/a/manifests/v1");
    assertEquals([asked.status, asked.headers.get("Content-Length")], [200, String(manifest.size)]);
  });

  it("asks anew where a tag points when its time is over, by a HEAD alone if it has not moved", async () => {
    let now = 1_000_000;
    const origin = new Origin();
    await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin, { clock: () => now, proxy: { ttl: 60 } });
    const digestOfTag = async () =>
      (await client.send("GET", "/v2/a/manifests/v1")).headers.get("Docker-Content-Digest");
    const first = await digestOfTag();
    origin.asked();
    now += 59_999;
    assertEquals([await digestOfTag(), origin.asked()], [first, []]);
    now += 1;
    assertEquals([await digestOfTag(), origin.asked()], [first, ["HEAD /v2/a/manifests/v1"]]);
    assertEquals([await digestOfTag(), origin.asked()], [first, []]);
    const second = await origin.client.pushImage("a", "two", "v1");
    now += 60_000;
    assertEquals(await digestOfTag(), second.digest);
    assertEquals(origin.asked(), ["HEAD /v2/a/manifests/v1", `GET /v2/a/manifests/${second.digest}`]);
    await origin.client.pushImage("a", "one", "v1"); // back to what is kept already
    now += 60_000;
    assertEquals([await digestOfTag(), origin.asked()], [first, ["HEAD /v2/a/manifests/v1"]]);
    await origin.client.send("DELETE", "/v2/a/manifests/v1");
    now += 60_000;
    assertRefused(await client.send("GET", "/v2/a/manifests/v1"), 404, "MANIFEST_UNKNOWN");
    assertEquals((await client.send("GET", `/v2/a/manifests/${first}`)).status, 200); // what has a digest stays
  });

  it("serves what it has while the upstream is down, and says so", async () => {
    let now = 1_000_000;
    const origin = new Origin();
    const image = await origin.client.pushImage("a", "one", "v1");
    await origin.client.pushManifest("a", { ...await origin.client.image("a", "of it"), subject: image }, "sbom");
    const { client } = cacheOf(origin, { clock: () => now });
    await client.send("GET", "/v2/a/manifests/v1");
    await client.send("GET", "/v2/a/manifests/sbom");
    const faults: (() => Response | Promise<Response>)[] = [
      () => Promise.reject(new TypeError("fetch failed")),
      () => new Response("", { status: 503 }),
      () => new Response("", { status: 429, headers: { "Retry-After": "0" } }),
    ];
    for (const fault of faults) {
      origin.fault = fault;
      now += 1_000_000;
      for (const path of ["manifests/v1", "tags/list", `referrers/${image.digest}`]) {
        const answer = await client.send("GET", `/v2/a/${path}`);
        assertEquals([answer.status, status(answer.headers)], [200, STALE], path);
        assertEquals(answer.headers.get("Warning"), '110 gcrane "Response is Stale"');
      }
      assertEquals(JSON.parse((await client.send("GET", "/v2/a/tags/list")).text).tags, ["sbom", "v1"]);
      assertEquals(JSON.parse((await client.send("GET", `/v2/a/referrers/${image.digest}`)).text).manifests.length, 1);
      const byDigest = await client.send("GET", `/v2/a/manifests/${image.digest}`);
      assertEquals(status(byDigest.headers), HIT);
    }
    // The upstream is not requested for a while, so that no client waits for it.
    origin.asked();
    await client.send("GET", "/v2/a/manifests/v1");
    assertEquals(origin.asked(), []);
    origin.fault = undefined;
    now += 5_000;
    assertEquals(status((await client.send("GET", "/v2/a/manifests/v1")).headers), HIT);
    assertEquals(origin.asked(), ["HEAD /v2/a/manifests/v1"]);
  });

  it("tells what went wrong at the upstream where it has nothing", async () => {
    const origin = new Origin();
    const { client, errors } = cacheOf(origin, { proxy: { upstream: "https://origin.example.com/" } });
    const digest = digestOf(encode("x"));
    const paths: [path: string, code: string][] = [
      ["manifests/v1", "MANIFEST_UNKNOWN"],
      [`manifests/${digest}`, "MANIFEST_UNKNOWN"],
      [`blobs/${digest}`, "BLOB_UNKNOWN"],
      ["tags/list", "NAME_UNKNOWN"],
    ];
    for (const [path, code] of paths) assertRefused(await client.send("GET", `/v2/a/${path}`), 404, code);
    assertEquals((await client.send("HEAD", `/v2/a/blobs/${digest}`)).status, 404);
    origin.asked();
    assertRefused(await client.send("GET", "/v2/a/manifests/..%2fx"), 404, "MANIFEST_UNKNOWN");
    assertEquals(origin.asked(), []);
    const answers: [status: number, expected: number, code: string][] = [
      [401, 403, "DENIED"],
      [403, 403, "DENIED"],
      [429, 429, "TOOMANYREQUESTS"],
      [500, 502, "UNKNOWN"],
      [418, 502, "UNKNOWN"],
    ];
    for (const [given, expected, code] of answers) {
      origin.fault = () => new Response("secret of the upstream", { status: given, headers: { "Retry-After": "0" } });
      for (const [path] of paths) {
        const answer = await client.send("GET", `/v2/a/${path}`);
        assertRefused(answer, expected, code);
        assertEquals(answer.text.includes("secret"), false);
      }
    }
    assertEquals(errors.length, 8); // 500 and 418 are reported
  });

  it("takes nothing", async () => {
    const { client } = cacheOf(new Origin());
    const digest = digestOf(encode("x"));
    for (const [method, path] of [["POST", "blobs/uploads/"], ["PUT", "manifests/v1"], ["DELETE", `blobs/${digest}`]]) {
      const answer = await client.send(method, `/v2/a/${path}`);
      assertRefused(answer, 405, "UNSUPPORTED");
      assertMatch(answer.text, /a cache of another one: nothing can be pushed to it or deleted from it/);
    }
  });

  it("lists tags and referrers as the upstream does, page by page", async () => {
    const origin = new Origin();
    for (const tag of ["a", "b", "c"]) await origin.client.pushImage("deep/er", "one", tag);
    const { client } = cacheOf(origin);
    const first = await client.send("GET", "/v2/deep/er/tags/list?n=2");
    assertEquals(JSON.parse(first.text), { name: "deep/er", tags: ["a", "b"] });
    const link = first.headers.get("Link")!;
    assertMatch(link, /^<\/v2\/deep\/er\/tags\/list\?[^<>]*>; rel="next"$/);
    const second = await client.send("GET", link.slice(1, link.indexOf(">")));
    assertEquals([JSON.parse(second.text).tags, second.headers.get("Link")], [["c"], null]);
    const subject = await origin.client.pushImage("deep/er", "one");
    const sbom = { ...await origin.client.image("deep/er", "x"), artifactType: "application/x.sbom", subject };
    await origin.client.pushManifest("deep/er", sbom);
    const path = `/v2/deep/er/referrers/${subject.digest}`;
    for (const [query, count] of [["", 1], ["?artifactType=application/x.sbom", 1], ["?artifactType=other/x", 0]]) {
      const answer = await client.send("GET", `${path}${query}`);
      assertEquals([answer.headers.get("Content-Type"), JSON.parse(answer.text).manifests.length], [INDEX, count]);
      assertEquals(answer.headers.get("OCI-Filters-Applied"), query === "" ? null : "artifactType");
    }
  });

  it("takes no answer of the upstream for a list of tags that is none, or that may be a part", async () => {
    const origin = new Origin();
    const { client } = cacheOf(origin);
    const tags = async (page: unknown, link?: string) => {
      origin.fault = () => Response.json(page, { headers: link === undefined ? {} : { Link: link } });
      return await client.send("GET", "/v2/a/tags/list");
    };
    for (const page of [{}, { tags: "v1" }, { tags: ["a", 7] }, { errors: [{ code: "DENIED" }] }, []]) {
      assertRefused(await tags(page), 502, "UNKNOWN");
    }
    for (
      const link of ["/v2/a/tags/list?last=a; rel=next", "</v2/a/tags/list?last=a; rel=next", '<?last=a>; rel="next']
    ) {
      assertRefused(await tags({ tags: ["a"] }, link), 502, "UNKNOWN");
    }
    assertEquals(JSON.parse((await tags({ tags: null })).text).tags, []);
    const next = await tags({ tags: ["a"] }, '</v2/a/tags/list?last=0>; rel="prev", <?last=a&n=1>; rel="last next"');
    assertEquals(next.headers.get("Link"), '</v2/a/tags/list?last=a&n=1>; rel="next"');
    assertEquals((await tags({ tags: ["a"] }, '</v2/a/tags/list?last=0>; rel="prev"')).headers.get("Link"), null);
    // The format of the upstream's page links does not matter.
    const page = (await tags({ tags: ["a"] }, "<?next_page=x%2Fy>; rel=next")).headers.get("Link")!;
    origin.asked();
    await client.send("GET", page.slice(1, page.indexOf(">")));
    assertEquals(origin.asked(), ["GET /v2/a/tags/list?next_page=x%2Fy"]);
  });

  it("knows Docker Hub's library by its short names too", async () => {
    for (const upstream of ["docker.io", "https://registry-1.docker.io", "https://index.docker.io/"]) {
      const origin = new Origin();
      await origin.client.pushImage("library/alpine", "one", "3");
      const { client } = cacheOf(origin, { proxy: { upstream } });
      assertEquals(status((await client.send("GET", "/v2/alpine/manifests/3")).headers), MISS);
      assertEquals(status((await client.send("GET", "/v2/library/alpine/manifests/3")).headers), HIT);
      assertEquals(JSON.parse((await client.send("GET", "/v2/_catalog")).text).repositories, ["library/alpine"]);
    }
  });

  it("shows its own credentials to the upstream, and asks its clients for theirs", async () => {
    const origin = new Origin({ access: tokenAccess({ users: { robot: "upstream" } }) });
    const seen: string[] = [];
    const fetch = ((input: string, init: RequestInit) => {
      const header = new Headers(init.headers).get("Authorization");
      if (header) seen.push(header);
      return origin.fetch(input, init);
    }) as typeof globalThis.fetch;
    const owner = createRegistry({
      access: basicAccess({ users: { ann: "1" } }),
      proxy: {
        upstream: "origin.example.com",
        fetch,
        keychain: { resolve: () => Promise.resolve(basic("robot", "upstream")) },
      },
    });
    const path = `${base}/v2/a/tags/list`;
    assertEquals((await owner.fetch(path)).status, 401);
    assertEquals(origin.asked(), []);
    const headers = { Authorization: `Basic ${btoa("ann:1")}` };
    assertEquals((await owner.fetch(path, { headers })).status, 404);
    assertEquals(seen.length > 0 && !seen.includes(headers.Authorization), true);
    const nobody = cacheOf(origin);
    assertRefused(await nobody.client.send("GET", "/v2/a/tags/list"), 403, "DENIED");
  });
});

describe("a pull-through cache: manifests", () => {
  it("are fetched once for all who wait", async () => {
    const origin = new Origin();
    await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.send("GET", "/v2/a/manifests/v1")));
    assertEquals(new Set(answers.map((answer) => answer.status)), new Set([200]));
    assertEquals(origin.asked().length, 2);
  });

  it("that are not what their digest says are not served, nor what a browser would run", async () => {
    const origin = new Origin();
    const { digest } = await origin.client.pushImage("a", "one", "v1");
    const { client } = cacheOf(origin);
    const bodies: [body: string, type: string][] = [["{}", IMAGE], ["<html></html>", "text/html"]];
    for (const [body, type] of bodies) {
      origin.fault = () => new Response(body, { headers: { "Content-Type": type, "Docker-Content-Digest": digest } });
      assertRefused(await client.send("GET", `/v2/a/manifests/${digest}`), 502, "UNKNOWN");
    }
    const html = encode("<script>alert(1)</script>");
    origin.fault = () => new Response(html, { headers: { "Content-Type": "text/html" } });
    assertRefused(await client.send("GET", `/v2/a/manifests/${digestOf(html)}`), 502, "UNKNOWN");
    origin.fault = undefined;
    assertEquals((await client.send("GET", `/v2/a/manifests/${digest}`)).status, 200);
  });
});
