import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { tokens } from "./lexer.ts";
import { packageSources, projectFiles, read, type Tree, typescript } from "./tree.ts";

/** Files over the limit, with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};
const LONGEST = 400;

describe("source files", () => {
  const sources = typescript();

  it("have names in snake_case that say what is inside", () => {
    const wrong = [...sources.keys()].filter((path) => {
      const parts = path.replace(/(\.d)?\.tsx?$/, "").split("/");
      return parts.some((part) =>
        !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(part) || /^(utils?|helpers?|common|misc)$/.test(part)
      );
    });
    assertEquals(wrong, []);
  });

  it(`have at most ${LONGEST} lines, unless there is a reason`, () => {
    const long = [...sources].filter(([, source]) => source.split("\n").length > LONGEST + 1).map(([path]) => path);
    assertEquals(long, Object.keys(LONG_FILES));
  });
});

describe("sources of the package", () => {
  const withUsing = (sources: Tree) =>
    [...sources].filter(([, source]) =>
      tokens(source).some(({ kind, value }, at, all) =>
        kind === "name" && value === "using" && all[at + 1]?.kind === "name" && all[at + 2]?.value === "="
      )
    ).map(([path]) => path);

  it("have no using, which Node.js 22 can't parse", () => {
    assertEquals(withUsing(packageSources(typescript())), []);
    const wrong = new Map([["a.ts", "{ await using file = open(); }"], ["b.ts", "// using a = b\nconst using = 1;"]]);
    assertEquals(withUsing(wrong), ["a.ts"]);
  });
});

describe("all files", () => {
  // In parts, so that this file does not match itself.
  const hosts = [
    ["registry", "npmjs"],
    ["registry", "yarnpkg"],
    ["registry", "npmmirror"],
    ["deb", "debian"],
    ["ftp", "debian"],
    ["security", "debian"],
    ["archive", "ubuntu"],
  ].map((parts) => parts.join("."));

  it("name no package registry's or mirror's host", () => {
    const wrong = projectFiles().filter((path) => {
      const text = read(path);
      return hosts.some((host) => text.includes(host));
    });
    assertEquals(wrong, []);
  });

  it("that configure or lock hold no URL", () => {
    const files = projectFiles().filter((path) => /^[^/]+\.(json|lock|toml)$/.test(path) || path === ".npmrc");
    assertEquals(files.filter((path) => /https?:/.test(read(path))), []);
  });
});
