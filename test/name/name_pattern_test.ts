import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { anyOf, namePattern, repositoryPattern } from "../../src/name/internal.ts";
import { UsageError } from "../../src/errors.ts";

describe("namePattern", () => {
  for (
    const [pattern, matching, others] of [
      ["v1.*", ["v1.0", "v1."], ["v10", "xv1.0", "v1"]],
      ["v?", ["v1"], ["v", "v10"]],
      ["latest", ["latest"], ["latest-1"]],
      ["team/*", ["team/app"], ["team", "team/web/app", "xteam/app"]],
      ["team/**", ["team/app", "team/web/app"], ["team"]],
      ["a+b(c)", ["a+b(c)"], ["aab(c)"]],
      ["/^v\\d+$/", ["v12"], ["v1.2", "xv1"]],
      ["/rc/", ["v1-rc2", "rc"], ["v1"]],
    ] as const
  ) {
    it(`${pattern} matches ${matching.join(", ")} and not ${others.join(", ")}`, () => {
      const matches = namePattern(pattern);
      assertEquals([...matching, ...others].filter(matches), [...matching]);
    });
  }

  it("refuses what is no regular expression, and nothing", () => {
    assertThrows(() => namePattern("/(/"), UsageError, "/(/ is not a regular expression");
    assertThrows(() => namePattern(""), UsageError, "empty");
  });
});

describe("repositoryPattern", () => {
  it("means what is below too", () => {
    const names = ["team", "team/app", "team/app/cache", "teams", "team/tmp-1/x", "a/team"];
    assertEquals(names.filter(repositoryPattern("team/tmp-*")), ["team/tmp-1/x"]);
    assertEquals(names.filter(repositoryPattern("team")), ["team", "team/app", "team/app/cache", "team/tmp-1/x"]);
    assertEquals(names.filter(repositoryPattern("/app$/")), ["team/app"]);
    assertEquals(names.filter(anyOf([repositoryPattern("teams"), repositoryPattern("a")])), ["teams", "a/team"]);
  });
});
