import { assertEquals } from "@std/assert";
import { push } from "@gcrane/gcrane/crane";
import { randomImage, randomIndex } from "@gcrane/gcrane/image";
import { appendManifests, changeIndex, removeManifests } from "@gcrane/gcrane/mutate";
import { Puller } from "@gcrane/gcrane/remote";
import type { World } from "../world.ts";

/** Annotates an index, and replaces one of its images. */
export default async function ({ repository }: World): Promise<void> {
  const index = randomIndex({ seed: 1, images: 2 });
  const [first] = (await index.manifest()).manifests;
  const smaller = removeManifests(index, ({ digest }) => digest === first.digest);
  const changed = changeIndex(appendManifests(smaller, [randomImage({ seed: 9 })]), { annotations: { team: "a" } });
  await push(changed, `${repository}:v1`);
  const { annotations, manifests } = await (await new Puller().index(`${repository}:v1`)).manifest();
  assertEquals([annotations, manifests.length], [{ team: "a" }, 2]);
  assertEquals(manifests.some(({ digest }) => digest === first.digest), false);
}
