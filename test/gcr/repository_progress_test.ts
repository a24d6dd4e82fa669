import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { RepositoryProgress } from "../../gcr/repository_progress.ts";
import type { ProgressEvent } from "../../src/image/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";

type Step = [id: string, state: ProgressEvent["state"], complete: number, total?: number];

/** Returns the reports after each step: the bytes so far, and in total. */
function told(steps: readonly Step[], end: "done" | "failed" = "done"): string[] {
  const events: ProgressEvent[] = [];
  const progress = new RepositoryProgress(parseRepository("example.com/a/b"), (event) => events.push(event));
  for (const [id, state, complete, total] of steps) {
    progress.add({ id, label: id, kind: "write", state, complete, total });
  }
  progress.end(end);
  assertEquals(events.every(({ id, label }) => id === "example.com/a/b" && label === "a/b"), true);
  return events.map(({ state, complete, total }) => `${state} ${complete}/${total}`);
}

describe("RepositoryProgress", () => {
  it("adds up what moves, and counts what is announced", () =>
    assertEquals(
      told([
        ["a", "waiting", 0, 10],
        ["b", "waiting", 0, 20],
        ["a", "active", 4, 10],
        ["b", "active", 5, 20],
        ["a", "done", 10, 10],
        ["b", "done", 20, 20],
      ]),
      ["active 4/30", "active 9/30", "active 15/30", "active 30/30", "done 30/30"],
    ));

  it("does not count what need not go, and takes back what a failed try had sent", () =>
    assertEquals(
      told([
        ["a", "waiting", 0, 10],
        ["b", "waiting", 0, 20],
        ["b", "active", 8, 20],
        ["a", "mounted", 0, 10],
        ["b", "active", 0, 20],
        ["b", "failed", 0, 20],
      ], "failed"),
      ["active 8/30", "active 8/20", "active 0/20", "active 0/20", "failed 0/20"],
    ));

  it("says nothing where nothing moves", () =>
    assertEquals(told([["a", "waiting", 0, 10], ["a", "skipped", 0, 10], ["b", "mounted", 0, 3]]), []));
});
