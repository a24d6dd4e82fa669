import { assert, assertEquals } from "@std/assert";
import { catalog, listPages, push } from "@gcrane/gcrane/crane";
import { emptyImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Lists tags in pages, and the repositories of a registry. */
export default async function ({ registry, repository }: World): Promise<void> {
  const image = emptyImage();
  for (const tag of ["v1", "v2", "v3"]) await push(image, `${repository}:${tag}`);
  const pages = await Array.fromAsync(listPages(repository, { pageSize: 2 }));
  assertEquals(pages.map(({ tags }) => tags), [["v1", "v2"], ["v3"]]);
  const names = await Array.fromAsync(catalog(registry));
  assert(names.includes(repository.slice(registry.length + 1)), names.join());
}
