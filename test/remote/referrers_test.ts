import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError, LimitError, ManifestError, ProtocolError } from "../../src/errors.ts";
import type { DigestReference } from "../../src/name/mod.ts";
import { referrersTag } from "../../src/remote/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { FakeRegistry, json, problem } from "../fakes/mod.ts";
import { addImage, addIndex, at, lines, type Remoting, remoting } from "../make/remoting.ts";
import { settled, until } from "../make/waiting.ts";

const SIGNATURE = "application/vnd.example.signature";
const SBOM = "application/vnd.example.sbom";

/** A manifest that refers to another, as bytes. */
function artifact(
  subject: Descriptor,
  artifactType: string,
  note = "",
): { bytes: Uint8Array<ArrayBuffer>; mediaType: string } {
  const config = { mediaType: MediaType.OciEmpty, digest: `sha256:${"0".repeat(64)}`, size: 2 };
  const annotations = { note };
  const mediaType = MediaType.OciManifest;
  const bytes = jsonBytes({ schemaVersion: 2, mediaType, artifactType, config, layers: [], subject, annotations });
  return { bytes, mediaType };
}

function digestReference(digest: Hash): DigestReference {
  return at(`app@${digest}`) as DigestReference;
}

async function push(remote: Remoting, manifest: ReturnType<typeof artifact>, tag: string): Promise<Hash> {
  return await remote.pusher.put(at(`app:${tag}`), manifest);
}

async function listed(remote: Remoting, digest: Hash, artifactType?: string): Promise<unknown[]> {
  const index = await remote.puller.referrers(digestReference(digest), { artifactType });
  return (await index.manifest()).manifests.map((it) => [it.digest, it.artifactType, it.annotations?.note]);
}

for (const referrers of [true, false]) {
  describe(`referrers, ${referrers ? "from the API" : "by the tag that stands in for it"}`, () => {
    it("are found after they were pushed, all or those of a type", async () => {
      const registry = new FakeRegistry({ referrers });
      const { descriptor } = addImage(registry, "app", { tag: "v1" });
      const remote = remoting(registry);
      assertEquals(await listed(remote, descriptor.digest), []);
      const one = await push(remote, artifact(descriptor, SIGNATURE, "one"), "s1");
      const two = await push(remote, artifact(descriptor, SBOM, "two"), "s2");
      assertEquals(await listed(remote, descriptor.digest), [[one, SIGNATURE, "one"], [two, SBOM, "two"]]);
      assertEquals(await listed(remote, descriptor.digest, SBOM), [[two, SBOM, "two"]]);
      assertEquals(await listed(remote, descriptor.digest, "x/y"), []);
      assertEquals(registry.manifestsOf("app").has(referrersTag(descriptor.digest)), !referrers);
    });

    it("can be opened", async () => {
      const registry = new FakeRegistry({ referrers });
      const { descriptor } = addImage(registry, "app", { tag: "v1" });
      const remote = remoting(registry);
      await push(remote, artifact(descriptor, SIGNATURE, "one"), "s1");
      const index = await remote.puller.referrers(digestReference(descriptor.digest));
      const [{ view }] = await index.children();
      assertEquals(view.kind === "image" && (await view.manifest()).subject, descriptor);
      assertEquals((await index.rawManifest()).length, await index.size());
    });
  });
}

