import { assert, assertEquals, assertRejects } from "@std/assert";
import { collectGarbage, copyRecursively, listRepository } from "../../../gcr/mod.ts";
import * as daemon from "../../../src/daemon/mod.ts";
import * as source from "../../../src/source/mod.ts";
import * as crane from "../../../src/crane/mod.ts";
import { DockerEngine } from "../../../src/daemon/mod.ts";
import { GcraneError, HttpError, UnsupportedError } from "../../../src/errors.ts";
import {
  type Image,
  type Layer,
  layerFromBytes,
  type LayerOptions,
  randomImage,
  randomIndex,
  streamLayer,
} from "../../../src/image/mod.ts";
import { appendLayers } from "../../../src/mutate/mod.ts";
import { parseRepository } from "../../../src/name/mod.ts";
import type { Bytes, ByteStream } from "../../../src/runtime/mod.ts";
import { readTar, writeTar } from "../../../src/tar/mod.ts";
import { tarballBytes } from "../../../src/tarball/mod.ts";

/** What a verb works with: a registry, and repositories of its own there. */
export interface World {
  /** The registry's name. */
  readonly registry: string;
  /** A repository that no other verb uses. */
  readonly repository: string;
  /** How the registry is reached. */
  readonly options: crane.CraneOptions;
}

