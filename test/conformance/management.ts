import type { Check } from "./checks.ts";
import { type Answer, assert, expect, expectError, skipUnless, type World } from "./world.ts";

/** A registry may refuse to delete, by one of these. */
const NOT_OFFERED = [400, 403, 405];

/** Deletes something, or skips the check where the registry does not. */
async function remove(world: World, path: string): Promise<Answer> {
  const answer = await world.send("DELETE", path);
  skipUnless(!NOT_OFFERED.includes(answer.status), `the registry does not delete that (${answer.status})`);
  return expect(answer, 202, 200);
}

/** What was pushed is deleted. */
export const managementChecks: readonly Check[] = [
  {
    workflow: "management",
    title: "a tag is deleted, and its manifest stays",
    run: async (world) => {
      const { digest } = await world.putManifest(await world.image("untagged"), "to-be-untagged");
      await remove(world, "manifests/to-be-untagged");
      expectError(await world.send("GET", "manifests/to-be-untagged"), [404], ["MANIFEST_UNKNOWN"]);
      expect(await world.send("HEAD", `manifests/${digest}`), 200);
    },
  },
  {
    workflow: "management",
    title: "a manifest is deleted by its digest, and its tags with it",
    run: async (world) => {
      const { digest } = await world.putManifest(await world.image("deleted"), "to-be-deleted");
      await remove(world, `manifests/${digest}`);
      for (const reference of [digest, "to-be-deleted"]) {
        expect(await world.send("HEAD", `manifests/${reference}`), 404);
      }
      expect(await world.send("DELETE", `manifests/${digest}`), 404);
    },
  },
  {
    workflow: "management",
    title: "a blob is deleted",
    run: async (world) => {
      const digest = await world.push("to be deleted");
      await remove(world, `blobs/${digest}`);
      expect(await world.send("HEAD", `blobs/${digest}`), 404);
      expect(await world.send("DELETE", `blobs/${digest}`), 404);
    },
  },
  {
    workflow: "management",
    title: "what is deleted is listed no more",
    run: async (world) => {
      const { digest } = await world.putManifest(await world.image("unlisted"), "to-be-unlisted");
      await remove(world, `manifests/${digest}`);
      const list = expect(await world.send("GET", "tags/list"), 200, 404);
      assert(!new TextDecoder().decode(list.bytes).includes("to-be-unlisted"), list, "its tag is in the list still");
    },
  },
];
