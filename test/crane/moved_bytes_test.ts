import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { appendToIndex, copy, editManifest, filterIndex, mutate, push, rebase } from "../../src/crane/mod.ts";
import { open } from "../../src/source/mod.ts";
import {
  type Image,
  type ImageIndex,
  randomImage,
  randomIndex,
  validateImage,
  validateIndex,
} from "../../src/image/mod.ts";
import { annotateBase, changeImage, editImage } from "../../src/mutate/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { type Descriptor, parsePlatform } from "../../src/spec/mod.ts";

const app = "registry.example.com/app";
const platforms = ["linux/amd64", "linux/arm64", "linux/s390x"].map(parsePlatform);

/**
 * Counts the traffic since the last read: requests by kind, and the bytes of all bodies in both directions; without
 * pings.
 */
class Wire {
  readonly #registry = createRegistry();
  #requests: Record<string, number> = {};
  #bytes = 0;

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const { method, body } = request;
    const kind = kindOf(new URL(request.url));
    this.#requests[`${method} ${kind}`] = (this.#requests[`${method} ${kind}`] ?? 0) + 1;
    const counted = body ? new Request(request, { body: this.#counted(body), duplex: "half" } as RequestInit) : request;
    const response = await this.#registry.fetch(counted);
    return kind === "ping" ? response : new Response(response.body && this.#counted(response.body), response);
  };

  #counted(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
    return body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: (chunk, controller) => {
          this.#bytes += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
  }

  /** What went since the last time. */
  take(): { requests: Record<string, number>; bytes: number } {
    const taken = { requests: this.#requests, bytes: this.#bytes };
    this.#requests = {};
    this.#bytes = 0;
    return taken;
  }
}

function kindOf({ pathname, searchParams }: URL): string {
  if (pathname === "/v2/") return "ping";
  if (searchParams.has("mount")) return "mount";
  return /\/(manifests|blobs\/uploads|blobs)\//.exec(pathname)?.[1].replace("blobs/uploads", "uploads") ?? pathname;
}

/** The bytes of the manifests and configs below, each once. */
async function smallBytes(...views: (Image | ImageIndex)[]): Promise<number> {
  let sum = 0;
  for (const view of views) {
    sum += await view.size();
    if (view.kind === "image") sum += (await view.rawConfigFile()).length;
    else {for (const child of await view.children()) {
        if (child.view.kind === "image" || child.view.kind === "index") sum += await smallBytes(child.view);
      }}
  }
  return sum;
}

const largeImage = () => randomImage({ layers: 3, size: 300_000, compression: "none" });
const largeIndex = () => randomIndex({ platforms, layers: 2, size: 300_000 });

/** Runs with a wire that nothing has gone over yet but what is pushed first. */
async function onWire(pushed: Record<string, Image | ImageIndex>, work: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = new Wire();
  for (const [name, view] of Object.entries(pushed)) {
    await push(view, `registry.example.com/${name}`, { fetch: wire.fetch });
  }
  wire.take();
  await work(wire);
}

async function viewAt(wire: Wire, reference: string): Promise<Image | ImageIndex> {
  const view = await open(reference, { fetch: wire.fetch });
  if (view.kind === "image") await validateImage(view);
  else await validateIndex(view);
  return view;
}

describe("what moves when the layers are there", () => {
  it("mutate reads manifest and config, and writes both anew", () =>
    onWire({ "app:v1": largeImage() }, async (wire) => {
      const before = await viewAt(wire, `${app}:v1`);
      wire.take();
      const pushed = await mutate(`${app}:v1`, { labels: { a: "b" } }, { fetch: wire.fetch });
      const { requests, bytes } = wire.take();
      const { "HEAD blobs": asked, "HEAD manifests": known, "GET ping": pings, ...moved } = requests;
      assertEquals(moved, {
        "GET manifests": 1,
        "GET blobs": 1,
        "POST uploads": 1,
        "PUT uploads": 1,
        "PUT manifests": 1,
      });
      assert(asked <= 4 && known <= 2 && pings <= 1, JSON.stringify(requests));
      const after = await viewAt(wire, pushed);
      assertEquals(bytes, await smallBytes(before, after));
    }));

  it("an edit of annotations alone reads the config once at most, and does not write it", () =>
    onWire({ "app:v1": largeImage() }, async (wire) => {
      const before = await viewAt(wire, `${app}:v1`);
      wire.take();
      const pushed = await mutate(`${app}:v1`, { annotations: { a: "b" } }, { fetch: wire.fetch });
      const { requests, bytes } = wire.take();
      assert((requests["GET blobs"] ?? 0) <= 1, JSON.stringify(requests));
      assertEquals([requests["GET manifests"], requests["PUT manifests"]], [1, 1]);
      assertEquals([requests["POST uploads"], requests["PUT uploads"]], [undefined, undefined]);
      const after = await viewAt(wire, pushed);
      assert(bytes <= await smallBytes(before) + await after.size(), `${bytes}`);
      assertEquals(after.kind === "image" && (await after.manifest()).annotations, { a: "b" });
    }));

  it("rebase reads three images' manifests and configs, and mounts the layers of the new base", async () => {
    const [oldBase, newBase] = [largeImage(), largeImage()];
    const based = editImage(oldBase, { layers: async (layers) => [...layers, ...await largeImage().layers()] });
    await onWire({ "base:v1": oldBase, "base:v2": newBase, "app:v1": based }, async (wire) => {
      const options = { oldBase: "registry.example.com/base:v1", newBase: "registry.example.com/base:v2" };
      const pushed = await rebase(`${app}:v1`, { ...options, fetch: wire.fetch });
      const { requests, bytes } = wire.take();
      const { "HEAD blobs": _, "HEAD manifests": __, "GET ping": ___, ...moved } = requests;
      assertEquals(moved, {
        "GET manifests": 3,
        "GET blobs": 3,
        "POST mount": 3,
        "POST uploads": 1,
        "PUT uploads": 1,
        "PUT manifests": 1,
      });
      const after = await viewAt(wire, pushed);
      assertEquals(bytes, await smallBytes(based, oldBase, newBase, after));
    });
  });

  it("mutate of an index moves a config for each image, and no layer", () =>
    onWire({ "app:v1": largeIndex() }, async (wire) => {
      const before = await viewAt(wire, `${app}:v1`);
      wire.take();
      const pushed = await mutate(`${app}:v1`, { user: "me" }, { fetch: wire.fetch });
      const { requests, bytes } = wire.take();
      const { "HEAD blobs": _, "HEAD manifests": __, "GET ping": ___, ...moved } = requests;
      assertEquals(moved, {
        "GET manifests": 4,
        "GET blobs": 3,
        "POST uploads": 3,
        "PUT uploads": 3,
        "PUT manifests": 4,
      });
      const after = await viewAt(wire, pushed);
      assertEquals(bytes, await smallBytes(before, after));
    }));

  it("edits of an index move manifests alone", () =>
    onWire(
      { "app:v1": largeIndex(), "app:one": changeImage(largeImage(), { platform: parsePlatform("linux/arm") }) },
      async (wire) => {
        const filtered = await filterIndex(`${app}:v1`, platforms.slice(1), { fetch: wire.fetch });
        const filter = wire.take();
        const appended = await appendToIndex(`${app}:v1`, [`${app}:one`], { fetch: wire.fetch });
        const append = wire.take();
        const edited = await editManifest(`${app}:v1`, (bytes) => new Uint8Array([...bytes, 10]), {
          fetch: wire.fetch,
        });
        const edit = wire.take();
        await copy(`${app}:v1`, `${app}:v2`, { fetch: wire.fetch, platforms: platforms.slice(0, 2) });
        const copied = wire.take();
        const taken = { filter, append, edit, copied };
        for (const [name, { requests, bytes }] of Object.entries(taken)) {
          const blobs = Object.keys(requests).filter((kind) =>
            /blobs|uploads|mount/.test(kind) && !kind.startsWith("HEAD")
          );
          // Reads the config for a platform that the index lacks.
          assertEquals(blobs, name === "append" ? ["GET blobs"] : [], name);
          assert(bytes < 10_000, `${name}: ${bytes} bytes`);
        }
        const counts = [filtered, appended, edited, `${app}:v2`].map(async (reference) => {
          const view = await viewAt(wire, reference);
          assert(view.kind === "index");
          return (await view.manifest()).manifests.length;
        });
        assertEquals(await Promise.all(counts), [2, 4, 3, 2]);
      },
    ));

  it("what the annotations say of the base costs one manifest more", async () => {
    const [oldBase, newBase] = [largeImage(), largeImage()];
    const based = editImage(oldBase, { layers: async (layers) => [...layers, ...await largeImage().layers()] });
    const told = annotateBase(based, { name: "registry.example.com/base:v2", digest: await oldBase.digest() });
    await onWire({ "base:v1": oldBase, "base:v2": newBase, "app:v1": told }, async (wire) => {
      await rebase(`${app}:v1`, { fetch: wire.fetch });
      const { requests, bytes } = wire.take();
      assertEquals([requests["GET manifests"], requests["POST mount"], requests["PUT uploads"]], [3, 3, 1]);
      assert(bytes < 20_000, `${bytes}`);
    });
  });
});

/** The facts about a layer, so that a test that counts nothing fails. */
it("the layers of these tests are larger than all that may move", async () => {
  const { layers } = await largeImage().manifest();
  assert(layers.every(({ size }: Descriptor) => size > 250_000));
});
