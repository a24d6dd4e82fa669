import { assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { emptyImage, type Image, layerFromBytes, randomImage, staticLayer } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import { type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { hashHexDigits, MediaType } from "../../src/spec/mod.ts";
import { writeTarballFile } from "../../src/tarball/mod.ts";
import { push } from "../../src/crane/mod.ts";
import { inPlace, type Place } from "../make/process_place.ts";

let registry: RegistryServer;
let host: string;
before(async () => {
  registry = await serveRegistry();
  host = new URL(registry.url).host;
});
after(() => registry.shutdown());

const image = randomImage({ seed: 1, size: 100_000, layers: 2, compression: "gzip" });

async function tarball(place: Place): Promise<Uint8Array> {
  await writeTarballFile(place.path("whole.tar"), [{ reference: "app:v1", image }]);
  return readFileSync(place.path("whole.tar"));
}

describe("a reference", () => {
  for (
    const [typed, words] of [
      ["App", /can't parse "App": a repository can't have "A".* — write it in lower case: "app"/],
      ["app:", /can't parse "app:": /],
      ["app@sha256:abc", /can't parse "app@sha256:abc": /],
      ["app:v1:v2", /can't parse "app:v1:v2": /],
    ] as const
  ) {
    it(`that can't be parsed: ${typed}`, () => inPlace((place) => place.fails(`digest ${typed}`, words)));
  }

  it("to a repository or a tag that is not there", () =>
    inPlace(async (place) => {
      await push(image, `${host}/here:v1`);
      await place.fails(`digest ${host}/nowhere:v1`, /\/v2\/nowhere\/manifests\/v1: 404/);
      await place.fails(
        `pull ${host}/here:v2 app.tar`,
        /\/v2\/here\/manifests\/v2: 404 Not Found: MANIFEST_UNKNOWN.* — check the spelling/,
      );
      await place.fails(`ls ${host}/nowhere`, /\/v2\/nowhere\/tags\/list.*: 404 Not Found: NAME_UNKNOWN/);
    }));
});

describe("a tarball", () => {
  it("that is not there", () =>
    inPlace((place) =>
      place.fails(`push none.tar ${host}/a:v1`, /^Error: can't read none\.tar: no such file or directory\n/)
    ));

  for (
    const [what, content] of [["empty", ""], ["text", "no tarball\n".repeat(200)], [
      "zeros",
      new Uint8Array(10_240),
    ]] as const
  ) {
    it(`that is none: ${what}`, () =>
      inPlace(async (place) => {
        place.write("bad.tar", content);
        await place.fails(`push bad.tar ${host}/a:v1`, /bad\.tar/);
        await place.fails("export -", /standard input/, { input: content });
      }));
  }

  it("that is cut short, anywhere", () =>
    inPlace(async (place) => {
      const whole = await tarball(place);
      for (const length of [700, 60_000, whole.length - 3000]) {
        place.write("short.tar", whole.subarray(0, length));
        await place.fails(`push short.tar ${host}/short:v1`, /short\.tar/);
        const { code, out } = await place.gcrane("validate --tarball short.tar");
        assertEquals([code, out.startsWith("FAIL: short.tar: ")], [1, true]);
      }
      await place.fails(`digest ${host}/short:v1`, /404/);
    }));

  it("whose layer is damaged", () =>
    inPlace(async (place) => {
      const bytes = new Uint8Array(await tarball(place));
      const [layer] = await image.layers();
      const at = new TextDecoder("latin1").decode(bytes).indexOf(hashHexDigits(await layer.digest()));
      bytes[at + 512 + 5000] ^= 1;
      place.write("damaged.tar", bytes);
      await place.fails(`push damaged.tar ${host}/damaged:v1`, /damaged\.tar|sha256:/);
      await place.fails(`digest ${host}/damaged:v1`, /404/);
      const { code, out, err } = await place.gcrane("export - out.tar", { input: bytes });
      assertEquals([code, out, err.split("\n").length], [1, "", 2]);
      assertEquals(place.files().some((path) => path.endsWith("out.tar")), false);
    }));
});

describe("a layer", () => {
  /** Creates an image whose layer matches its digest but is not a compressed tar. */
  async function withLayer(content: Uint8Array<ArrayBuffer>, mediaType: string): Promise<Image> {
    return appendLayers(emptyImage(), [await staticLayer(content, mediaType)]);
  }

  it("that is not whole gzip", () =>
    inPlace(async (place) => {
      const gzip = gzipSync(new Uint8Array(100_000).fill(7));
      for (
        const [name, bytes] of [["cut", gzip.subarray(0, 60)], [
          "damaged",
          Uint8Array.from(gzip, (byte, i) => i === 50 ? byte ^ 0xff : byte),
        ]] as const
      ) {
        const base = await withLayer(new Uint8Array(gzip), MediaType.OciLayerGzip);
        const config = await base.rawConfigFile();
        const layer = await staticLayer(new Uint8Array(bytes), MediaType.OciLayerGzip);
        const manifest = { ...await base.manifest(), layers: [await layer.descriptor()] };
        await pushRaw(`${host}/gzip:${name}`, { config, layer: new Uint8Array(bytes), manifest });
        await place.fails(`export ${host}/gzip:${name} out.tar`, /gzip|corrupt|end/i);
        const { code, out } = await place.gcrane(`validate ${host}/gzip:${name}`);
        assertEquals([code, out.startsWith("FAIL: ")], [1, true]);
      }
    }));

  it("that is no tar", () =>
    inPlace(async (place) => {
      await push(
        appendLayers(emptyImage(), [await layerFromBytes(new TextEncoder().encode("no tar".repeat(500)))]),
        `${host}/notar:v1`,
      );
      await place.fails(`export ${host}/notar:v1 out.tar`, /tar|header|checksum/i);
      const { code, out } = await place.gcrane(`validate ${host}/notar:v1`);
      assertEquals([code, out.startsWith("FAIL: ")], [1, true]);
    }));
});

/** Pushes parts that no view would put together. */
async function pushRaw(
  reference: string,
  { config, layer, manifest }: { config: Uint8Array<ArrayBuffer>; layer: Uint8Array<ArrayBuffer>; manifest: object },
): Promise<void> {
  const [repository, tag] = [
    reference.slice(reference.indexOf("/") + 1, reference.lastIndexOf(":")),
    reference.slice(reference.lastIndexOf(":") + 1),
  ];
  for (const blob of [config, layer]) {
    const { descriptor } = { descriptor: await (await staticLayer(blob, "")).descriptor() };
    const answer = await fetch(`${registry.url}/v2/${repository}/blobs/uploads/?digest=${descriptor.digest}`, {
      method: "POST",
      body: blob,
    });
    await answer.body?.cancel();
    assertEquals(answer.status, 201);
  }
  const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": MediaType.OciManifest },
    body: JSON.stringify(manifest),
  });
  await answer.body?.cancel();
  assertEquals(answer.status, 201);
}

describe("a layout", () => {
  async function withLayout(work: (place: Place, blob: (digest: string) => string) => Promise<void>): Promise<void> {
    await inPlace(async (place) => {
      await (await createLayout(place.path("layout"))).appendImage(image);
      await work(place, (digest) => place.path(join("layout/blobs/sha256", digest.slice("sha256:".length))));
    });
  }

  it("without its parts is none", () =>
    withLayout(async (place) => {
      for (const file of ["layout/index.json", "layout/oci-layout"]) {
        rmSync(place.path(file));
        await place.fails(
          `push layout ${host}/layout:v1`,
          /layout is not an OCI image layout: it has no (index\.json|oci-layout)/,
        );
      }
    }));

  it("whose index is damaged", () =>
    withLayout(async (place) => {
      for (const content of ["", "{", "[]", '{"schemaVersion":2,"manifests":[{"digest":"sha256:abc"}]}']) {
        writeFileSync(place.path("layout/index.json"), content);
        await place.fails(`push layout ${host}/layout:v1`, /index\.json/);
        await place.fails("layout gc layout", /index\.json/);
      }
    }));

  it("whose blob is missing, cut short, damaged or a link", () =>
    withLayout(async (place, blob) => {
      const [layer] = await image.layers();
      const path = blob(await layer.digest());
      const whole = readFileSync(path);
      const ways: [string, () => void][] = [
        ["missing", () => rmSync(path)],
        ["short", () => writeFileSync(path, whole.subarray(0, 1000))],
        ["damaged", () => writeFileSync(path, Uint8Array.from(whole, (byte, i) => i === 1000 ? byte ^ 1 : byte))],
        ["a link", () => {
          rmSync(path);
          writeFileSync(place.path("elsewhere"), whole);
          symlinkSync(place.path("elsewhere"), path);
        }],
        ["a folder", () => {
          rmSync(path);
          mkdirSync(path);
        }],
      ];
      for (const [way, make] of ways) {
        make();
        const { code, out, err } = await place.gcrane(`push layout ${host}/blob:v1`);
        assertEquals([way, code, out], [way, 1, ""]);
        assertMatch(err, new RegExp(`^Error: [^\n]*${hashHexDigits(await layer.digest())}[^\n]*\n$`));
        rmSync(path, { recursive: true, force: true });
        writeFileSync(path, whole);
      }
      await place.fails(`digest ${host}/blob:v1`, /404/);
    }));

  it("whose manifest is another", () =>
    withLayout(async (place, blob) => {
      const path = blob(await image.digest());
      renameSync(path, `${path}.away`);
      writeFileSync(path, readFileSync(`${path}.away`, "utf8").replace("schemaVersion", "schemaversion"));
      await place.fails(`push layout ${host}/manifest:v1`, new RegExp(await image.digest()));
    }));
});
