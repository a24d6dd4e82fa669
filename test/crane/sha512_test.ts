import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { copyRecursively } from "../../gcr/mod.ts";
import * as crane from "../../src/crane/mod.ts";
import { type Image, type ImageIndex, validateImage, validateIndex } from "../../src/image/mod.ts";
import { openLayout } from "../../src/layout/mod.ts";
import { collectStoreGarbage, createRegistry, memoryStore } from "../../src/registry/mod.ts";
import { Puller } from "../../src/remote/mod.ts";
import { open } from "../../src/source/mod.ts";
import { writeOciArchiveFile } from "../../src/tarball/mod.ts";
import { inFolder } from "../make/folders.ts";
import { type Sha512Layout, sha512Layout } from "../make/sha512_layout.ts";
import { collect } from "../make/streams.ts";

const APP = "registry.example.com/app";

interface World extends Sha512Layout {
  readonly view: ImageIndex;
  readonly folder: string;
  readonly options: { fetch: typeof fetch };
}

/** Runs a test with the layout, and a registry that has its index under the tag v1 if that is wanted. */
async function inWorld(test: (world: World) => Promise<void>, { pushed = true } = {}): Promise<void> {
  await inFolder(async (folder) => {
    const made = await sha512Layout(join(folder, "layout"));
    const [{ view }] = await made.layout.index().children();
    const options = { fetch: createRegistry().fetch as typeof fetch };
    if (pushed) await crane.push(view as ImageIndex, `${APP}:v1`, options);
    await test({ ...made, view: view as ImageIndex, folder, options });
  });
}

