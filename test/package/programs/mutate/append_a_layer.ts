import { assertEquals } from "@std/assert";
import { extract, pull, push } from "@gcrane/gcrane/crane";
import { annotateBase, appendLayers } from "@gcrane/gcrane/mutate";
import { filesOf, imageOf, layerOf } from "../contents.ts";
import type { World } from "../world.ts";

/** Puts a layer onto an image of the registry, and notes the base. */
export default async function ({ repository }: World): Promise<void> {
  await push(await imageOf({ "etc/motd": "old", "etc/hosts": "" }), `${repository}:base`);
  const base = await pull(`${repository}:base`);
  const added = { layer: await layerOf({ "etc/motd": "new" }), history: { created_by: "a program" } };
  const noted = annotateBase(appendLayers(base, [added]), { name: `${repository}:base`, digest: await base.digest() });
  await push(noted, `${repository}:v1`);
  const pulled = await pull(`${repository}:v1`);
  assertEquals(await filesOf(extract(pulled)), { "etc/motd": "new", "etc/hosts": "" });
  assertEquals((await pulled.manifest()).annotations?.["org.opencontainers.image.base.digest"], await base.digest());
  assertEquals((await pulled.configFile()).history?.at(-1)?.created_by, "a program");
}
