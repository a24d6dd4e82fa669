import { assertEquals, assertMatch } from "@std/assert";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { emptyImage, emptyIndex, randomImage, randomIndex } from "../../../src/image/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import type { Bytes, ByteStream } from "../../../src/runtime/mod.ts";
import { MediaType } from "../../../src/spec/mod.ts";
import { readTar, writeTar } from "../../../src/tar/mod.ts";
import { imageFromTarball, tarballFile } from "../../../src/tarball/mod.ts";
import { digestOf } from "../../fakes/mod.ts";
import { DEFAULT_PLATFORM_NOTE, inWorld, type World } from "../../make/command_world.ts";

const [base, site] = ["registry.example.com/base:v1", "registry.example.com/site:v1"];

async function tarOf(files: Record<string, string>): Promise<Bytes> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) }));
  return new Uint8Array(await new Response(writeTar(entries)).arrayBuffer());
}

interface Manifest {
  mediaType: string;
  config: { mediaType: string; digest: string };
  layers: { mediaType: string; digest: string; size: number }[];
  annotations?: Record<string, string>;
}

async function manifestOf(world: World, reference: string): Promise<Manifest> {
  return JSON.parse(await world.data(`manifest ${reference}`));
}

/** The paths in a layer, counted from the top. */
async function pathsIn(world: World, reference: string, fromTop = 0): Promise<string[]> {
  const { layers } = await manifestOf(world, reference);
  const { digest, mediaType } = layers[layers.length - 1 - fromTop];
  const { io } = await world.gcrane(`blob ${reference.replace(/(:v1|@.*)$/, "")}@${digest}`);
  const tar = mediaType.endsWith("gzip")
    ? gunzipSync(io.outBytes)
    : mediaType.endsWith("zstd")
    ? zstdDecompressSync(io.outBytes)
    : io.outBytes;
  const paths: string[] = [];
  for await (const entry of readTar(new Blob([new Uint8Array(tar)]).stream() as ByteStream)) paths.push(entry.path);
  return paths;
}