const arm64 = { os: "linux", architecture: "arm64" };
const image = randomImage({ seed: 1 });
const index = randomIndex({ seed: 2, platforms: [{ os: "linux", architecture: "amd64" }, arm64] });
const { process: host } = globalThis as { process?: { getBuiltinModule?(name: string): object | undefined } };
const hasZstd = "createZstdCompress" in (host?.getBuiltinModule?.("node:zlib") ?? {});
const encode = (text: string): Bytes => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Calls of the library that need no file system, each alone on repositories of its own. */
export const verbs: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async "push an image of memory"({ repository, options }) {
    const pushed = await crane.push(image, `${repository}:v1`, options);
    assertEquals(pushed, `${repository}@${await image.digest()}`);
  },
  async "push a large layer that is compressed on the way"(world) {
    await validated(world, randomImage({ seed: 3, layers: 1, size: 2_000_000, compression: "gzip" }));
  },
  async "push a layer that is compressed with zstd, where the runtime has it"(world) {
    const work = async () =>
      await validated(world, await imageOf({ zeros: "0".repeat(500_000) }, { compression: "zstd" }));
    if (hasZstd) await work();
    else await assertRejects(work, UnsupportedError);
  },
  async "push a layer that is an eStargz"(world) {
    const name = await pushed(world, await imageOf({ motd: "hello" }, { estargz: true }));
    const [{ annotations }] = (await (await crane.pull(name, world.options)).manifest()).layers;
    assert(annotations?.["containerd.io/snapshot/stargz/toc.digest"]);
  },
  async "push a layer that can be read once"(world) {
    const layer = streamLayer(writeTar([{ path: "zeros", content: new Uint8Array(2_000_000) }]));
    await validated(world, appendLayers(randomImage({ layers: 0 }), [layer]));
  },
  async "name a file that can't be read or written"(world) {
    const files: readonly [string, () => Promise<unknown>][] = [
      ["can't read ./absent.tar", () => source.load("./absent.tar")],
      ["can't read the layer ./absent.tar", () => crane.layerFromPath("./absent.tar")],
      ["can't write the tarball ./absent/x.tar", async () => {
        await crane.saveTarball([await pushed(world, image)], "./absent/x.tar", world.options);
      }],
    ];
    for (const [words, work] of files) await assertRejects(work, GcraneError, words);
  },
  async "name an engine that can't be reached"() {
    const engine = new DockerEngine({ host: "unix:///absent/docker.sock" });
    const work = () => daemon.imageFromDaemon("example.com/app:v1", { engine });
    const { message } = await assertRejects(work, GcraneError, "can't reach the Docker engine at unix:///absent");
    assert(!/trusted/.test(message), message);
  },
  async "push an index of memory"({ repository, options }) {
    const pushed = await crane.push(index, `${repository}:v1`, options);
    assertEquals(pushed, `${repository}@${await index.digest()}`);
  },
  async "digest and head"(world) {
    const name = await pushed(world, image);
    const digest = await image.digest();
    assertEquals(await crane.digest(name, world.options), digest);
    assertEquals((await crane.head(name, world.options)).digest, digest);
  },
  async "manifest, config and blob"(world) {
    const name = await pushed(world, image);
    const { config } = await image.manifest();
    assertEquals(await crane.manifest(name, world.options), await image.rawManifest());
    assertEquals(await crane.config(name, world.options), await image.rawConfigFile());
    const blob = await crane.blob(`${world.repository}@${config.digest}`, world.options);
    assertEquals(await bytesOf(blob), await image.rawConfigFile());
  },
  async "list and catalog"(world) {
    await pushed(world, image, "v1");
    await pushed(world, image, "v2");
    assertEquals(await Array.fromAsync(crane.list(world.repository, world.options)), ["v1", "v2"]);
    const names = await Array.fromAsync(crane.catalog(world.registry, world.options));
    assert(names.some((name) => world.repository.endsWith(`/${name}`)), names.join());
  },
  async "tag and remove"(world) {
    const name = await pushed(world, image);
    await crane.tag(name, "v2", world.options);
    assertEquals(await crane.digest(`${world.repository}:v2`, world.options), await image.digest());
    await crane.remove(name, world.options);
    await assertGone(name, world);
  },
  async "copy an image"(world) {
    const copy = `${world.repository}/copy:v1`;
    await crane.copy(await pushed(world, image), copy, world.options);
    assertEquals(await crane.digest(copy, world.options), await image.digest());
  },
  async "copy an index"(world) {
    const copy = `${world.repository}/copy:v1`;
    await crane.copy(await pushed(world, index), copy, world.options);
    await crane.validate(await source.open(copy, world.options));
    assertEquals(await crane.digest(copy, world.options), await index.digest());
  },
  async "copy the image for a platform"(world) {
    const copy = `${world.repository}/copy:v1`;
    await crane.copy(await pushed(world, index), copy, { ...world.options, platform: arm64 });
    assertEquals((await crane.configFile(copy, world.options)).architecture, "arm64");
  },
  async copyRepository(world) {
    await pushed(world, image, "v1");
    await pushed(world, index, "v2");
    const copy = `${world.repository}/copy`;
    await crane.copyRepository(world.repository, copy, world.options);
    assertEquals(await Array.fromAsync(crane.list(copy, world.options)), ["v1", "v2"]);
  },
  async copyRecursively(world) {
    await pushed(world, image);
    await crane.push(index, `${world.repository}/below:v1`, world.options);
    const { manifests, tags, failed } = await copyRecursively(
      world.repository,
      `${world.registry}/copies/${world.repository.split("/")[1]}`,
      world.options,
    );
    assertEquals([manifests, tags, failed], [4, 2, 0]);
  },
  async open(world) {
    const name = await pushed(world, index);
    assertEquals((await source.open(name, world.options)).kind, "index");
    const opened = await source.open(name, { ...world.options, platform: arm64 });
    assert(opened.kind === "image");
    assertEquals((await opened.configFile()).architecture, "arm64");
  },
  async openImage(world) {
    const opened = await source.openImage(await pushed(world, image), world.options);
    assertEquals(await opened.digest(), await image.digest());
  },
  async "pull to a stream and load it again"(world) {
    const name = await pushed(world, image);
    const tarball = await bytesOf(await crane.streamTarball([name], world.options));
    const loaded = await source.load(tarballBytes(tarball));
    assert(loaded.kind === "image");
    assertEquals(await loaded.rawConfigFile(), await image.rawConfigFile());
    const copy = `${world.repository}/copy:v1`;
    await crane.copy(tarballBytes(tarball), copy, world.options);
    assertEquals(await crane.config(copy, world.options), await image.rawConfigFile());
  },
  async "mutate an image"(world) {
    const changed = await crane.mutate(await pushed(world, image), { labels: { team: "web" } }, world.options);
    assertEquals((await crane.configFile(changed, world.options)).config?.Labels, { team: "web" });
  },
  async "mutate an index"(world) {
    const changed = await crane.mutate(await pushed(world, index), { labels: { team: "web" } }, world.options);
    const { config } = await crane.configFile(changed, { ...world.options, platform: arm64 });
    assertEquals(config?.Labels, { team: "web" });
  },
  async "append a layer of bytes"(world) {
    const name = await pushed(world, await imageOf({ "etc/motd": "old", "etc/hosts": "" }));
    const base = await source.openImage(name, world.options);
    await crane.push(appendLayers(base, [await layerOf({ "etc/motd": "new" })]), name, world.options);
    assertEquals(await filesOf(name, world), { "etc/motd": "new", "etc/hosts": "" });
  },
  async "extract a file system"(world) {
    const name = await pushed(world, await imageOf({ "etc/motd": "hello" }));
    assertEquals(await filesOf(name, world), { "etc/motd": "hello" });
  },
  async editFile(world) {
    const name = await pushed(world, await imageOf({ "etc/motd": "hello" }));
    const edit = (bytes: Bytes) => encode(decode(bytes).toUpperCase());
    const edited = await crane.editFile(name, { path: "/etc/motd", edit }, world.options);
    assert(edited !== undefined);
    assertEquals(await filesOf(edited, world), { "etc/motd": "HELLO" });
  },
  async "editConfig and editManifest"(world) {
    const name = await pushed(world, image);
    const edit = (change: object) => (bytes: Bytes) =>
      encode(JSON.stringify({ ...JSON.parse(decode(bytes)), ...change }));
    const authored = await crane.editConfig(name, edit({ author: "ann" }), world.options);
    assertEquals((await crane.configFile(authored, world.options)).author, "ann");
    const noted = await crane.editManifest(authored, edit({ annotations: { a: "b" } }), world.options);
    assertEquals(JSON.parse(decode(await crane.manifest(noted, world.options))).annotations, { a: "b" });
  },
  async "flatten an image"(world) {
    const [below, above] = [await imageOf({ a: "1", b: "1" }), await layerOf({ b: "2" })];
    const flat = await crane.flatten(await pushed(world, appendLayers(below, [above])), world.options);
    assertEquals(JSON.parse(decode(await crane.manifest(flat, world.options))).layers.length, 1);
    assertEquals(await filesOf(flat, world), { a: "1", b: "2" });
  },
  async "flatten an index"(world) {
    const flat = await crane.flatten(await pushed(world, index), world.options);
    const opened = await source.openImage(flat, { ...world.options, platform: arm64 });
    assertEquals((await opened.layers()).length, 1);
  },
  async rebase(world) {
    const base = await imageOf({ "usr/bin": "old" });
    const oldBase = await pushed(world, base, "old");
    const newBase = await pushed(world, await imageOf({ "usr/bin": "new" }), "new");
    const app = await pushed(world, appendLayers(base, [await layerOf({ app: "app" })]), "app");
    const rebased = await crane.rebase(app, { ...world.options, oldBase, newBase });
    assertEquals(await filesOf(rebased, world), { "usr/bin": "new", app: "app" });
  },
  async validate(world) {
    await crane.validate(await pushed(world, image), world.options);
    await crane.validate(await pushed(world, index), world.options);
  },
  async appendToIndex(world) {
    const name = await pushed(world, index);
    const member = await pushed(world, image, "member");
    const longer = await crane.appendToIndex(name, [member], world.options);
    const members = await crane.indexMembers(longer, world.options);
    assertEquals(members.map(({ digest }) => digest).at(-1), await image.digest());
    assertEquals(members.length, 3);
    const fresh = await crane.appendToIndex(undefined, [name, member], {
      ...world.options,
      tag: `${world.repository}/fresh:v1`,
    });
    assertEquals((await crane.indexMembers(fresh, world.options)).length, 3);
  },
  async filterIndex(world) {
    const filtered = await crane.filterIndex(await pushed(world, index), [arm64], world.options);
    const members = await crane.indexMembers(filtered, world.options);
    assertEquals(members.map(({ platform }) => platform?.architecture), ["arm64"]);
  },
  async tree(world) {
    const { kind, manifests } = await crane.tree(await pushed(world, index), world.options);
    assertEquals([kind, manifests.length], ["index", 2]);
  },
  async "diff and diskUse"(world) {
    const [a, b] = [await imageOf({ motd: "a" }), await imageOf({ motd: "b" })];
    const names = [await pushed(world, a, "a"), await pushed(world, b, "b")];
    const [left, right] = await Promise.all(names.map((name) => source.openImage(name, world.options)));
    assertEquals((await crane.diff(left, right)).files.map(({ path }) => path), ["/motd"]);
    assertEquals((await crane.diskUse(left)).layers.length, 1);
  },
  async collectGarbage(world) {
    await pushed(world, image);
    await pushed(world, randomImage({ seed: 4 })); // takes the tag, so that nothing leads to the first image
    const root = parseRepository(world.repository);
    const { deleted, failed } = await collectGarbage(root, { ...world.options, rules: { grace: 0 }, delete: true });
    assertEquals([deleted, failed], [1, 0]);
    const { tags } = await listRepository(root, world.options);
    assertEquals(tags, ["v1"]);
    await assertGone(`${world.repository}@${await image.digest()}`, world);
  },
};

