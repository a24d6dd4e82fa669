import { transfer } from "../../src/graph/mod.ts";
import { type Image, imageFromCompressed } from "../../src/image/mod.ts";
import { digestBytes, streamOf } from "../../src/io/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { sinkContract, type SinkUnderTest } from "../contracts/sink_contract.ts";
import { ModelSink, type ModelSinkOptions, World } from "../fakes/model_sink.ts";

function openModel(options: ModelSinkOptions): SinkUnderTest {
  const sink = new ModelSink(new World(), "model", options);
  const imageIn = (digest: Hash): Image =>
    imageFromCompressed({
      rawManifest: () => Promise.resolve(sink.manifests.get(digest)!.bytes as Bytes),
      blob: ({ digest }) => ({ compressed: () => Promise.resolve(streamOf(sink.blobs.get(digest) as Bytes)) }),
    });
  return {
    async write(roots, options) {
      await transfer(roots, sink, options);
      const images: Image[] = [];
      for (const { view } of roots) if (view.kind === "image") images.push(imageIn(await view.digest()));
      const stored = sink.digests();
      return { images, print: await digestBytes(new TextEncoder().encode([...stored].sort().join(" "))), stored };
    },
    leftovers: () => [],
    names: () => sink.names,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

for (const takes of ["any", "once", "none"] as const) {
  sinkContract(`a model of a sink that takes ${takes} of what has no digest`, {
    open: () => Promise.resolve(openModel({ takes })),
    keeps: true,
    indexes: true,
  });
}
