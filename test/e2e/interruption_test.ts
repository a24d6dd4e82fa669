import { assertEquals } from "@std/assert";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { digestOf, FakeRegistry, type FakeServer, fakeServer, firstBytes, STALL } from "../fakes/mod.ts";
import { Place } from "../make/process_place.ts";
import { until } from "../make/waiting.ts";

const image = randomImage({ seed: 1, size: 400_000, layers: 2 });
const [layer] = await image.layers();
const digest = await layer.digest();

interface Stalled {
  place: Place;
  server: FakeServer;
  /** Resolves when the registry has stopped in the middle of a layer. */
  stalled: Promise<void>;
}

/** A registry that stops for ever in the middle of a layer, whether it is read or written. */
async function withStall(work: (stalled: Stalled) => Promise<void>): Promise<void> {
  const registry = new FakeRegistry();
  const server = await fakeServer(registry.handle);
  const place = new Place();
  try {
    await push(image, `${server.host}/app:v1`);
    const { promise: stalled, resolve } = Promise.withResolvers<void>();
    registry.on("GET", new RegExp(`/blobs/${digest}`), async (_, usual) => {
      const { body, ...answer } = await usual();
      const bytes = body as Uint8Array<ArrayBuffer>;
      resolve();
      return { ...answer, body: bytes.subarray(0, 200_000), length: bytes.length, stalls: true };
    }, Infinity);
    registry.on("PATCH", /./, async ({ body }) => {
      await firstBytes(body, 1000).pipeTo(new WritableStream());
      resolve();
      return STALL as typeof STALL;
    }, Infinity);
    await (await createLayout(place.path("ready"))).appendImage(image);
    await work({ place, server, stalled });
  } finally {
    place.remove();
    await server.close();
  }
}

const lines: [line: string, temporary?: RegExp][] = [
  ["pull HOST/app:v1 app.tar", /^work\/.*app\.tar.*tmp/],
  ["pull -c cache HOST/app:v1 app.tar", /^work\/.*app\.tar.*tmp/],
  ["export HOST/app:v1 files.tar", /^work\/.*files\.tar.*tmp/],
  ["export HOST/app:v1"],
  ["blob HOST/app@DIGEST"],
  ["validate HOST/app:v1"],
  ["copy HOST/app:v1 LOCALHOST/copy:v1"],
  ["push ready HOST/pushed:v1"],
];

describe("Ctrl-C in the middle of a layer", () => {
  for (const [line, temporary] of lines) {
    it(
      `ends with 130, says nothing and leaves nothing: ${line}`,
      { timeout: 20_000 },
      () =>
        withStall(async ({ place, server, stalled }) => {
          const before = place.files();
          const words = line.replace("HOST", server.host).replace("LOCALHOST", `localhost:${server.port}`);
          const running = place.start(words.replace("DIGEST", digest));
          await stalled;
          if (temporary) await until(() => place.files().some((path) => temporary.test(path)));
          running.signal("SIGINT");
          assertEquals([await running.ended(), running.err], [130, ""]);
          // The empty directory of the cache may stay.
          assertEquals(place.files().filter((path) => !/^work\/cache(\/sha256)?$/.test(path)), before);
        }),
    );
  }

  it(
    "of an OCI layout leaves blobs that are whole, and lists nothing",
    { timeout: 20_000 },
    () =>
      withStall(async ({ place, server, stalled }) => {
        const running = place.start(`pull --format oci ${server.host}/app:v1 layout`);
        await stalled;
        await until(() => place.files().some((path) => /^work\/layout\/.*tmp/.test(path)));
        running.signal("SIGINT");
        assertEquals([await running.ended(), running.out, running.err], [130, "", ""]);
        const made = place.files().filter((path) => /^work\/layout\/(?!blobs\/sha256$)/.test(path));
        for (const path of made) {
          const name = path.split("/").at(-1)!;
          const bytes = readFileSync(place.path(`../${path}`));
          if (name === "index.json") assertEquals(JSON.parse(bytes.toString()).manifests, []);
          else if (name !== "oci-layout") assertEquals(digestOf(bytes), `sha256:${name}`);
        }
      }),
  );

  it("by the end of the terminal", { timeout: 20_000 }, () =>
    withStall(async ({ place, server, stalled }) => {
      const before = place.files();
      const running = place.start(`pull ${server.host}/app:v1 app.tar`);
      await stalled;
      await until(() => place.files().some((path) => /^work\/.*app\.tar.*tmp/.test(path)));
      running.signal("SIGHUP");
      assertEquals([await running.ended(), running.err], [129, ""]);
      assertEquals(place.files(), before);
    }));

  for (const line of ["export -", "append -f - -t app:v1 -o app.tar"]) {
    it(
      `while it keeps standard input in a temporary file: ${line}`,
      { timeout: 20_000 },
      () =>
        withStall(async ({ place }) => {
          const before = place.files();
          const running = place.start(line);
          running.child.stdin.write(randomBytes(500_000));
          await until(() => place.files().some((path) => path.startsWith("tmp/")));
          running.signal("SIGTERM");
          assertEquals([await running.ended(), running.out, running.err], [143, "", ""]);
          assertEquals(place.files(), before);
        }),
    );
  }

  it("while it sends standard input", { timeout: 20_000 }, () =>
    withStall(async ({ place, server, stalled }) => {
      const before = place.files();
      const running = place.start(`append -f - -t ${server.host}/appended:v1`);
      running.child.stdin.write(randomBytes(500_000));
      await stalled;
      running.signal("SIGINT");
      assertEquals([await running.ended(), running.out, running.err], [130, "", ""]);
      assertEquals(place.files(), before);
    }));
});
