import { assertEquals, assertThrows } from "@std/assert";
import {
  isImage,
  MediaType,
  parseHash,
  parseManifest,
  parsePlatform,
  platformSatisfies,
  platformString,
} from "@gcrane/gcrane/spec";
import { HashError } from "@gcrane/gcrane";
import { manifest, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Reads manifests, platforms and digests. */
export default async function ({ repository }: World): Promise<void> {
  await push(randomImage({ seed: 1, layers: 2 }), `${repository}:v1`);
  const { layers, mediaType } = parseManifest(await manifest(`${repository}:v1`), "the manifest");
  assertEquals([layers.length, isImage(mediaType), isImage(MediaType.OciImageIndex)], [2, true, false]);
  const platform = parsePlatform("linux/arm64/v8");
  assertEquals([platformString(platform), platformSatisfies(platform, "linux/arm64")], ["linux/arm64/v8", true]);
  assertThrows(() => parseHash("sha256:abc"), HashError);
}
