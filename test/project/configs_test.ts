import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFiles, npmSpecifier, staleConfigs } from "../../tools/configs.ts";
import { projectFiles, read, readJson, top } from "./tree.ts";

const deno = readJson("deno.json");
const denoImports = deno.imports as Record<string, string>;

const isStd = (name: string) => name.startsWith("@std/");
const unique = (names: string[]) => [...new Set(names)].sort();

describe("deno.json", () => {
  it("keeps the name that must stay", () => assertEquals(deno.name, "@gcrane/gcrane"));

  it("exports every room but the inner ones", () => {
    const inner = ["src/http/mod.ts", "src/io/mod.ts", "src/runtime/mod.ts"];
    const rooms = projectFiles().filter((path) =>
      /^(src\/[^/]+|src\/authn\/[^/]+|gcr)\/mod\.ts$/.test(path) && !inner.includes(path)
    );
    const exported = Object.values(deno.exports as Record<string, string>);
    assertEquals(rooms.filter((path) => !exported.includes(`./${path}`)), []);
  });

  it("determines jsr.json, package.json, tsconfig.json and src/version.ts: deno task configs writes them", () => {
    assertEquals(staleConfigs(top), []);
  });
});

describe("deno task configs", () => {
  /** Runs work in a folder with the configuration of this checkout, with another deno.json. */
  const changed = (change: (deno: Record<string, unknown>) => unknown, work: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_configs_"));
    try {
      mkdirSync(join(folder, "src"));
      for (const path of ["jsr.json", "package.json", "tsconfig.json", "src/version.ts"]) {
        cpSync(join(top, path), join(folder, path));
      }
      writeFileSync(join(folder, "deno.json"), JSON.stringify(change(deno)));
      work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const parsed = (files: Map<string, string>, path: string) => JSON.parse(files.get(path)!);

  it("changes version, exports and packages in each file that has them", () => {
    const imports = {
      ...denoImports,
      hono: "npm:hono@5.0.0/tiny",
      fflate: "npm:fflate@0.9.0",
    };
    const exports = { ".": "./mod.ts" };
    changed((before) => ({ ...before, version: "1.2.3", exports, imports }), (folder) => {
      assertEquals(staleConfigs(folder), ["jsr.json", "package.json", "src/version.ts"]);
      const files = configFiles(folder);
      const [jsr, npm] = [parsed(files, "jsr.json"), parsed(files, "package.json")];
      assertEquals([jsr.version, npm.version, jsr.exports, npm.exports], ["1.2.3", "1.2.3", exports, exports]);
      assertEquals([jsr.imports.hono, npm.dependencies.hono], ["npm:hono@^5.0.0", "5.0.0"]);
      // Its output has digests that must stay.
      assertEquals(jsr.imports.fflate, "npm:fflate@0.9.0");
      assertEquals(
        jsr.imports["@std/encoding"],
        (readJson("jsr.json").imports as Record<string, string>)["@std/encoding"],
      );
      assertEquals(/VERSION = (.*);/.exec(files.get("src/version.ts")!)?.[1], '"1.2.3"');
    });
  });

  it("maps a new module of @std for Bun, and asks for the version of a new package of @std on JSR", () => {
    const added = { ...denoImports, "@std/encoding/base32": "npm:deno-std@1.4.0/encoding/base32.js" };
    changed((before) => ({ ...before, imports: added }), (folder) => {
      assertEquals(staleConfigs(folder), ["tsconfig.json"]);
      assertEquals(parsed(configFiles(folder), "tsconfig.json").compilerOptions.paths["@std/encoding/base32"], [
        "./node_modules/deno-std/encoding/base32.js",
      ]);
    });
    const unknown = { ...denoImports, "@std/ulid": "npm:deno-std@1.4.0/ulid/mod.js" };
    changed((before) => ({ ...before, imports: unknown }), (folder) => {
      assertThrows(() => configFiles(folder), Error, 'jsr.json: add "@std/ulid": "jsr:@std/ulid@^…"');
    });
  });

  it("refuses two versions of a package", () => {
    const imports = { ...denoImports, "@std/encoding/hex": "npm:deno-std@1.5.0/encoding/hex.js" };
    changed((before) => ({ ...before, imports }), (folder) => {
      assertThrows(() => configFiles(folder), Error, "imports name deno-std in two versions, 1.4.0 and 1.5.0");
    });
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
