import { assertEquals, assertRejects } from "@std/assert";
import { toBytes } from "@std/streams/to-bytes";
import { describe, it } from "node:test";
import {
  blob,
  catalog,
  config,
  configFile,
  digest,
  head,
  list,
  listPages,
  manifest,
  push,
} from "../../src/crane/mod.ts";
import { HttpError, NameError, UsageError } from "../../src/errors.ts";
import { randomImage, randomIndex } from "../../src/image/mod.ts";
import { MediaType } from "../../src/spec/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";

const app = "registry.example.com/team/app:v1";
const arm64 = { os: "linux", architecture: "arm64" };
const index = randomIndex({ seed: 1, platforms: [{ os: "linux", architecture: "amd64" }, arm64] });
const image = randomImage({ seed: 2 });

describe("what a reference names", () => {
  it("is told by its digest, its descriptor and its manifest", async () => {
    const { fetch } = memoryRegistry();
    assertEquals(await push(image, app, { fetch }), `registry.example.com/team/app@${await image.digest()}`);
    assertEquals(await digest(app, { fetch }), await image.digest());
    assertEquals(await head(app, { fetch }), {
      mediaType: MediaType.OciManifest,
      digest: await image.digest(),
      size: await image.size(),
    });
    assertEquals(await manifest(app, { fetch }), await image.rawManifest());
    assertEquals(await config(app, { fetch }), await image.rawConfigFile());
    assertEquals(await configFile(app, { fetch }), await image.configFile());
  });

  it("of an index is that of its image for a platform, where one is asked for", async () => {
    const { fetch } = memoryRegistry();
    await push(index, app, { fetch });
    const [, child] = await index.children();
    assertEquals(await digest(app, { fetch }), await index.digest());
    assertEquals(await digest(app, { fetch, platform: arm64 }), child.descriptor.digest);
    assertEquals(await manifest(app, { fetch }), await index.rawManifest());
    assertEquals(
      await manifest(app, { fetch, platform: arm64 }),
      child.view.kind === "image" ? await child.view.rawManifest() : undefined,
    );
    assertEquals((await configFile(app, { fetch })).architecture, "amd64");
    assertEquals((await configFile(app, { fetch, platform: arm64 })).architecture, "arm64");
  });

  it("is nothing where there is nothing", async () => {
    const { fetch } = memoryRegistry();
    for (const verb of [digest, head, manifest, config, configFile]) {
      const error = await assertRejects(() => verb(app, { fetch }), HttpError);
      assertEquals(error.status, 404);
    }
  });

  it("has to be spelled right, and as strictly as one likes", async () => {
    const { fetch, requests } = memoryRegistry();
    await assertRejects(() => digest("registry.example.com/Team:v1", { fetch }), NameError);
    await assertRejects(() => digest("team/app", { fetch, validation: "strict" }), NameError);
    assertEquals(requests, []);
  });
});

describe("blob", () => {
  it("gives the bytes", async () => {
    const { fetch } = memoryRegistry();
    await push(image, app, { fetch });
    const [layer] = await image.layers();
    const bytes = await toBytes(await blob(`registry.example.com/team/app@${await layer.digest()}`, { fetch }));
    assertEquals(bytes, await toBytes(await layer.compressed()));
  });

  it("takes no tag", async () => {
    await assertRejects(() => blob(app), UsageError, "a blob has a digest");
  });
});

describe("list and catalog", () => {
  it("give tags and repositories", async () => {
    const { fetch } = memoryRegistry();
    for (const tag of ["v1", "v2", "v10"]) await push(image, `registry.example.com/team/app:${tag}`, { fetch });
    await push(image, "registry.example.com/team/web:v1", { fetch });
    const tags = await Array.fromAsync(list("registry.example.com/team/app", { fetch }));
    assertEquals(tags.toSorted(), ["v1", "v10", "v2"]);
    const pages = await Array.fromAsync(listPages("registry.example.com/team/app", { fetch }));
    assertEquals(pages.flatMap((page) => [...page.tags]).toSorted(), ["v1", "v10", "v2"]);
    assertEquals(await Array.fromAsync(catalog("registry.example.com", { fetch })), ["team/app", "team/web"]);
  });

  it("ask for no more pages than are read", async () => {
    const { fetch, requests } = memoryRegistry();
    for (let i = 0; i < 3; i++) await push(image, `registry.example.com/app${i}:v1`, { fetch });
    requests.length = 0;
    for await (const repository of catalog("registry.example.com", { fetch, pageSize: 1 })) {
      assertEquals(repository, "app0");
      break;
    }
    assertEquals(requests.filter((request) => request.includes("_catalog")).length, 1);
  });
});