describe("gcrane append", () => {
  it("prints what it pushed, an image of the tarball alone", () =>
    inWorld(async (world) => {
      const tar = await tarOf({ "etc/motd": "hello" });
      const out = await world.data(`append -f ${world.write("layer.tar", tar)} -t ${site}`);
      const digest = (await world.data(`digest ${site}`)).trim();
      assertEquals(out, `registry.example.com/site@${digest}\n`);
      assertEquals(await pathsIn(world, site), ["etc/motd"]);
      assertEquals(JSON.parse(await world.data(`config ${site}`)).rootfs.diff_ids, [digestOf(tar)]);
      assertEquals(await world.data(`validate ${site}`), `PASS: ${site}\n`);
    }));

  it("uses Docker's media types for it, or OCI's with --oci-empty-base", () =>
    inWorld(async (world) => {
      const file = world.write("layer.tar", await tarOf({ a: "a" }));
      await world.data(`append -f ${file} -t ${site}`);
      const docker = await manifestOf(world, site);
      assertEquals(
        [docker.mediaType, docker.config.mediaType, docker.layers[0].mediaType],
        [MediaType.DockerManifestSchema2, MediaType.DockerConfigJson, MediaType.DockerLayer],
      );
      await world.data(`append --oci-empty-base -f ${file} -t ${site}`);
      const oci = await manifestOf(world, site);
      assertEquals(
        [oci.mediaType, oci.config.mediaType, oci.layers[0].mediaType],
        [MediaType.OciManifest, MediaType.OciConfig, MediaType.OciLayerGzip],
      );
    }));

  it("makes it for linux/amd64, or for --platform", () =>
    inWorld(async (world) => {
      const file = world.write("layer.tar", await tarOf({ a: "a" }));
      await world.data(`append -f ${file} -t ${site}`);
      const { os, architecture } = JSON.parse(await world.data(`config ${site}`));
      assertEquals([os, architecture], ["linux", "amd64"]);
      await world.data(`append --platform linux/arm64/v8 -f ${file} -t ${site}`);
      const arm = JSON.parse(await world.data(`config ${site}`));
      assertEquals([arm.os, arm.architecture, arm.variant], ["linux", "arm64", "v8"]);
    }));

  it("puts layers on top of a base in order, in the base's family of media types, and reads none of its layers", () =>
    inWorld(async (world) => {
      for (
        const [mediaType, layerType] of [
          [MediaType.OciManifest, MediaType.OciLayerGzip],
          [MediaType.DockerManifestSchema2, MediaType.DockerLayer],
        ]
      ) {
        await world.push(randomImage({ seed: 1, mediaType, layers: 2 }), base);
        const below = await manifestOf(world, base);
        world.requests.length = 0;
        const [one, two] = [await tarOf({ one: "1" }), await tarOf({ two: "2" })];
        await world.data(`append -b ${base} -f ${world.write("1.tar", one)},${world.write("2.tar", two)} -t ${site}`);
        const reads = world.requests.filter((request) => request.startsWith("GET /v2/base/blobs/"));
        assertEquals(reads, [`GET /v2/base/blobs/${below.config.digest}`]);
        const { layers } = await manifestOf(world, site);
        assertEquals(layers.slice(0, 2), below.layers);
        assertEquals(layers.slice(2).map((layer) => layer.mediaType), [layerType, layerType]);
        assertEquals([await pathsIn(world, site, 1), await pathsIn(world, site)], [["one"], ["two"]]);
        const { rootfs, history } = JSON.parse(await world.data(`config ${site}`));
        assertEquals(rootfs.diff_ids.slice(2), [digestOf(one), digestOf(two)]);
        assertEquals(history.length, rootfs.diff_ids.length);
      }
    }));

  it("keeps a tarball as it is compressed", () =>
    inWorld(async (world) => {
      const tar = await tarOf({ a: "a" });
      const [gzip, zstd] = [gzipSync(tar), zstdCompressSync(tar)];
      const files = [world.write("a.tar.gz", gzip), world.write("a.tar.zst", zstd)];
      await world.data(`append --new_layer ${files[0]} --new_layer ${files[1]} --new_tag ${site}`);
      const { layers } = await manifestOf(world, site);
      assertEquals(layers.map(({ digest, mediaType }) => [digest, mediaType]), [
        [digestOf(gzip), MediaType.OciLayerGzip],
        [digestOf(zstd), MediaType.OciLayerZstd],
      ]);
      assertEquals(JSON.parse(await world.data(`config ${site}`)).rootfs.diff_ids, [digestOf(tar), digestOf(tar)]);
    }));

  for (const [kind, mediaType] of [["zstd", MediaType.OciLayerZstd], ["none", MediaType.DockerUncompressedLayer]]) {
    it(`--compression ${kind} stores it so`, () =>
      inWorld(async (world) => {
        const file = world.write("a.tar", await tarOf({ a: "a" }));
        await world.data(`append --compression ${kind} -f ${file} -t ${site}`);
        assertEquals((await manifestOf(world, site)).layers[0].mediaType, mediaType);
        assertEquals(await pathsIn(world, site), ["a"]);
        assertEquals(await world.data(`validate ${site}`), `PASS: ${site}\n`);
      }));
  }

  it("makes the same layers with any number of --jobs", () =>
    inWorld(async (world) => {
      const file = world.write("a.tar", await tarOf({ a: "a".repeat(1_000_000) }));
      const layers = [];
      for (const flag of ["", "--jobs 1", "-j 3"]) {
        await world.data(`append ${flag} -f ${file} -t ${site}`);
        layers.push((await manifestOf(world, site)).layers);
      }
      assertEquals(layers[1], layers[0]);
      assertEquals(layers[2], layers[0]);
    }));

  it("takes the files of a directory, at the root or below --prefix", () =>
    inWorld(async (world) => {
      mkdirSync(world.path("build/css"), { recursive: true });
      world.write("build/index.html", "<p>");
      world.write("build/css/site.css", "p {}");
      await world.data(`append -f ${world.path("build")} -t ${site}`);
      assertEquals(await pathsIn(world, site), ["css/", "css/site.css", "index.html"]);
      await world.data(`append -f ${world.path("build")} --prefix /srv/www/ -t ${site}`);
      assertEquals((await pathsIn(world, site)).filter((path) => !path.startsWith("srv")), []);
      assertEquals((await pathsIn(world, site)).includes("srv/www/css/site.css"), true);
    }));

  it("reads a tarball from standard input while it uploads it", () =>
    inWorld(async (world) => {
      const tar = await tarOf({ "etc/motd": "hello" });
      for (const stdin of [tar, new Uint8Array(gzipSync(tar))]) {
        await world.data(`append -f - -t ${site}`, { stdin });
        assertEquals(await pathsIn(world, site), ["etc/motd"]);
        assertEquals(await world.data(`validate ${site}`), `PASS: ${site}\n`);
      }
    }));

  it("-o writes a tarball instead, and asks no registry for anything", () =>
    inWorld(async (world) => {
      const file = world.write("a.tar", await tarOf({ a: "a" }));
      assertEquals(await world.data(`append -f ${file} -t site:v1 -o ${world.path("site.tar")}`), "");
      assertEquals(world.requests, []);
      const image = await imageFromTarball(tarballFile(world.path("site.tar")), { tag: "site:v1" });
      assertEquals((await image.layers()).length, 1);
      assertEquals(
        await world.data(`append -f - -t site:v1 -o ${world.path("in.tar")}`, {
          stdin: new Uint8Array(readFileSync(file)),
        }),
        "",
      );
      assertEquals(await world.data(`validate --tarball ${world.path("in.tar")}`), `PASS: ${world.path("in.tar")}\n`);
    }));

  it("--set-base-image-annotations says what it is based on", () =>
    inWorld(async (world) => {
      const digest = await world.push(emptyImage(), base);
      const file = world.write("a.tar", await tarOf({ a: "a" }));
      await world.data(`append --set-base-image-annotations -b ${base} -f ${file} -t ${site}`);
      const key = "org.opencontainers.image.base";
      assertEquals((await manifestOf(world, site)).annotations, { [`${key}.digest`]: digest, [`${key}.name`]: base });
      await world.data(
        `append --set-base-image-annotations -b registry.example.com/base@${digest} -f ${file} -t ${site}`,
      );
      assertEquals((await manifestOf(world, site)).annotations, { [`${key}.digest`]: digest });
    }));

  it("takes the base for --platform out of an index", () =>
    inWorld(async (world) => {
      const platforms = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];
      await world.push(randomIndex({ seed: 1, platforms }), base);
      const file = world.write("a.tar", await tarOf({ a: "a" }));
      await world.data(`append --platform linux/arm64 -b ${base} -f ${file} -t ${site}`);
      assertEquals(JSON.parse(await world.data(`config ${site}`)).architecture, "arm64");
      const { code, err } = await world.gcrane(`append -b ${base} -f ${file} -t ${site}`);
      assertEquals([code, err], [0, DEFAULT_PLATFORM_NOTE]);
      assertEquals(JSON.parse(await world.data(`config ${site}`)).architecture, "amd64");
    }));

  it("fails for a layer that is not there or no tarball, and pushes nothing", () =>
    inWorld(async (world) => {
      const missing = await world.gcrane(`append -f ${world.path("none.tar")} -t ${site}`);
      assertEquals(
        [missing.code, missing.out, missing.err],
        [1, "", `Error: can't read the layer ${world.path("none.tar")}: no such file or directory\n`],
      );
      const text = world.write("notes.txt", "not a tarball\n".repeat(100));
      const compressed = world.write("notes.txt.gz", gzipSync("not a tarball\n".repeat(100)));
      for (const file of [text, compressed]) {
        const { code, out, err } = await world.gcrane(`append -f ${file} -t ${site}`);
        assertEquals([code, out], [1, ""]);
        assertMatch(err, new RegExp(`^Error: ${file} is not a tarball: .*\n$`));
      }
      assertEquals(world.requests.filter((request) => /^(PATCH|PUT) /.test(request)), []);
    }));

  for (
    const [line, message] of [
      ["-t site:v1", "no layer is given — name one with -f"],
      ["-f a.tar", "no name is given for the result — give one with -t"],
      [
        "-f a.tar -t site:v1 -b base --oci-empty-base",
        "--oci-empty-base is for an image without a base — leave out one of the two",
      ],
      [
        "-f a.tar -t site:v1 --set-base-image-annotations",
        "--set-base-image-annotations needs a base — name it with -b",
      ],
    ]
  ) {
    it(`says what is wrong with: append ${line}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`append ${line}`);
        assertEquals([code, out, err.split("\n")[0], world.requests], [2, "", `Error: ${message}`, []]);
        assertEquals(existsSync("a.tar"), false);
      }));
  }

  it("puts files where a base for Windows has them, in mutate too, whatever else an index is for", () =>
    inWorld(async (world) => {
      mkdirSync(world.path("app"));
      world.write("app/tool.exe", "tool");
      const [windows, linux] = ["windows", "linux"].map((os) =>
        changeImage(randomImage({ layers: 1 }), { platform: { os, architecture: "amd64" } })
      );
      await world.push(windows, base);
      await world.data(`append -b ${base} -f ${world.path("app")} -t ${site}`);
      assertEquals(await pathsIn(world, site), ["Files", "Hives", "Files/tool.exe"]);
      assertEquals(await world.data(`validate ${site}`), `PASS: ${site}\n`);

      await world.push(appendManifests(emptyIndex(), [windows, linux]), base);
      await world.data(`mutate ${base} --append ${world.path("app")} -t ${site}`);
      assertEquals(await world.data(`validate ${site}`), `PASS: ${site}\n`);
      const { manifests } = JSON.parse(await world.data(`manifest ${site}`));
      const paths = manifests.map(({ digest }: { digest: string }) =>
        pathsIn(world, `${site.replace(/:v1$/, "")}@${digest}`)
      );
      assertEquals(await Promise.all(paths), [["Files", "Hives", "Files/tool.exe"], ["tool.exe"]]);
    }));
});
