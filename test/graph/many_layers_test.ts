import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { transfer } from "../../src/graph/mod.ts";
import { type Image, imageFromCompressed } from "../../src/image/mod.ts";
import { streamOf } from "../../src/io/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import { ModelSink, World } from "../fakes/model_sink.ts";

/** An image with so many layers, each with a digest of its own. */
function imageOf(count: number): Image {
  const blob = (index: number, mediaType: string) => ({
    mediaType,
    digest: `sha256:${index.toString(16).padStart(64, "0")}` as Hash,
    size: 0,
  });
  const layers = Array.from({ length: count }, (_, index) => blob(index + 1, MediaType.OciLayer));
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.OciManifest,
    config: blob(0, MediaType.OciConfig),
    layers,
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  return imageFromCompressed({
    rawManifest: () => Promise.resolve(bytes),
    blob: () => ({ compressed: () => Promise.resolve(streamOf(new Uint8Array())) }),
  });
}

/** A sink that holds every blob, and counts the questions. */
class FullSink extends ModelSink {
  asked = 0;

  override hasBlob(): Promise<boolean> {
    this.asked++;
    return Promise.resolve(true);
  }

  override putManifest(): Promise<void> {
    return Promise.resolve();
  }
}

describe("an image of 20,000 layers", () => {
  it("costs one question for each blob", async () => {
    const sink = new FullSink(new World(), "full");
    await transfer([{ view: imageOf(20_000) }], sink);
    assertEquals(sink.asked, 20_001);
  });

  it("does not keep out an abort, even if its work never waits", async () => {
    const sink = new FullSink(new World(), "full");
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 0);
    await assertRejects(() => transfer([{ view: imageOf(20_000) }], sink, { signal: stop.signal }), Error, "enough");
    assert(sink.asked < 2_000, `${sink.asked} questions after the abort was due`);
  });
});
