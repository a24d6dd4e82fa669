import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { chooser, type SyncChoice } from "../../../gcr/sync/tag_choice.ts";

const tags = [
  "latest",
  "v1",
  "1.2",
  "1.2.0",
  "v1.2.3",
  "1.3.0-rc.1",
  "1.3.0",
  "2.0.0-rc.1",
  "2.0.0",
  "2.0.1-alpine",
  "3",
];

const cases: readonly (readonly [string, readonly SyncChoice[], readonly string[]])[] = [
  ["no choice", [], tags],
  ["whole names alone", [{ allow: ["1", "v?1\\.2"] }], ["1.2"]],
  ["what is denied", [{ allow: [".*"], deny: [".*-.*", "v.*", "[123].*"] }], ["latest"]],
  ["a range by order, with prereleases", [{ semverRange: [">=1.2 <2.0.0"] }], [
    "1.2",
    "1.2.0",
    "v1.2.3",
    "1.3.0-rc.1",
    "1.3.0",
    "2.0.0-rc.1",
  ]],
  ["a tilde with a major version, which keeps its minor one", [{ semverRange: ["~1"] }], ["v1"]],
  ["a caret", [{ semverRange: ["^1.3.0"] }], ["1.3.0", "2.0.0-rc.1"]],
  ["one version", [{ semverRange: ["3", "=2"] }], ["2.0.0", "3"]],
  ["any of several choices", [{ allow: ["latest"] }, { semverRange: [">2"] }], ["latest", "2.0.1-alpine", "3"]],
  ["ranges without prereleases", [{ semver: ">= 1.2.0, < 2.0.1" }], ["1.2", "1.2.0", "v1.2.3", "1.3.0", "2.0.0"]],
  ["a part of a name", [{ matches: "alpine$" }], ["2.0.1-alpine"]],
];

describe("chooser", () => {
  for (const [what, choices, chosen] of cases) {
    it(`chooses by ${what}`, () => assertEquals(tags.filter(chooser(choices)), chosen));
  }
});