async function pushed(world: World, view: Parameters<typeof crane.push>[0], tag = "v1"): Promise<string> {
  const name = `${world.repository}:${tag}`;
  await crane.push(view, name, world.options);
  return name;
}

/** Pushes an image, and reads all of it again. */
async function validated(world: World, view: Image): Promise<void> {
  await crane.validate(await pushed(world, view), world.options);
}

async function assertGone(name: string, { options }: World): Promise<void> {
  const { status } = await assertRejects(() => crane.digest(name, options), HttpError);
  assertEquals(status, 404);
}

type Files = Readonly<Record<string, string>>;

async function layerOf(files: Files, options: LayerOptions = {}): Promise<Layer> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, content: encode(text) }));
  return await layerFromBytes(await bytesOf(writeTar(entries)), options);
}

async function imageOf(files: Files, options: LayerOptions = {}): Promise<Image> {
  return appendLayers(randomImage({ layers: 0 }), [await layerOf(files, options)]);
}

/** The files of an image in the registry, as they show. */
async function filesOf(name: string, { options }: World): Promise<Files> {
  const files: [string, string][] = [];
  for await (const entry of readTar(crane.extract(await source.openImage(name, options)))) {
    if (entry.type === "file") files.push([entry.path, await new Response(entry.readable).text()]);
  }
  return Object.fromEntries(files);
}

async function bytesOf(stream: ByteStream): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
