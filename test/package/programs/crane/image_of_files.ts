import { assertEquals } from "@std/assert";
import { extract, image, pull, push } from "@gcrane/gcrane/crane";
import { filesOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Makes an image of files that are given by their paths. */
export default async function ({ repository }: World): Promise<void> {
  const made = await image({ "etc/motd": "hello", "etc/hosts": "" });
  await push(made, `${repository}:v1`);
  const pulled = await pull(`${repository}:v1`);
  assertEquals(await pulled.digest(), await made.digest());
  assertEquals(await filesOf(extract(pulled)), { "etc/motd": "hello", "etc/hosts": "" });
}
