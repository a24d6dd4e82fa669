// What the tests of images in a Docker Engine are made of.

import { type Image, imageFromUncompressed } from "../../src/image/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { writeTarball } from "../../src/tarball/mod.ts";
import type { EngineAnswers } from "../fakes/fake_engine.ts";
import { collect } from "./streams.ts";

/** The name of the image that an engine holds. */
export const NAME = "example.com/a:v1";

/** Returns an engine's inspection of an image. */
export async function inspectionOf(image: Image, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { os, architecture, rootfs } = await image.configFile();
  return {
    Id: await image.configName(),
    RepoTags: [NAME],
    Os: os,
    Architecture: architecture,
    RootFS: { Type: "layers", Layers: rootfs.diff_ids },
    ...more,
  };
}

/** Answers of an engine that has an image, by its name and by its id, and takes any other. */
export async function holding(image: Image, more: Record<string, unknown> = {}): Promise<EngineAnswers> {
  const body = await inspectionOf(image, more);
  return {
    [`GET /images/${NAME}/json`]: { body },
    [`GET /images/${body.Id}/json`]: { body },
    [`GET /images/${body.Id}/history`]: { body: [{ Created: 0, CreatedBy: "a step", Size: 1 }] },
    [`POST /images/${body.Id}/tag`]: { status: 201 },
    "GET /images/get": { body: await collect(writeTarball([{ image }])) },
  };
}

/** The same layers with another config. */
export function withConfig(image: Image, fields: Record<string, unknown>): Image {
  return imageFromUncompressed({
    rawConfigFile: async () => jsonBytes({ ...await image.configFile(), ...fields }),
    layers: () => image.layers(),
  });
}
