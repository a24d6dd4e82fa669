import { assertEquals } from "@std/assert";
import { copy, digest, push } from "@gcrane/gcrane/crane";
import { randomIndex } from "@gcrane/gcrane/image";
import { Client } from "@gcrane/gcrane/remote";
import type { World } from "../world.ts";

/** Copies an index between repositories, with one client for both. */
export default async function ({ repository }: World): Promise<void> {
  const options = { client: new Client() };
  const index = randomIndex({ seed: 1 });
  await push(index, `${repository}:v1`, options);
  await copy(`${repository}:v1`, `${repository}/copy:v1`, options);
  assertEquals(await digest(`${repository}/copy:v1`, options), await index.digest());
}
