import { assertEquals } from "@std/assert";
import { diff, diskUse, pull, push } from "@gcrane/gcrane/crane";
import { imageOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Compares two images by their files, and finds what takes space. */
export default async function ({ repository }: World): Promise<void> {
  await push(await imageOf({ "etc/motd": "a", "etc/hosts": "" }), `${repository}:a`);
  await push(await imageOf({ "etc/motd": "b", "etc/hosts": "" }), `${repository}:b`);
  const [a, b] = await Promise.all([pull(`${repository}:a`), pull(`${repository}:b`)]);
  const { equal, files } = await diff(a, b);
  assertEquals([equal, files.map(({ kind, path }) => [kind, path])], [false, [["changed", "/etc/motd"]]]);
  assertEquals((await diskUse(a)).used, 1);
}
