import { assertEquals, assertRejects } from "@std/assert";
import { HttpError } from "@gcrane/gcrane";
import { digest, head, push, remove, tag } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Tags an image again, and deletes it. */
export default async function ({ repository }: World): Promise<void> {
  const pushed = await push(randomImage({ seed: 1 }), `${repository}:v1`);
  await tag(pushed, "latest");
  const { digest: latest } = await head(`${repository}:latest`);
  assertEquals(pushed, `${repository}@${latest}`);
  await remove(pushed);
  const { status } = await assertRejects(() => digest(`${repository}:latest`), HttpError);
  assertEquals(status, 404);
}
