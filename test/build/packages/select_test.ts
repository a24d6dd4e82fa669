import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import type { Lock, LockedPackage } from "../../../src/build/locked_package.ts";
import { fits, packagesFor } from "../../../src/build/packages/mod.ts";
import { PackageError } from "../../../src/errors.ts";
import { parsePlatform } from "../../../src/spec/mod.ts";

const on = (platform: string) => parsePlatform(platform);

describe("a package's os, cpu and libc", () => {
  const cases: readonly [
    string,
    Pick<LockedPackage, "os" | "cpu" | "libc">,
    string,
    "glibc" | "musl" | undefined,
    boolean,
  ][] = [
    ["none are for all", {}, "linux/riscv64", "musl", true],
    ["have Node.js's name of amd64", { cpu: ["x64"] }, "linux/amd64", undefined, true],
    ["have Node.js's name of 386", { cpu: ["ia32"] }, "linux/386", undefined, true],
    ["have the name arm for each variant", { cpu: ["arm"] }, "linux/arm/v7", undefined, true],
    ["have the name arm64 with a variant", { cpu: ["arm64"] }, "linux/arm64/v8", undefined, true],
    ["have Node.js's name of ppc64le", { cpu: ["ppc64"] }, "linux/ppc64le", undefined, true],
    ["have Node.js's name of Windows", { os: ["win32"] }, "windows/amd64", undefined, true],
    ["of another processor", { os: ["linux"], cpu: ["arm64"] }, "linux/amd64", undefined, false],
    ["of another system", { os: ["darwin"] }, "linux/amd64", undefined, false],
    ["leave a system out", { os: ["!win32"] }, "windows/amd64", undefined, false],
    ["leave another system out", { os: ["!win32", "!darwin"] }, "linux/amd64", undefined, true],
    ["leave out and name", { cpu: ["!arm", "x64"] }, "linux/s390x", undefined, false],
    ["are any", { os: ["any"] }, "linux/amd64", undefined, true],
    ["have the library", { libc: ["musl"] }, "linux/amd64", "musl", true],
    ["have another library", { libc: ["glibc"] }, "linux/amd64", "musl", false],
    ["have a library, and the base's is not known", { libc: ["musl"] }, "linux/amd64", undefined, true],
    ["have a library, which only Linux has", { libc: ["glibc"] }, "windows/amd64", undefined, false],
    ["name what no processor is", { cpu: ["none"] }, "linux/amd64", undefined, false],
  ];
  for (const [what, locked, platform, library, expected] of cases) {
    it(`that ${what}: ${JSON.stringify(locked)} on ${platform}${library ? ` with ${library}` : ""}`, () => {
      assertEquals(fits(locked, on(platform), library), expected);
    });
  }
});

function locked(name: string, more: Partial<LockedPackage> = {}): LockedPackage {
  return {
    name,
    version: "1.0.0",
    from: "npm",
    paths: [`node_modules/${name}`],
    optional: false,
    dependencies: [],
    ...more,
  };
}

function lockOf(packages: readonly LockedPackage[], more: Partial<Lock> = {}): Lock {
  const requested = new Map([["", new Map([["image", "^1"]])]]);
  return { file: "package-lock.json", manager: "npm", packages, links: [], requested, ...more };
}

describe("the packages for a platform", () => {
  const packages = [
    locked("image", { dependencies: ["image-linux@1.0.0", "image-wasm@1.0.0", "shared@1.0.0"] }),
    locked("image-linux", { optional: true, os: ["linux"], cpu: ["x64"], dependencies: ["shared@1.0.0"] }),
    locked("image-wasm", { optional: true, cpu: ["wasm32"], dependencies: ["emulated@1.0.0", "shared@1.0.0"] }),
    locked("emulated", { optional: true }),
    locked("shared"),
  ];
  const names = (lock: Lock) => lock.packages.map(({ name }) => name);

  it("are without those for others, and without what only those need", () => {
    assertEquals(names(packagesFor(lockOf(packages), on("linux/amd64"))), ["image", "image-linux", "shared"]);
    assertEquals(names(packagesFor(lockOf(packages), on("linux/arm64"))), ["image", "shared"]);
  });

  it("keep what workspaces lead to", () => {
    const workspace = locked("app", { from: "workspace", paths: ["packages/app"], dependencies: ["shared@1.0.0"] });
    const requested = new Map([["", new Map()], ["packages/app", new Map([["shared", "*"]])]]);
    assertEquals(names(packagesFor(lockOf([workspace, locked("shared")], { requested }), on("linux/amd64"))), [
      "app",
      "shared",
    ]);
  });

  it("have no links to what is left out, nor links of it", () => {
    const store = "node_modules/.pnpm";
    const of = (name: string) => `${store}/${name}@1.0.0/node_modules/${name}`;
    const stored = packages.map((each) => ({ ...each, paths: [of(each.name)] }));
    const links = [
      { path: "node_modules/image", target: of("image") },
      { path: `${store}/image@1.0.0/node_modules/image-wasm`, target: of("image-wasm") },
      { path: `${store}/image@1.0.0/node_modules/shared`, target: of("shared") },
      { path: `${store}/image-wasm@1.0.0/node_modules/shared`, target: of("shared") },
      { path: `${store}/node_modules/emulated`, target: of("emulated") },
      { path: `${store}/node_modules/shared`, target: of("shared") },
    ];
    const { links: kept } = packagesFor(lockOf(stored, { links }), on("linux/amd64"));
    assertEquals(kept.map(({ path }) => path), [
      "node_modules/image",
      `${store}/image@1.0.0/node_modules/shared`,
      `${store}/node_modules/shared`,
    ]);
  });

  it("are refused if one that is not optional is made for others", () => {
    const needed = lockOf([locked("image", { os: ["darwin", "win32"] })]);
    assertThrows(
      () => packagesFor(needed, on("linux/amd64")),
      PackageError,
      "image@1.0.0 is made for darwin, win32, and not for linux/amd64",
    );
    const library = lockOf([locked("image", { libc: ["glibc"] })]);
    assertThrows(() => packagesFor(library, on("linux/amd64"), "musl"), PackageError, "for linux/amd64 with musl");
  });
});
