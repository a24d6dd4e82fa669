import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { declarationsOf, exportedModules } from "./exports.ts";
import { goNames } from "./go_names.ts";
import { packageSources, read, type Tree, typescript } from "./tree.ts";

const page = read("docs/coming_from_go.md");
const sources = packageSources(typescript());

/** The text in backticks. */
const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

/** The rows of the tables by their package: the cells. */
function rowsOf(text: string): Map<string, string[][]> {
  return new Map(
    text.split(/^## /m).slice(1).map((part) => [
      part.split("\n")[0],
      part.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split(" | ")),
    ]),
  );
}

/** Where each exported name is declared, `file#name`. */
function exportedNames(): Map<string, string> {
  return new Map(exportedModules().flatMap(({ path }) => [...declarationsOf(path, sources)]));
}

/** Whether a class or an interface, or one that it extends, has a member, as far as the text shows it. */
function hasMember(name: string, member: string, tree: Tree): boolean {
  for (const text of tree.values()) {
    const found = new RegExp(`^export (?:abstract )?(?:class|interface) ${name}\\b([^{]*)\\{(.*?)^\\}`, "ms").exec(
      text,
    );
    if (!found) continue;
    const [, heading, body] = found;
    if (new RegExp(`^  (?:readonly |static |async |get |\\*)*${member}\\??[(:<;]`, "m").test(body)) return true;
    if (new RegExp(`^    readonly ${member}\\??:`, "m").test(body)) return true;
    return [...heading.matchAll(/[A-Z]\w+/g)].some(([base]) => base !== name && hasMember(base, member, tree));
  }
  return false;
}

describe("the page for users of the Go packages", () => {
  const rows = rowsOf(page);

  it("has every exported name once", () => {
    const found = Object.fromEntries(
      [...rows].map(([name, cells]) => [name, codes(cells.map(([go]) => go).join()).sort()]),
    );
    assertEquals(
      found,
      Object.fromEntries(Object.entries(goNames).map(([name, names]) => [name, names.split(" ").sort()])),
    );
  });

  it("names only what the package exports", () => {
    const exported = exportedNames();
    const modules = new Set(exportedModules().map(({ name }) => name));
    const ours = page.split("\n").flatMap((line) => codes(line.startsWith("| `") ? line.split(" | ")[1] : line))
      .filter((code) => /^[\w.@/]+$/.test(code) && code !== "Type.member");
    const wrong = ours.filter((code) => {
      if (code.startsWith("@")) return !modules.has(code);
      const [name, member] = code.split(".");
      return !exported.has(name) || (member !== undefined && !hasMember(name, member, sources));
    });
    assertEquals(wrong, []);
  });

  it("is checked by a search that finds what is missing", () => {
    assertEquals(hasMember("Layout", "remove", sources), true);
    assertEquals(hasMember("CraneOptions", "jobs", sources), true);
    assertEquals([hasMember("Layout", "nothing", sources), hasMember("None", "remove", sources)], [false, false]);
  });
});
