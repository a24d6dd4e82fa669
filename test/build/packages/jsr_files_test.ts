import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import type { Lock, LockedPackage } from "../../../src/build/locked_package.ts";
import { cachedNpmFolder, jsrFiles } from "../../../src/build/packages/mod.ts";
import { PackageError } from "../../../src/errors.ts";
import { utf8 } from "../../make/bytes.ts";
import { projectFiles } from "../../make/project_files.ts";
import { integrityOf } from "../../fakes/fake_package_registry.ts";
import { digestBytes } from "../../../src/io/mod.ts";

const MODULE = "export const a = 1;\n";
const hashOf = async (text: string) => (await digestBytes(utf8(text))).slice("sha256:".length);

/** The list of files of version 1.2.0, of which `unused.ts` was never fetched. */
async function meta(path = "/mod.ts"): Promise<string> {
  const facts = { size: MODULE.length, checksum: `sha256-${await hashOf(MODULE)}` };
  return JSON.stringify({ manifest: { [path]: facts, "/unused.ts": facts }, exports: { ".": "./mod.ts" } });
}

const locked = async (version = "1.2.0", text?: string): Promise<LockedPackage> => ({
  name: "@acme/path",
  version,
  from: "jsr",
  paths: [],
  optional: false,
  dependencies: [],
  integrity: await integrityOf(utf8(text ?? await meta()), "SHA-256"),
});

const lockOf = (...packages: LockedPackage[]): Lock => ({
  file: "deno.lock",
  manager: "deno",
  packages,
  links: [],
  requested: new Map(),
});

/** Deno's cache with files by their paths at a registry. */
async function cacheWith(files: Record<string, string>, folder = "remote/https/jsr.test") {
  const entries = Object.entries(files).map(async ([path, text]) => {
    const trailer = `\n// denoCacheMetadata=${
      JSON.stringify({ headers: {}, url: `https://jsr.test${path}`, time: 1 })
    }`;
    return [`${folder}/${await hashOf(path)}`, text + trailer];
  });
  return projectFiles(Object.fromEntries(await Promise.all(entries)));
}

const cached = async (more: Record<string, string> = {}, folder?: string) =>
  await cacheWith({ "/@acme/path/1.2.0_meta.json": await meta(), "/@acme/path/1.2.0/mod.ts": MODULE, ...more }, folder);

async function texts(...args: Parameters<typeof jsrFiles>): Promise<Record<string, string>> {
  const files = [...(await jsrFiles(...args)).values()].flat();
  const read = files.map(async (file) => {
    const bytes = await file.read();
    assertEquals(bytes.length, file.size);
    return [file.path, new TextDecoder().decode(bytes)];
  });
  return Object.fromEntries(await Promise.all(read));
}

const nothing = projectFiles({});

describe("the files of packages of JSR", () => {
  it("are the same out of vendor and out of Deno's cache", async () => {
    const lock = lockOf(await locked());
    const fromCache = await texts(lock, { files: nothing, cache: await cached() });
    const lockfileChecksum = await hashOf(await meta());
    assertEquals(fromCache, {
      "vendor/jsr.test/@acme/path/1.2.0/mod.ts": MODULE,
      "vendor/jsr.test/@acme/path/1.2.0_meta.json": JSON.stringify({ ...JSON.parse(await meta()), lockfileChecksum }),
      "vendor/jsr.test/@acme/path/meta.json": '{"scope":"acme","name":"path","latest":"1.2.0","versions":{"1.2.0":{}}}',
    });
    const files = projectFiles({ ...fromCache, "vendor/jsr.test/@acme/path/meta.json": '{"versions":{"9.9.9":{}}}' });
    assertEquals(await texts(lock, { files }), fromCache);
  });

  it("lie in a folder with the scheme and the port of a registry that is not the usual one", async () => {
    const cache = await cached({}, "remote/http/127.0.0.1_PORT4879");
    const [path] = Object.keys(await texts(lockOf(await locked()), { files: nothing, cache }));
    assertEquals(path, "vendor/http_127.0.0.1_4879/@acme/path/1.2.0/mod.ts");
  });

  it("have one list of the versions in the lock", async () => {
    const other = await meta("/other.ts");
    const cache = await cached({ "/@acme/path/2.0.0_meta.json": other, "/@acme/path/2.0.0/other.ts": MODULE });
    const found = await texts(lockOf(await locked(), await locked("2.0.0", other)), { files: nothing, cache });
    assertEquals(
      found["vendor/jsr.test/@acme/path/meta.json"],
      '{"scope":"acme","name":"path","latest":"2.0.0","versions":{"1.2.0":{},"2.0.0":{}}}',
    );
    assertEquals(Object.keys(found).length, 5);
  });

  it("of vendor may be changed by the project, and those of the cache may not", async () => {
    const lock = lockOf(await locked());
    const vendored = await texts(lock, { files: nothing, cache: await cached() });
    const changed = { ...vendored, "vendor/jsr.test/@acme/path/1.2.0/mod.ts": "patched" };
    assertEquals(
      (await texts(lock, { files: projectFiles(changed) }))["vendor/jsr.test/@acme/path/1.2.0/mod.ts"],
      "patched",
    );
    const cache = await cached({ "/@acme/path/1.2.0/mod.ts": "evil" });
    await assertRejects(
      () => jsrFiles(lock, { files: nothing, cache }),
      PackageError,
      "/mod.ts of @acme/path@1.2.0 of JSR differs from its checksum",
    );
  });

  it("are refused if they are not there, or not the lock's", async () => {
    const lock = lockOf(await locked());
    const refused = (cache: Awaited<ReturnType<typeof cacheWith>>, message: string, files = nothing) =>
      assertRejects(() => jsrFiles(lock, { files, cache }), PackageError, message);
    const error = await refused(nothing, "@acme/path@1.2.0 of JSR is neither in vendor nor in Deno's cache");
    assertEquals(error.hint?.includes("DENO_DIR"), true);
    const name = "/@acme/path/1.2.0_meta.json";
    await refused(await cached({ [name]: await meta("/x.ts") }), "is not the one of the lock");
    const vendored = projectFiles({ [`vendor/jsr.test${name}`]: { lockfileChecksum: "0".repeat(64), manifest: {} } });
    await refused(nothing, "is not the one of the lock", vendored);
    await refused(await cacheWith({ [name]: await meta() }), "has none of its files");
    await refused(await cached({ [name]: "{" }), "is not JSON");
  });

  it("with a path out of their folder are refused", async () => {
    const text = await meta("/../../../mod.ts");
    const cache = await cached({ "/@acme/path/1.2.0_meta.json": text });
    const lock = lockOf(await locked("1.2.0", text));
    await assertRejects(() => jsrFiles(lock, { files: nothing, cache }), PackageError, "which is not in its folder");
  });
});

describe("a package of npm in Deno's cache", () => {
  it("is found below each registry", async () => {
    const cache = projectFiles({ "npm/registry.test/hono/4.6.0/package.json": {} });
    const npm = { ...await locked("4.6.0"), name: "hono" };
    assertEquals(await cachedNpmFolder(npm, cache), "npm/registry.test/hono/4.6.0");
    assertEquals(await cachedNpmFolder({ ...npm, version: "4.6.1" }, cache), undefined);
    assertEquals(await cachedNpmFolder(npm, nothing), undefined);
  });
});
