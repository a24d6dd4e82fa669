import { assertEquals } from "@std/assert";
import { crane, randomImage } from "@gcrane/gcrane";
import type { World } from "../world.ts";

/** Pushes an image under two tags and lists them. */
export default async function ({ repository }: World): Promise<void> {
  const image = randomImage({ seed: 1 });
  for (const tag of ["v1", "v2"]) await crane.push(image, `${repository}:${tag}`);
  assertEquals(await Array.fromAsync(crane.list(repository)), ["v1", "v2"]);
  assertEquals(await crane.digest(`${repository}:v2`), await image.digest());
}