describe("an image whose digests are sha512", () => {
  it("is pushed by digest, and by tag under its digest too", async () => {
    await inWorld(async ({ index, image, view, options }) => {
      assertEquals(await crane.push(view, `${APP}:v1`, options), `${APP}@${index.digest}`);
      assertEquals(await crane.digest(`${APP}@${index.digest}`, options), index.digest);
      const [{ view: child }] = await view.children();
      await crane.push(child as Image, `registry.example.com/other@${image.digest}`, options);
      assertEquals((await crane.head(`registry.example.com/other@${image.digest}`, options)).size, image.size);
    }, { pushed: false });
  });

  it("is read from a registry and checked", async () => {
    await inWorld(async ({ index, image, layer, diffId, options }) => {
      const found = await new Puller(options).index(`${APP}@${index.digest}`);
      await validateIndex(found);
      assertEquals((await found.manifest()).manifests.map(({ digest }) => digest), [image.digest]);
      const [only] = await (await new Puller(options).image(`${APP}@${index.digest}`)).layers();
      assertEquals([await only.digest(), await only.diffId()], [layer.digest, diffId]);
      assertEquals((await collect(await crane.blob(`${APP}@${layer.digest}`, options))).length, layer.size);
    });
  });

  it("is copied to tags and digests, one and all", async () => {
    await inWorld(async ({ index, options }) => {
      const from = `${APP}@${index.digest}`;
      await crane.copy(from, `b.example.com/app@${index.digest}`, options);
      await crane.copy(from, "c.example.com/app:v1", options);
      await crane.copyRepository(APP, "d.example.com/app", options);
      assertEquals((await copyRecursively("registry.example.com", "e.example.com", options)).failed, 0);
      for (const host of ["b", "c"]) {
        await validateIndex(await new Puller(options).index(`${host}.example.com/app@${index.digest}`));
      }
      for (const host of ["c", "d", "e"]) {
        await validateIndex(await new Puller(options).index(`${host}.example.com/app:v1`));
      }
    });
  });

  it("goes into layouts and survives the collection of their garbage", async () => {
    await inWorld(async ({ index, folder, options }) => {
      const path = join(folder, "saved");
      await crane.saveLayout([`${APP}@${index.digest}`], path, { ...options, annotateRef: true });
      const layout = await openLayout(path);
      assertEquals((await layout.garbageCollect()).removed, []);
      await validateIndex(layout.index());
      assertEquals((await layout.index().children()).map(({ descriptor }) => descriptor.digest), [index.digest]);
    });
  });

  it("is kept by the cache", async () => {
    await inWorld(async ({ index, folder, layer, options }) => {
      const cached = { ...options, cachePath: join(folder, "cache") };
      const read = async (image: Image) => await collect(await (await image.layers())[0].compressed());
      await read(await crane.pull(`${APP}@${index.digest}`, cached));
      const fetched: string[] = [];
      const fetch: typeof globalThis.fetch = async (input, init) => {
        fetched.push(new Request(input, init).url);
        return await options.fetch(input, init);
      };
      const image = await crane.pull(`${APP}@${index.digest}`, { ...cached, fetch });
      assertEquals((await read(image)).length, layer.size);
      await validateImage(image);
      assertEquals(fetched.filter((url) => url.includes(layer.digest)), []);
    });
  });

  it("goes into archives of all kinds", async () => {
    await inWorld(async ({ index, diffId, view, folder, options }) => {
      const oci = join(folder, "oci.tar");
      await writeOciArchiveFile(oci, [{ view, name: "app:v1" }]);
      const found = await open({ kind: "path", path: oci }) as ImageIndex;
      assertEquals(await found.digest(), index.digest);
      await validateIndex(found);
      for (const format of ["docker", "legacy"] as const) {
        const path = join(folder, `${format}.tar`);
        await crane.saveTarball([`${APP}@${index.digest}`], path, { ...options, format });
        const image = await open({ kind: "path", path }) as Image;
        await validateImage(image);
        assertEquals(await (await image.layers())[0].diffId(), diffId);
      }
    });
  });

  it("has a tree and referrers, and can be changed and deleted", async () => {
    await inWorld(async ({ index, image, options }) => {
      const name = `${APP}@${index.digest}`;
      assertEquals((await crane.tree(name, options)).manifests.map(({ digest }) => digest), [image.digest]);
      assertEquals((await (await new Puller(options).referrers(name)).manifest()).manifests, []);
      await crane.mutate(name, { user: "a" }, { ...options, tag: `${APP}:changed` });
      await crane.flatten(name, { ...options, tag: `${APP}:flat` });
      await validateIndex(await new Puller(options).index(`${APP}:flat`));
      await crane.remove(name, options);
      assertEquals((await crane.list(APP, options)[Symbol.asyncIterator]().next()).done, false);
    });
  });

  it("is found by what refers to it, on a registry without the referrers API too", async () => {
    await inWorld(async ({ image, options }) => {
      const { digest } = image;
      for (const api of [true, false]) {
        const host = api ? "api" : "plain";
        const registry = createRegistry();
        const fetch: typeof globalThis.fetch = async (input, init) => {
          const request = new Request(input, init);
          if (!api && request.url.includes("/referrers/")) return new Response(null, { status: 404 });
          const response = await registry.fetch(request);
          if (!api) response.headers.delete("oci-subject");
          return response;
        };
        const there = { ...options, fetch };
        const source = await new Puller(options).image(`${APP}@${digest}`);
        await crane.push(source, `${host}.example.com/app@${digest}`, there);
        await crane.mutate(`${host}.example.com/app@${digest}`, { subject: image }, {
          ...there,
          tag: `${host}.example.com/app:about`,
        });
        const { manifests } = await (await new Puller(there).referrers(`${host}.example.com/app@${digest}`)).manifest();
        assertEquals(manifests.map(({ digest }) => digest), [
          await crane.digest(`${host}.example.com/app:about`, there),
        ]);
      }
    });
  });

  it("stays in a registry's store as long as something leads to it", async () => {
    await inWorld(async ({ view, options }) => {
      const store = memoryStore();
      const { fetch } = createRegistry({ store });
      await crane.push(view, `${APP}:v1`, { ...options, fetch });
      await collectStoreGarbage(store, { grace: 60_000, clock: () => Date.now() + 3_600_000 });
      await validateIndex(await new Puller({ fetch }).index(`${APP}:v1`));
    });
  });
});
