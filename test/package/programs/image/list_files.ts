import { assertEquals } from "@std/assert";
import { pull, push } from "@gcrane/gcrane/crane";
import { readTar } from "@gcrane/gcrane/tar";
import { imageOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Lists the files of each layer of an image. */
export default async function ({ repository }: World): Promise<void> {
  await push(await imageOf({ "etc/motd": "hello", "etc/hosts": "" }), `${repository}:v1`);
  const found: string[] = [];
  for (const layer of await (await pull(`${repository}:v1`)).layers()) {
    for await (const { path, size } of readTar(await layer.uncompressed())) found.push(`${path} ${size}`);
  }
  assertEquals(found, ["etc/motd 5", "etc/hosts 0"]);
}
