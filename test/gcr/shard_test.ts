import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { isInShard } from "../../gcr/internal.ts";
import { parseShard } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";

const nowhere = () => undefined;
const inside = (variables: Record<string, string>) => (name: string) => variables[name];

describe("parseShard", () => {
  it("reads index and count", () => assertEquals(parseShard("2/8", nowhere), { index: 2, count: 8 }));

  it("takes both from a Cloud Run job, and the index from a Kubernetes job", () => {
    const cloudRun = inside({ CLOUD_RUN_TASK_INDEX: "3", CLOUD_RUN_TASK_COUNT: "10" });
    assertEquals(parseShard("auto", cloudRun), { index: 3, count: 10 });
    assertEquals(parseShard("auto/4", inside({ JOB_COMPLETION_INDEX: "0" })), { index: 0, count: 4 });
  });

  for (
    const [text, variables, message] of [
      ["8/8", {}, "there is no shard 8 of 8"],
      ["0/0", {}, "at least one"],
      ["3", {}, "is not a shard"],
      ["a/b", {}, "is not a shard"],
      ["-1/4", {}, "is not a shard"],
      ["auto", {}, "CLOUD_RUN_TASK_INDEX or JOB_COMPLETION_INDEX"],
      ["auto", { JOB_COMPLETION_INDEX: "1" }, "CLOUD_RUN_TASK_COUNT"],
      ["auto/2", { JOB_COMPLETION_INDEX: "one" }, 'JOB_COMPLETION_INDEX must be a whole number, not "one"'],
    ] as const
  ) {
    it(`refuses ${text} with ${JSON.stringify(variables)}`, () => {
      assertThrows(() => parseShard(text, inside(variables)), UsageError, message);
    });
  }
});

describe("isInShard", () => {
  const names = Array.from({ length: 4000 }, (_, i) => `team-${i % 40}/service-${i}`);

  it("puts each name into one shard, and about as many into each", () => {
    for (const count of [1, 2, 7, 16]) {
      const sizes = Array.from(
        { length: count },
        (_, index) => names.filter((name) => isInShard(name, { index, count })).length,
      );
      assertEquals(sizes.reduce((a, b) => a + b), names.length);
      assertEquals(sizes.every((size) => Math.abs(size - names.length / count) < names.length / count / 4), true);
    }
  });

  it("puts a name into the same shard for ever", () => {
    const shards = ["library/ubuntu", "team/app", "a"].map((name) =>
      [0, 1, 2, 3, 4, 5, 6, 7].find((index) => isInShard(name, { index, count: 8 }))
    );
    assertEquals(shards, [0, 7, 3]);
  });
});