describe("the referrers API", () => {
  it("is asked for one type where one is wanted", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    await listed(remote, descriptor.digest, SBOM);
    assertEquals(lines(remote), [
      `GET /v2/app/referrers/${descriptor.digest}?artifactType=${encodeURIComponent(SBOM)}`,
    ]);
  });

  it("may ignore the type that is wanted", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    await push(remote, artifact(descriptor, SIGNATURE), "s1");
    registry.on("GET", /referrers/, ({ url }, usual) => usual({ url: new URL(url.pathname, url) }));
    assertEquals(await listed(remote, descriptor.digest, SBOM), []);
  });

  it("is followed from page to page, but not round in circles", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    const headers = { "content-type": MediaType.OciImageIndex };
    const page = (digit: string, link?: string) => () => ({
      ...json(200, {
        schemaVersion: 2,
        manifests: [{ mediaType: "x/y", digest: `sha256:${digit.repeat(64)}`, size: 1 }],
      }),
      headers: link ? { ...headers, link } : headers,
    });
    registry.on("GET", /referrers/, page("a", '<?page=2>; rel="next"')).on("GET", /referrers.*page=2/, page("b"));
    assertEquals((await listed(remoting(registry), descriptor.digest)).length, 2);
    registry.on("GET", /referrers/, page("a", '<?page=2>; rel="next"')).on("GET", /page=2/, page("b", "<?page=2>"));
    await assertRejects(() => listed(remoting(registry), descriptor.digest), LimitError, "form a cycle");
  });

  it("fails where it answers with JSON that is no list of descriptors", async () => {
    const list = `GET https://registry.example.com/v2/app/referrers/sha256:`;
    const wrong: [type: string, body: string, why: string][] = [
      [MediaType.OciImageIndex, "{}", 'it has no "manifests"'],
      [MediaType.OciImageIndex, '{"manifests":{}}', '"manifests" is not a list of descriptors'],
      [MediaType.OciImageIndex, '{"manifests":[7]}', '"manifests" is not a list of descriptors'],
      [MediaType.OciImageIndex, '{"manifests":[', "it is not a JSON object"],
      [MediaType.OciImageIndex, "<html>", "it is not a JSON object"],
      [MediaType.OciImageIndex, '{"errors":[{"code":"DENIED"}]}', "it holds errors: DENIED"],
      ["application/json; charset=utf-8", '{"errors":[{"code":"DENIED"}]}', "it holds errors: DENIED"],
      ["application/json", '{"message":"try later"}', 'it has no "manifests"'],
    ];
    for (const [type, body, why] of wrong) {
      const registry = new FakeRegistry()
        .on("GET", /referrers/, () => ({ status: 200, headers: { "content-type": type }, body }));
      const { descriptor } = addImage(registry, "app");
      const error = await assertRejects(() => listed(remoting(registry), descriptor.digest), ProtocolError);
      assertEquals([error.message.startsWith(list), error.message.split(": ").slice(1).join(": ")], [
        true,
        `the answer is not a list: ${why}`,
      ]);
    }
    for (const status of [202, 204]) {
      const registry = new FakeRegistry().on("GET", /referrers/, () => ({ status }));
      const { descriptor } = addImage(registry, "app");
      await assertRejects(() => listed(remoting(registry), descriptor.digest), HttpError, `: ${status}`);
    }
  });

  it("is read whatever type of JSON it is said to be, and may be null", async () => {
    const found = { mediaType: "x/y", digest: `sha256:${"a".repeat(64)}`, size: 1 };
    for (const type of ["application/json", `${MediaType.OciImageIndex}; charset=utf-8`]) {
      for (const manifests of [[found], [], null]) {
        const body = JSON.stringify({ schemaVersion: 2, manifests });
        const registry = new FakeRegistry()
          .on("GET", /referrers/, () => ({ status: 200, headers: { "content-type": type }, body }));
        const { descriptor } = addImage(registry, "app");
        assertEquals((await listed(remoting(registry), descriptor.digest)).length, manifests?.length ?? 0);
      }
    }
  });

  it("fails where a further page does, or can't be known", async () => {
    const headers = { "content-type": MediaType.OciImageIndex };
    const first = (link: string) => () => ({
      ...json(200, { schemaVersion: 2, manifests: [] }),
      headers: { ...headers, link },
    });
    for (const status of [400, 404, 405, 406]) {
      const registry = new FakeRegistry()
        .on("GET", /referrers/, first('<?page=2>; rel="last next"')).on("GET", /page=2/, () => problem(status, "NO"));
      const { descriptor } = addImage(registry, "app");
      await assertRejects(() => listed(remoting(registry), descriptor.digest), HttpError, `${status}`);
    }
    const html = { status: 200, headers: { "content-type": "text/html" }, body: "<html>" };
    const registry = new FakeRegistry()
      .on("GET", /referrers/, first("<?page=2>")).on("GET", /page=2/, () => html);
    const { descriptor } = addImage(registry, "app");
    await assertRejects(() => listed(remoting(registry), descriptor.digest), ProtocolError, "not a list");
    registry.on("GET", /referrers/, first("?page=2; rel=next"));
    await assertRejects(() => listed(remoting(registry), descriptor.digest), ProtocolError, "the Link header");
  });

  it("is not there where it answers with something else", async () => {
    for (
      const answer of [
        problem(400, "NO"),
        problem(404, "NO"),
        problem(405, "NO"),
        problem(406, "NO"),
        { status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
      ]
    ) {
      const registry = new FakeRegistry().on("GET", /referrers/, () => answer);
      const { descriptor } = addImage(registry, "app");
      const found = addImage(registry, "app", { layers: [] }).descriptor;
      addIndex(registry, "app", [found], referrersTag(descriptor.digest));
      assertEquals((await listed(remoting(registry), descriptor.digest)).length, 1);
    }
  });

  it("may fail", async () => {
    const registry = new FakeRegistry().on("GET", /referrers/, () => problem(403, "DENIED"));
    const { descriptor } = addImage(registry, "app");
    await assertRejects(() => listed(remoting(registry), descriptor.digest), HttpError, "403");
  });
});

