import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { CopyRoute, parseRoot } from "../../gcr/copy_route.ts";
import { NameError, UsageError } from "../../src/errors.ts";
import { parseRepository } from "../../src/name/mod.ts";

function route(source: string, target: string): CopyRoute {
  return new CopyRoute(parseRoot(source, {}), parseRoot(target, {}));
}

describe("parseRoot", () => {
  for (
    const [text, name] of [
      ["registry.example.com", "registry.example.com"],
      ["localhost:5000/", "localhost:5000"],
      ["localhost", "localhost"],
      ["registry.example.com/team/", "registry.example.com/team"],
      ["ubuntu", "index.docker.io/library/ubuntu"],
    ]
  ) it(`reads ${text} as ${name}`, () => assertEquals(`${parseRoot(text, {})}`, name));

  it("refuses what can be no name", () => void assertThrows(() => parseRoot("a.example.com/UPPER", {}), NameError));
});

describe("CopyRoute", () => {
  const [a, b] = ["a.example.com", "b.example.com"];

  for (
    const [source, target, from, to] of [
      [`${a}/team`, `${b}/mirror`, `${a}/team`, `${b}/mirror`],
      [`${a}/team`, `${b}/mirror`, `${a}/team/web/app`, `${b}/mirror/web/app`],
      [`${a}/team`, b, `${a}/team/app`, `${b}/team/app`],
      [a, b, `${a}/x/y`, `${b}/x/y`],
      [a, `${b}/mirror`, `${a}/x/y`, `${b}/mirror/x/y`],
      [a, `${a}/mirror`, `${a}/x`, `${a}/mirror/x`],
      [`${a}/team/old`, `${a}/team`, `${a}/team/old/x`, `${a}/team/x`],
    ]
  ) {
    it(`${source} to ${target} leads from ${from} to ${to}`, () => {
      const way = route(source, target);
      assertEquals(way.isSource(parseRepository(from)), true);
      assertEquals(way.targetOf(parseRepository(from)).name, to);
      assertEquals(way.sourceOf(parseRepository(to))?.name, from);
    });
  }

  it("leads back from nothing that is no copy", () => {
    assertEquals(route(`${a}/team`, b).sourceOf(parseRepository(`${b}/other/x`)), undefined);
    // What is beside the target, or the path itself to which a registry goes.
    for (const name of ["teams/x", "x", "team-2", "t"]) {
      assertEquals(route(a, `${b}/team`).sourceOf(parseRepository(`${b}/${name}`)), undefined);
    }
    assertEquals(route(a, `${b}/team`).sourceOf(parseRepository(`${b}/team`)), undefined);
    // The source is below the target here, and no copy.
    assertEquals(route(`${a}/team/old`, `${a}/team`).sourceOf(parseRepository(`${a}/team/old/x`)), undefined);
  });

  it("does not lead from the copies within a registry", () => {
    const way = route(a, `${a}/mirror`);
    assertEquals(["mirror", "mirror/x", "mirrors"].map((name) => way.isSource(parseRepository(`${a}/${name}`))), [
      false,
      false,
      true,
    ]);
  });

  it("refuses to lead back to where it begins", () => {
    for (const [source, target] of [[a, a], [`${a}/x`, `${a}/x/`], [`${a}/x`, a]]) {
      assertThrows(() => route(source, target), UsageError, "would be copied to itself");
    }
  });
});
