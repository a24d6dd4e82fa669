import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { buildCache, type MemoryFile } from "../../src/build/mod.ts";
import { fileCache } from "../../src/cache/mod.ts";
import { PackageError } from "../../src/errors.ts";
import { writeTar } from "../../src/tar/mod.ts";
import { build, npmProject, pathsOf } from "../make/built_apps.ts";
import { inFolder } from "../make/folders.ts";
import { collect } from "../make/streams.ts";

const origin = "http://127.0.0.1:4873";

/** Returns the tarball of a package that is not installed, from the files of an installed one. */
async function tarball(files: Readonly<Record<string, MemoryFile>>, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const entries = Object.entries(files).filter(([path]) => path.startsWith(`node_modules/${name}/`)).map((
    [path, text],
  ) => ({
    path: path.replace(`node_modules/${name}/`, "package/"),
    content: new TextEncoder().encode(`${text}`),
    mtime: 499162500,
  }));
  return new Uint8Array(gzipSync(await collect(writeTar(entries))));
}

async function integrityOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", bytes));
  return `sha512-${btoa(String.fromCharCode(...digest))}`;
}

/** Returns a project without node_modules, the same with it, and a registry that has its packages. */
async function project(names: readonly string[]) {
  const installed = npmProject(Object.fromEntries(names.map((name) => [name, "1.0.0"])));
  const lock = JSON.parse(`${installed["package-lock.json"]}`);
  const tarballs = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of names) {
    const bytes = await tarball(installed, name);
    tarballs.set(`/${name}/-/${name}-1.0.0.tgz`, bytes);
    const entry = lock.packages[`node_modules/${name}`];
    entry.integrity = await integrityOf(bytes);
    entry.resolved = `${origin}/${name}/-/${name}-1.0.0.tgz`;
  }
  const withLock = { ...installed, "package-lock.json": JSON.stringify(lock) };
  const alone = Object.fromEntries(Object.entries(withLock).filter(([path]) => !path.startsWith("node_modules/")));
  const asked: string[] = [];
  const fetch = ((input: string | URL | Request) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    asked.push(pathname);
    const bytes = tarballs.get(pathname);
    return Promise.resolve(bytes ? new Response(bytes) : new Response("not found", { status: 404 }));
  }) as typeof globalThis.fetch;
  const environment = (name: string) => name === "npm_config_registry" ? origin : undefined;
  return { withLock, alone, tarballs, asked, packages: { fetch, environment } };
}

describe("a project without node_modules", () => {
  it("gives the same image as with it, by the packages of the registry", async () => {
    const { withLock, alone, asked, packages } = await project(["a", "b"]);
    const fetched = await build(alone, { packages });
    assertEquals(await fetched.view.digest(), await (await build(withLock, { packages })).view.digest());
    assertEquals([...new Set(asked)].sort(), ["/a/-/a-1.0.0.tgz", "/b/-/b-1.0.0.tgz"]);
    const paths = Object.values(await pathsOf(fetched)).flat();
    assertEquals(paths.includes("app/node_modules/a/index.js"), true);
  });

  it("is built again from the caches, without a tarball", () =>
    inFolder(async (folder) => {
      const { alone, asked, packages } = await project(["a", "b"]);
      const [cache, kept] = [buildCache(join(folder, "layers")), fileCache(join(folder, "packages"))];
      const again = async () => {
        const { view } = await build(alone, { cache, packages: { ...packages, cache: kept } });
        return await view.digest();
      };
      const first = await again();
      rmSync(join(folder, "packages/sha512"), { recursive: true });
      asked.length = 0;
      assertEquals([await again(), asked], [first, []]);
    }));

  it("fetches only what is not installed", async () => {
    const { withLock, asked, packages } = await project(["a", "b"]);
    const half = Object.fromEntries(Object.entries(withLock).filter(([path]) => !path.startsWith("node_modules/b/")));
    await build(half, { packages });
    assertEquals([...new Set(asked)], ["/b/-/b-1.0.0.tgz"]);
  });

  it("is refused if a package differs from its hash, or if the registry does not have it", async () => {
    const { alone, tarballs, packages } = await project(["a"]);
    const [path] = tarballs.keys();
    tarballs.set(path, new Uint8Array(gzipSync(await collect(writeTar([{ path: "package/package.json" }])))));
    const { message } = await assertRejects(() => build(alone, { packages }), PackageError);
    assertStringIncludes(message, "a@1.0.0");
    tarballs.clear();
    const gone = await assertRejects(() => build(alone, { packages }), Error);
    assertStringIncludes(gone.message, "404");
  });
});