describe("the tag that stands in for the referrers API", () => {
  it("is made of the digest", () => {
    assertEquals(referrersTag(`sha256:${"a".repeat(64)}`), `sha256-${"a".repeat(64)}`);
    assertEquals(referrersTag(`sha512:${"a".repeat(128)}`).length, 128);
  });

  it("is not written to for a manifest without a subject, nor asked for", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const remote = remoting(registry);
    await remote.pusher.put(at("app:v1"), { bytes: jsonBytes({ schemaVersion: 2 }), mediaType: MediaType.OciManifest });
    assertEquals(lines(remote), ["PUT /v2/app/manifests/v1"]);
  });

  it("names each referrer once", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    await push(remote, artifact(descriptor, SIGNATURE), "s1");
    await push(remote, artifact(descriptor, SIGNATURE), "s2");
    assertEquals((await listed(remote, descriptor.digest)).length, 1);
  });

  it("loses none that are pushed at the same time", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    await Promise.all(
      Array.from({ length: 6 }, (_, i) => push(remote, artifact(descriptor, SIGNATURE, `${i}`), `s${i}`)),
    );
    assertEquals((await listed(remote, descriptor.digest)).length, 6);
  });

  it("is changed by one push at a time, also by one that begins when another is done", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    const late: Promise<Hash>[] = [];
    registry.on("PUT", /manifests\/sha256-/, (_, usual) => usual());
    registry.on("PUT", /manifests\/sha256-/, async (_, usual) => {
      // The first change is done, and the second has read the list and is about to write it.
      late.push(push(remote, artifact(descriptor, SIGNATURE, "late"), "late"));
      await until(() => registry.manifestsOf("app").has("late"));
      await settled();
      return await usual();
    });
    await Promise.all(["1", "2"].map((name) => push(remote, artifact(descriptor, SIGNATURE, name), name)));
    await Promise.all(late);
    assertEquals((await listed(remote, descriptor.digest)).length, 3);
  });

  it("is written although the one before could not be", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    registry.on("PUT", /manifests\/sha256-/, () => problem(403, "DENIED"));
    const remote = remoting(registry);
    const pushes = [
      push(remote, artifact(descriptor, SIGNATURE, "1"), "s1"),
      push(remote, artifact(descriptor, SIGNATURE, "2"), "s2"),
    ];
    const results = await Promise.allSettled(pushes);
    // The order of the two is undefined.
    assertEquals(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    assertEquals((await listed(remote, descriptor.digest)).length, 1);
  });

  it("lists nothing where it is an image, and is not replaced then", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const other = addImage(registry, "app", { tag: referrersTag(descriptor.digest), layers: [] }).descriptor;
    const remote = remoting(registry);
    assertEquals(await listed(remote, descriptor.digest), []);
    await assertRejects(
      () => push(remote, artifact(descriptor, SIGNATURE), "s1"),
      ManifestError,
      "where an index was expected",
    );
    assertEquals(
      (await remote.puller.get(at(`app:${referrersTag(descriptor.digest)}`))).descriptor.digest,
      other.digest,
    );
  });

  it("lists nothing where the registry takes it for the digest of the subject", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const index = addIndex(registry, "app", [descriptor]);
    const alias = /manifests\/sha256-/;
    registry.on(
      "GET",
      alias,
      (request, usual) => usual({ url: new URL(`${request.url}`.replace("manifests/sha256-", "manifests/sha256:")) }),
    );
    const remote = remoting(registry);
    assertEquals(await listed(remote, descriptor.digest), []);
    assertEquals(await listed(remote, index.digest), []);
    const signature = await push(remote, artifact(descriptor, SIGNATURE, "one"), "s1");
    registry.on("GET", alias, (_, usual) => usual());
    assertEquals(await listed(remote, descriptor.digest), [[signature, SIGNATURE, "one"]]);
  });

  it("is not asked for where the registry says that it has read the subject", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    await push(remote, artifact(descriptor, SIGNATURE), "s1");
    assertEquals(lines(remote), ["PUT /v2/app/manifests/s1"]);
  });

  it("is not written where the registry has the API after all", async () => {
    const registry = new FakeRegistry();
    const { descriptor } = addImage(registry, "app");
    registry.on("PUT", /manifests/, async (_, usual) => ({ ...await usual(), headers: {} }));
    const remote = remoting(registry);
    await push(remote, artifact(descriptor, SIGNATURE), "s1");
    assertEquals(registry.manifestsOf("app").has(referrersTag(descriptor.digest)), false);
  });

  it("loses what is deleted", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app");
    const remote = remoting(registry);
    const one = await push(remote, artifact(descriptor, SIGNATURE, "one"), "s1");
    const two = await push(remote, artifact(descriptor, SIGNATURE, "two"), "s2");
    await remote.pusher.delete(at(`app@${one}`));
    assertEquals(await listed(remote, descriptor.digest), [[two, SIGNATURE, "two"]]);
    await remote.pusher.delete(at(`app@${two}`));
    assertEquals(await listed(remote, descriptor.digest), []);
  });

  it("is not read for what refers to nothing, nor for a tag", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    const remote = remoting(registry);
    await remote.pusher.delete(at("app:v1"));
    assertEquals(lines(remote), ["DELETE /v2/app/manifests/v1"]);
    const again = remoting(registry);
    await again.pusher.delete(digestReference(descriptor.digest), { subject: null });
    assertEquals(lines(again), [`DELETE /v2/app/manifests/${descriptor.digest}`]);
  });

  it("does not keep a manifest that can't be read from being deleted", async () => {
    const registry = new FakeRegistry({ referrers: false });
    const { descriptor } = addImage(registry, "app", { tag: "v1" });
    registry.on("GET", /manifests/, () => problem(403, "DENIED"), 9);
    await remoting(registry).pusher.delete(digestReference(descriptor.digest));
    assertEquals(registry.manifestsOf("app").has(descriptor.digest), false);
  });
});
