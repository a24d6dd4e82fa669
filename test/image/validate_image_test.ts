import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ValidationError } from "../../src/errors.ts";
import { emptyImage, imageFromCompressed, validateImage } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { utf8 } from "../make/bytes.ts";
import { bigTar, type ImageParts, MemorySource } from "../make/memory_source.ts";
import { imageWith, OTHER, problemsOf, TARS } from "./validation.ts";

describe("validateImage", () => {
  it("finds nothing wrong with a good image", async () => {
    for (const compression of ["none", "gzip", "zstd"] as const) {
      await validateImage((await imageWith({ compression })).image);
    }
    await validateImage(emptyImage());
    await validateImage((await imageWith({ layers: [TARS[0], TARS[1], TARS[0]] })).image);
  });

  it("finds a manifest that is not the one that was promised", async () => {
    const { source, image } = await imageWith({});
    const descriptor = await image.descriptor();
    const raw = source.blobs.get(descriptor.digest)!;
    const changed = utf8(new TextDecoder().decode(raw) + "\n");
    source.blobs.set(descriptor.digest, changed);
    assertEquals(await problemsOf(validateImage(source.image(descriptor))), [
      `the manifest's digest is ${await digestBytes(changed)} where ${descriptor.digest} was promised`,
      `the manifest's size is ${raw.length + 1} where ${raw.length} was promised`,
    ]);
  });

  it("finds a media type that is not the one in the manifest", async () => {
    const { source, image } = await imageWith({});
    const { digest } = await image.descriptor();
    const other = imageFromCompressed({
      rawManifest: () => Promise.resolve(source.blobs.get(digest)!),
      blob: (blob) => ({ compressed: () => source.open(blob) }),
      mediaType: MediaType.DockerManifestSchema2,
    });
    assertEquals(await problemsOf(validateImage(other)), [
      `the manifest's media type is ${MediaType.OciManifest} where ${MediaType.DockerManifestSchema2} was promised`,
    ]);
  });

  it("finds what is no manifest", async () => {
    const { source, image } = await imageWith({});
    const descriptor = await image.descriptor();
    source.blobs.set(descriptor.digest, utf8("<html>"));
    const [problem, ...others] = await problemsOf(validateImage(source.image(descriptor)));
    assertStringIncludes(problem, "manifest: it is not JSON");
    assertEquals(others, []);
    source.blobs.delete(descriptor.digest);
    assertStringIncludes((await problemsOf(validateImage(source.image(descriptor))))[0], "manifest: there is no");
  });

  it("finds a config that is missing, another, of another size or none", async () => {
    const change = async (bytes: Bytes | undefined) => {
      const { source, image } = await imageWith({});
      const digest = await image.configName();
      if (bytes) source.blobs.set(digest, bytes);
      else source.blobs.delete(digest);
      return await problemsOf(validateImage(image));
    };
    assertStringIncludes((await change(undefined))[0], "config: there is no");
    assertStringIncludes((await change(utf8("{}")))[0], "config: sha256:");
    assertStringIncludes((await change(utf8("{}")))[0], "has 2 bytes where");
    const { image } = await imageWith({ manifest: ({ config }) => config.size++ });
    assertStringIncludes((await problemsOf(validateImage(image)))[0], "config: ");
    const list = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids = 5 });
    assertStringIncludes((await problemsOf(validateImage(list.image)))[0], "config: it: rootfs.diff_ids is not a list");
  });

  it("finds times that are none", async () => {
    const times = ["yesterday", "2024-02-03", "", 5, "2024-13-03T04:05:06Z", "2023-02-29T04:05:06Z"];
    for (const time of times) {
      const { image } = await imageWith({
        config: (config) => {
          config.created = time;
          config.history = [{ created: "2024-02-03T04:05:06.789+01:00" }, { created: time }, { created: null }, {}];
        },
      });
      const wrong = `is ${JSON.stringify(time)}, which is no RFC 3339 time like 2024-02-03T04:05:06Z`;
      assertEquals(await problemsOf(validateImage(image)), [
        `config: created ${wrong}`,
        `config: history[1].created ${wrong}`,
      ]);
    }
  });

  it("finds a config and layers that don't belong together", async () => {
    const few = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids.pop() });
    assertEquals(await problemsOf(validateImage(few.image)), [
      "config: it has 1 diff ids where the manifest has 2 layers",
    ]);
    const none = await imageWith({ config: (config) => delete config.rootfs });
    assertEquals(await problemsOf(validateImage(none.image)), [
      "config: it has 0 diff ids where the manifest has 2 layers",
    ]);
    const odd = await imageWith({ config: ({ rootfs }) => rootfs.type = "tree" });
    assertEquals(await problemsOf(validateImage(odd.image)), ["config: rootfs.type is tree where layers was promised"]);
  });

  it("lists all that is wrong", async () => {
    const { source, image } = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids = [OTHER, OTHER] });
    const { layers } = await image.manifest();
    source.blobs.delete(layers[1].digest);
    const problems = await problemsOf(validateImage(image));
    assertEquals(problems.length, 2);
    assertStringIncludes(problems[0], "layer 1 of 2");
    assertStringIncludes(problems[1], "layer 2 of 2");
  });

  it("reads no layer when it should be fast, but still looks at the rest", async () => {
    const { source, image } = await imageWith({});
    await validateImage(image, { fast: true });
    assertEquals(source.opened, [await image.configName()]);
    const few = await imageWith({ config: ({ rootfs }) => rootfs.diff_ids.pop() });
    await assertRejects(() => validateImage(few.image, { fast: true }), ValidationError, "1 diff ids");
  });

  it("checks the blobs of an artifact, whatever is in them", async () => {
    const source = new MemorySource();
    const blobs = [
      await source.add(utf8("text"), "text/plain"),
      await source.add(utf8("no tar"), MediaType.OciLayer),
    ];
    const empty = await source.add(utf8("{}"), MediaType.OciEmpty);
    const descriptor = await source.addImage({
      layers: [],
      manifest: (manifest) => Object.assign(manifest, { config: empty, layers: blobs }),
    });
    await validateImage(source.image(descriptor));
    source.blobs.set(blobs[0].digest, utf8("tixt"));
    await assertRejects(() => validateImage(source.image(descriptor)), ValidationError, "layer 1 of 2");
  });

  it("takes attestations, which have diff ids but no tars", async () => {
    const source = new MemorySource();
    const statement = utf8('{"_type":"statement"}');
    const zipped = new Uint8Array(gzipSync(statement));
    const layers = [await source.add(statement, "application/vnd.in-toto+json"), await source.add(zipped, "text/x")];
    const diffIds = layers.map(({ digest }) => digest);
    const parts: ImageParts = {
      layers: [],
      config: (config) => config.rootfs.diff_ids = diffIds,
      manifest: (manifest) => manifest.layers = layers,
    };
    await validateImage(source.image(await source.addImage(parts)));
    await validateImage(source.image(await source.addImage({ ...parts, config: (config) => delete config.rootfs })));
    diffIds[0] = OTHER;
    const wrong = source.image(await source.addImage(parts));
    await assertRejects(() => validateImage(wrong), ValidationError, "the diff id is");
  });

  it("ends on an abort with its reason, and leaves nothing open", async () => {
    const { source, image } = await imageWith({ layers: await Promise.all([2, 3].map((seed) => bigTar(seed))) });
    const controller = new AbortController();
    const open = source.open.bind(source);
    source.open = async (descriptor) => {
      const stream = await open(descriptor);
      if (descriptor.mediaType === MediaType.OciLayerGzip) controller.abort(new Error("enough"));
      return stream;
    };
    await assertRejects(() => validateImage(image, { signal: controller.signal }), Error, "enough");
    assertEquals(source.streams.open, 0);
    const aborted = AbortSignal.abort(new Error("before"));
    await assertRejects(() => validateImage(image, { signal: aborted }), Error, "before");
  });
});
