import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import type { Node } from "../../../src/build/locks/graph.ts";
import { hoistedPlacement } from "../../../src/build/locks/hoisted_placement.ts";
import { lockOf } from "../../../src/build/locks/graph.ts";
import { LockError } from "../../../src/errors.ts";
import { unresolved } from "../../make/lock_resolution.ts";
import { Random } from "../../make/random.ts";

/** A graph from lines such as `a@1: b@2, c@1`; `peer b` is a peer, and a line of a folder is a project's. */
function graphOf(lines: readonly string[]): Map<string, Node> {
  return new Map(lines.map((line) => {
    const [key, rest = ""] = line.split(":");
    const parts = rest.split(",").map((part) => part.trim()).filter((part) => part !== "");
    const edges = parts.filter((part) => !part.startsWith("peer ")).map((to) => ({
      as: to.split("@")[0],
      to,
      optional: false,
    }));
    const peers = parts.filter((part) => part.startsWith("peer ")).map((part) => part.slice("peer ".length));
    const isProject = key.startsWith("/");
    const [name, version = "0"] = isProject ? [key.slice(1) || "root"] : key.split("@");
    const folder = isProject ? { folder: key.slice(1) } : {};
    return [key, { name, version, from: isProject ? "workspace" : "npm", edges, peers, ...folder }];
  }));
}

const placed = (...lines: string[]) => {
  const { paths } = hoistedPlacement(graphOf(lines));
  return Object.fromEntries(
    [...paths].filter(([key]) => !key.startsWith("/")).map(([key, of]) => [key, of.toSorted()]),
  );
};
const lock = (nodes: ReadonlyMap<string, Node>) =>
  lockOf({ file: "yarn.lock", manager: "yarn", nodes, requested: new Map() }, hoistedPlacement);

describe("a hoisted placement", () => {
  it("puts what does not collide at the root, and another version where it is needed", () => {
    assertEquals(placed("/: a@1, b@1", "a@1: c@1", "b@1: c@2", "c@1", "c@2"), {
      "a@1": ["node_modules/a"],
      "b@1": ["node_modules/b"],
      "c@1": ["node_modules/c"],
      "c@2": ["node_modules/b/node_modules/c"],
    });
  });

  it("keeps a package out of the way between another one and what that has found", () => {
    // b needs c@2 in its folder; e, below b, has found c@1 at the root through no such folder.
    const found = placed("/: a@1, c@1", "a@1: b@1", "b@1: e@1, c@2", "e@1: c@1", "c@1", "c@2");
    assertEquals(found["c@2"], ["node_modules/b/node_modules/c"]);
    assertEquals(found["e@1"], ["node_modules/e"]);
  });

  it("puts a package whose peer differs beside the peer that its dependent has", () => {
    const found = placed("/: react@2, a@1, dom@1", "a@1: react@1, dom@1", "dom@1: peer react", "react@1", "react@2");
    assertEquals(found["react@1"], ["node_modules/a/node_modules/react"]);
    assertEquals(found["dom@1"], ["node_modules/a/node_modules/dom", "node_modules/dom"]);
  });

  it("puts what a workspace needs in another version into the workspace", () => {
    assertEquals(placed("/: c@1", "/packages/x: c@2", "c@1", "c@2"), {
      "c@1": ["node_modules/c"],
      "c@2": ["packages/x/node_modules/c"],
    });
  });

  it("ends with packages that depend on one another", () => {
    assertEquals(placed("/: a@1", "a@1: b@1, peer b", "b@1: a@1, peer a"), {
      "a@1": ["node_modules/a"],
      "b@1": ["node_modules/b"],
    });
  });

  it("refuses a circle of versions that no folders can hold", () => {
    const circle = graphOf(["/: a@1", "a@1: b@1", "b@1: a@2", "a@2: b@2", "b@2: a@1"]);
    assertThrows(() => hoistedPlacement(circle), LockError, "other versions of one another in a circle");
  });

  it("refuses versions that would need too many copies", () => {
    const random = new Random(1);
    const keys = Array.from({ length: 800 }, (_, i) => `p${Math.floor(i / 2)}@${i % 2}`);
    const later = (i: number) => Array.from({ length: 6 }, () => keys[random.integer(i + 1, i + 200)]).filter(Boolean);
    const unique = (ids: string[]) => [...new Map(ids.map((id) => [id.split("@")[0], id])).values()].join(", ");
    const lines = keys.map((key, i) => `${key}: ${unique(later(i))}`);
    const wide = graphOf([`/: ${unique(keys.slice(0, 40))}`, ...lines]);
    assertThrows(() => hoistedPlacement(wide), LockError, "more than 20000 folders");
  });

  it("is right for Node.js in random graphs, and does not depend on their order", () => {
    const random = new Random(7);
    for (let run = 0; run < 200; run++) {
      const count = random.integer(4, 15);
      const keys = Array.from({ length: count }, (_, i) => `p${Math.floor(i / 2)}@${i % 2}`);
      const lines = keys.map((key, i) => {
        // Only later ones, so that there is no circle.
        const later = keys.slice(i + 1).filter((other) => other.split("@")[0] !== key.split("@")[0]);
        const chosen = new Map(later.filter(() => random.chance(1 / 3)).map((other) => [other.split("@")[0], other]));
        return `${key}: ${[...chosen.values()].join(", ")}`;
      });
      const some = new Map(keys.filter(() => random.chance(1 / 3)).map((key) => [key.split("@")[0], key]));
      const project = [`/: ${[...some.values()].join(", ")}`, `/w: ${random.pick(keys)}`];
      const whole = lock(graphOf([...project, ...lines]));
      assertEquals(unresolved(whole), [], JSON.stringify([...project, ...lines]));
      assertEquals(lock(graphOf([...project, ...lines].toReversed())).packages, whole.packages);
    }
  });
});
