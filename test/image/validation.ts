import { assert, assertRejects } from "@std/assert";
import { ValidationError } from "../../src/errors.ts";
import type { Image } from "../../src/image/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { bigTar, type ImageParts, MemorySource, tarOf } from "../make/memory_source.ts";

/** Two layers: a small one, and one that takes several chunks to read. */
export const TARS = [await tarOf({ a: "1", "b/c": "2" }), await bigTar(1)];

/** The digest of nothing that a test has. */
export const OTHER: Hash = `sha256:${"0".repeat(64)}`;

/** What is wrong, by the message of the ValidationError that must come. */
export async function problemsOf(work: Promise<void>): Promise<string[]> {
  const error = await assertRejects(() => work, ValidationError);
  assert(!error.message.includes("\n"));
  return error.message.split("; ");
}

/** An image with something changed, and where it is. */
export async function imageWith(parts: Partial<ImageParts>): Promise<{ source: MemorySource; image: Image }> {
  const source = new MemorySource();
  return { source, image: source.image(await source.addImage({ layers: TARS, ...parts })) };
}
