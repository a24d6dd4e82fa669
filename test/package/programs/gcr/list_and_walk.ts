import { assertEquals } from "@std/assert";
import { push } from "@gcrane/gcrane/crane";
import { listRepository, walkRepositories } from "@gcrane/gcrane/gcr";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Reads Google's listing of a repository, and walks through those below it. */
export default async function ({ repository }: World): Promise<void> {
  const image = randomImage({ seed: 1 });
  for (const name of ["", "/web", "/web/api"]) await push(image, `${repository}${name}:v1`);
  const { tags, child, manifest } = await listRepository(repository);
  assertEquals([tags, child], [["v1"], ["web"]]);
  assertEquals(manifest![await image.digest()].tag, ["v1"]);
  const names: string[] = [];
  for await (const found of walkRepositories(repository)) names.push(found.repository.name);
  assertEquals(names.sort(), [repository, `${repository}/web`, `${repository}/web/api`]);
}
