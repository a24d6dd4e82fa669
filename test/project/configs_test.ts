import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { projectFiles, read, readJson } from "./tree.ts";

const deno = readJson("deno.json");
const jsr = readJson("jsr.json");
const npm = readJson("package.json");
const paths = (readJson("tsconfig.json").compilerOptions as { paths: Record<string, string[]> }).paths;
const denoImports = deno.imports as Record<string, string>;
const jsrImports = jsr.imports as Record<string, string>;
const dependencies = npm.dependencies as Record<string, string>;

/** `npm:@scope/name@1.2.3/sub/path.js` in parts. */
function npmSpecifier(specifier: string): { name: string; version: string; path: string } {
  const match = /^npm:((?:@[^/]+\/)?[^@/]+)@([^/]+)(?:\/(.*))?$/.exec(specifier);
  if (match === null) throw new Error(`${specifier} is no npm: specifier with a version`);
  return { name: match[1], version: match[2], path: match[3] ?? "" };
}

/** Packages of which another version might write other bytes: the digests of reproducible layers hang on them. */
const pinned = ["fflate"];

const isStd = (name: string) => name.startsWith("@std/");
const packageOf = (name: string) => name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/");
const unique = (names: string[]) => [...new Set(names)].sort();

describe("deno.json, jsr.json and package.json", () => {
  it("agree on name, version, licence and exports", () => {
    for (const field of ["name", "version", "license", "exports"]) {
      assertEquals(jsr[field], deno[field], `jsr.json: ${field}`);
      assertEquals(npm[field], deno[field], `package.json: ${field}`);
    }
  });

  it("keep the name that must stay", () => assertEquals(deno.name, "@gcrane/gcrane"));

  it("export every room but the inner ones", () => {
    const inner = ["src/http/mod.ts", "src/io/mod.ts", "src/runtime/mod.ts"];
    const rooms = projectFiles().filter((path) =>
      /^(src\/[^/]+|src\/authn\/[^/]+|gcr)\/mod\.ts$/.test(path) && !inner.includes(path)
    );
    const exported = Object.values(deno.exports as Record<string, string>);
    assertEquals(rooms.filter((path) => !exported.includes(`./${path}`)), []);
  });

  it("map the same packages", () => {
    assertEquals(unique(Object.keys(jsrImports)), unique(Object.keys(denoImports).map(packageOf)));
  });

  it("resolve a package to the same version everywhere", () => {
    const exact = Object.values(denoImports).map(npmSpecifier).map(({ name, version }) => `${name}@${version}`);
    assertEquals(unique(exact), unique(Object.entries(dependencies).map(([name, version]) => `${name}@${version}`)));
    for (const [name, specifier] of Object.entries(jsrImports)) {
      const expected = isStd(name)
        ? new RegExp(`^jsr:${name}@\\^1\\.\\d+\\.\\d+$`)
        : `npm:${name}@${pinned.includes(name) ? "" : "^"}${dependencies[name]}`;
      assertEquals(typeof expected === "string" ? specifier === expected : expected.test(specifier), true, specifier);
    }
  });
});

describe("@std", () => {
  const std = Object.entries(denoImports).filter(([name]) => isStd(name));

  it("comes from deno-std under the name that JSR has for it", () => {
    for (const [name, specifier] of std) {
      const [, room, module] = name.split("/");
      const path = `${room}/${(module ?? "mod").replaceAll("-", "_")}.js`;
      assertEquals({ ...npmSpecifier(specifier), version: "" }, { name: "deno-std", version: "", path });
    }
  });

  it("has the same files in tsconfig.json, for Bun", () => {
    const expected = std.map((
      [name, specifier],
    ) => [name, [`./node_modules/deno-std/${npmSpecifier(specifier).path}`]]);
    assertEquals(paths, Object.fromEntries(expected));
  });

  it("is declared in std.d.ts, module by module", () => {
    const declared = [...read("test/types/std.d.ts").matchAll(/^declare module "(.+)"/gm)].map(([, name]) => name);
    assertEquals(unique(declared), unique(std.map(([name]) => name)));
  });
});

describe("the locks", () => {
  it("know nothing of JSR, whose own bytes a mirror does not have", () => {
    assertEquals(Object.keys(readJson("deno.lock")), ["version", "specifiers", "npm", "workspace"]);
    assertEquals(read("deno.lock").includes("jsr:"), false);
  });

  it("hold the version that deno.json asks for", () => {
    const lock = readJson("deno.lock") as { specifiers: Record<string, string> };
    for (const { name, version } of Object.values(denoImports).map(npmSpecifier)) {
      assertEquals(lock.specifiers[`npm:${name}@${version}`], version, `deno.lock: ${name}`);
      assertEquals(read("bun.lock").includes(`["${name}@${version}"`), true, `bun.lock: ${name}`);
    }
  });
});
