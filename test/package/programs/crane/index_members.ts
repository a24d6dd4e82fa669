import { assertEquals } from "@std/assert";
import { appendToIndex, filterIndex, indexMembers, push } from "@gcrane/gcrane/crane";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Makes an index of images, and selects from it. */
export default async function ({ repository }: World): Promise<void> {
  const architectures = ["amd64", "arm64"];
  const members = architectures.map((architecture) => `${repository}:${architecture}`);
  for (const [seed, member] of members.entries()) {
    await push(randomImage({ seed, platform: `linux/${architectures[seed]}` }), member);
  }
  const index = await appendToIndex(undefined, members, { tag: `${repository}:all` });
  assertEquals((await indexMembers(index)).map(({ platform }) => platform?.architecture), architectures);
  const filtered = await filterIndex(index, ["linux/arm64"]);
  assertEquals((await indexMembers(filtered)).map(({ platform }) => platform?.architecture), ["arm64"]);
}
