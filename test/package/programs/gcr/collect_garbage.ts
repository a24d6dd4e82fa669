import { assertEquals } from "@std/assert";
import { list, push } from "@gcrane/gcrane/crane";
import {
  applyGarbagePlan,
  collectGarbage,
  parsePlan,
  type PlannedItem,
  plannedItem,
  planText,
} from "@gcrane/gcrane/gcr";
import { randomImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Plans what garbage collection deletes, and applies the text of the plan. */
export default async function ({ repository }: World): Promise<void> {
  for (const [seed, tag] of ["v1", "pr-1", "pr-2"].entries()) await push(randomImage({ seed }), `${repository}:${tag}`);
  const items: PlannedItem[] = [];
  const rules = { grace: 0, remove: [{ tag: "pr-*" }] };
  await collectGarbage(repository, { rules, onEvent: (event) => items.push(...[plannedItem(event) ?? []].flat()) });
  const terms = { grace: 0, orphans: false, trustCreated: false, allowMissing: false };
  const text = [...planText({ ...terms, created: new Date().toISOString(), items })].join("");
  const { deleted, failed } = await applyGarbagePlan(parsePlan(text, "the plan"));
  assertEquals([items.length, deleted, failed], [2, 2, 0]);
  assertEquals(await Array.fromAsync(list(repository)), ["v1"]);
}
