import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import type { Lock, LockedPackage } from "../../../src/build/locked_package.ts";
import {
  hasInstallScript,
  PackageRegistries,
  PackageSource,
  type PackageSourceOptions,
  withPlatforms,
} from "../../../src/build/packages/mod.ts";
import { fileCache } from "../../../src/cache/mod.ts";
import { GcraneError, HttpError, NetworkError, PackageError } from "../../../src/errors.ts";
import { serveFetch, writeFileAtomic } from "../../../src/runtime/mod.ts";
import {
  type FakePackage,
  FakePackageRegistry,
  integrityOf,
  packageTarball,
} from "../../fakes/fake_package_registry.ts";
import { projectFiles } from "../../make/project_files.ts";
import { utf8 } from "../../make/bytes.ts";
import { filesUnder, inFolder } from "../../make/folders.ts";

const BASE = "http://registry.test/";
const hono: FakePackage = { name: "hono", version: "4.0.0", files: { "dist/index.js": "export {}" } };

function locked(more: Partial<LockedPackage> = {}): LockedPackage {
  return {
    name: "hono",
    version: "4.0.0",
    from: "npm",
    paths: ["node_modules/hono"],
    optional: false,
    dependencies: [],
    ...more,
  };
}

interface Place extends Partial<PackageSourceOptions> {
  npmrc?: string;
  packages?: readonly FakePackage[];
}

async function place({ npmrc = `registry=${BASE}`, packages = [hono], ...options }: Place = {}) {
  const registry = await FakePackageRegistry.of(BASE, packages);
  const registries = await PackageRegistries.read({
    files: projectFiles({ ".npmrc": npmrc }),
    environment: () => undefined,
    userNpmrc: "",
    askNpm: () => Promise.reject(new PackageError("npm is not asked")),
  });
  const retry = { attempts: 3, wait: () => Promise.resolve() };
  const source = new PackageSource({ registries, fetch: registry.fetch as typeof fetch, retry, ...options });
  const integrity = await integrityOf(await packageTarball(packages[0]));
  return { registry, registries, source, integrity };
}

describe("a package source", () => {
  it("fetches a package from the registry's usual place, and returns its files", async () => {
    const { source, registry, integrity } = await place();
    const { manifest, files, read } = await source.open(locked({ integrity }));
    assertEquals([manifest.name, manifest.version], ["hono", "4.0.0"]);
    assertEquals(files.map(({ path, size }) => `${path} ${size}`), ["dist/index.js 9", "package.json 33"]);
    assertEquals(new TextDecoder().decode(await read(files[0])), "export {}");
    assertEquals(registry.seen.map(({ url }) => url), [`${BASE}hono/-/hono-4.0.0.tgz`]);
  });

  it("fetches from the lock's address, also without a registry", async () => {
    const elsewhere = await FakePackageRegistry.of("http://elsewhere.test/", [hono]);
    const { source, integrity } = await place({ npmrc: "", fetch: elsewhere.fetch as typeof fetch });
    await source.open(locked({ integrity, resolved: "http://elsewhere.test/hono/-/hono-4.0.0.tgz" }));
    assertEquals(elsewhere.seen.length, 1);
  });

  it("asks the configured registry if the lock's address does not answer, and from then on it alone", async () => {
    const other: FakePackage = { name: "other", version: "1.0.0" };
    const { registry, registries, integrity } = await place({ packages: [hono, other] });
    const asked: string[] = [];
    const fetcher = (url: string, init: RequestInit) => {
      asked.push(new URL(url).host);
      if (url.startsWith(BASE)) return registry.fetch(url, init);
      return Promise.reject(Object.assign(new TypeError("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }));
    };
    const source = new PackageSource({ registries, fetch: fetcher as typeof fetch });
    const resolved = (name: string) => `http://gone.test/${name}/-/${name}.tgz`;
    await source.open(locked({ integrity, resolved: resolved("hono") }));
    const second = await integrityOf(await packageTarball(other));
    await source.open(locked({ name: "other", version: "1.0.0", integrity: second, resolved: resolved("other") }));
    assertEquals(asked, ["gone.test", "registry.test", "registry.test"]);
  });

  it("asks where the tarball is if it is not at the usual place", async () => {
    const { registry, integrity, source } = await place({ packages: [{ ...hono, name: "@jsr/hono" }] });
    const moved = async (input: string | URL | Request, init?: RequestInit) => {
      const url = String(input);
      if (url.endsWith("/@jsr/hono/-/hono-4.0.0.tgz")) return new Response("", { status: 404 });
      if (url === `${BASE}files/1.tgz`) return await registry.fetch(`${BASE}@jsr/hono/-/hono-4.0.0.tgz`, init);
      return new Response(
        (await (await registry.fetch(input, init)).text()).replace("@jsr/hono/-/hono-4.0.0.tgz", "files/1.tgz"),
      );
    };
    void source;
    const { source: asking } = await place({ fetch: moved as typeof fetch });
    const { manifest } = await asking.open(locked({ name: "@jsr/hono", integrity }));
    assertEquals(manifest.name, "@jsr/hono");
  });

  it("takes the registry's hash if the lock has none", async () => {
    const { source, registry } = await place();
    await source.open(locked());
    assertEquals(registry.seen.map(({ url }) => url), [`${BASE}hono`, `${BASE}hono/-/hono-4.0.0.tgz`]);
  });

  it("accepts the strongest hash alone, of several and of sha1", async () => {
    const tarball = await packageTarball(hono);
    const [sha1, sha256, sha512] = [
      await integrityOf(tarball, "SHA-1"),
      await integrityOf(tarball, "SHA-256"),
      await integrityOf(tarball),
    ];
    const wrong = await integrityOf(utf8("other"));
    for (const good of [sha1, sha256, `${sha1} ${sha512}`, `${wrong} ${sha512}`, `md5-AAAA ${sha256}`]) {
      await (await place()).source.open(locked({ integrity: good }));
    }
    for (const bad of [wrong, `${sha1} ${wrong}`, `${sha256} ${wrong}`]) {
      const { source } = await place();
      await assertRejects(
        () => source.open(locked({ integrity: bad })),
        PackageError,
        "hono@4.0.0 has the sha512 hash",
      );
    }
    const { source } = await place();
    await assertRejects(
      () => source.open(locked({ integrity: "md5-AAAA" })),
      PackageError,
      "no hash that can be verified",
    );
  });

  it("sends a token to the host that it is for, and not where that redirects to", async () => {
    const { registry, integrity, registries } = await place({
      npmrc: `registry=${BASE}\n//registry.test/:_authToken=secret-token`,
    });
    const seen: [string, string | null][] = [];
    const redirecting = (url: string, init: RequestInit) => {
      seen.push([new URL(url).host, new Headers(init.headers).get("authorization")]);
      if (new URL(url).host === "files.test") return registry.fetch(url.replace("files.test", "registry.test"), init);
      return Promise.resolve(Response.redirect(url.replace("registry.test", "files.test"), 302));
    };
    await new PackageSource({ registries, fetch: redirecting as typeof fetch }).open(locked({ integrity }));
    assertEquals(seen, [["registry.test", "Bearer secret-token"], ["files.test", null]]);
  });

  it("refuses a redirect to a private place", async () => {
    const redirecting = () => Promise.resolve(Response.redirect("http://169.254.169.254/latest", 302));
    const { source, integrity } = await place({ fetch: redirecting as typeof fetch });
    await assertRejects(() => source.open(locked({ integrity })), GcraneError, "link-local");
  });

  const answers: readonly [string, () => Response | Promise<Response>, string, string][] = [
    [
      "404",
      () => new Response("", { status: 404 }),
      "hono@4.0.0: GET http://registry.test/hono/-/hono-4.0.0.tgz: the registry answers 404",
      "npm_config_registry",
    ],
    ["401", () => new Response("", { status: 401 }), "the registry answers 401", "set //registry.test/:_authToken"],
    ["500", () => new Response("", { status: 500 }), "the registry answers 500", ""],
  ];
  for (const [what, answer, message, hint] of answers) {
    it(`has one error for an answer of ${what}`, async () => {
      const { source, integrity } = await place({ fetch: (() => Promise.resolve(answer())) as typeof fetch });
      const error = await assertRejects(() => source.open(locked({ integrity })), HttpError, message);
      assertStringIncludes(error.hint ?? "", hint);
    });
  }

  it("tries again after a passing failure", async () => {
    const { registry, integrity, registries } = await place();
    let count = 0;
    const flaky = (url: string, init: RequestInit) =>
      ++count < 3 ? Promise.resolve(new Response("", { status: 503 })) : registry.fetch(url, init);
    const retry = { wait: () => Promise.resolve() };
    await new PackageSource({ registries, fetch: flaky as typeof fetch, retry }).open(locked({ integrity }));
    assertEquals(count, 3);
  });

  it("refuses a body that is cut, and one that is another package's", async () => {
    const tarball = await packageTarball(hono);
    const cut = () =>
      Promise.resolve(new Response(tarball.slice(0, 50), { headers: { "content-length": `${tarball.length}` } }));
    const { source, integrity } = await place({ fetch: cut as unknown as typeof fetch });
    await assertRejects(() => source.open(locked({ integrity })), NetworkError, "the connection was cut");
    const { source: other } = await place({ packages: [{ ...hono, files: { "dist/index.js": "evil" } }] });
    await assertRejects(() => other.open(locked({ integrity })), PackageError, "was promised");
  });

  it("waits for a body as long as its bytes come, and not only as long as for an answer", async () => {
    const tarball = await packageTarball(hono);
    const slow = () => {
      let at = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await delay(40);
          controller.enqueue(tarball.slice(at, at += Math.ceil(tarball.length / 4)));
          if (at >= tarball.length) controller.close();
        },
      });
      return Promise.resolve(new Response(body));
    };
    const { source, integrity } = await place({ fetch: slow as typeof fetch, timeouts: { answerMs: 100 } });
    const { files } = await source.open(locked({ integrity }));
    assertEquals(files.length, 2);
  });

  it("refuses redirects without an end, and reports a name that does not resolve, for the package", async () => {
    const circle = (url: string) => Promise.resolve(Response.redirect(`${url}x`, 302));
    const { source, integrity } = await place({ fetch: circle as unknown as typeof fetch });
    const opened = (of: PackageSource) => assertRejects(() => of.open(locked({ integrity })), GcraneError);
    const { message } = await opened(source);
    assertEquals(message, `hono@4.0.0: GET ${BASE}hono/-/hono-4.0.0.tgz: more than 10 redirects`);
    const gone = () => Promise.reject(Object.assign(new TypeError("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }));
    const error = await opened((await place({ fetch: gone as unknown as typeof fetch })).source);
    assertEquals(error.message, `hono@4.0.0: GET ${BASE}hono/-/hono-4.0.0.tgz: the host name does not resolve`);
    assertStringIncludes(error.hint ?? "", "npm_config_registry");
  });

  it("refuses what no registry has, by its origin", async () => {
    const { source } = await place();
    const origins: readonly [Partial<LockedPackage>, string][] = [
      [{ resolved: "git+ssh://git@host.test/a/b.git#abc" }, "is from a git repository"],
      [{ resolved: "file:../a.tgz" }, "is from a folder or a file"],
      [{ resolved: "patch:" }, "has a patch of the project"],
      [{ from: "jsr" }, "is of jsr"],
    ];
    for (const [of, message] of origins) {
      await assertRejects(
        () => source.open(locked({ integrity: "sha512-x", ...of })),
        PackageError,
        `hono@4.0.0 ${message}`,
      );
    }
  });

  it("keeps verified tarballs in a cache, and fetches one anew whose file was changed", async () => {
    await inFolder(async (folder) => {
      const { source, registry, registries, integrity } = await place({ cache: fileCache(folder) });
      const read = async (from: PackageSource) => {
        const { files, read } = await from.open(locked({ integrity }));
        assertEquals(new TextDecoder().decode(await read(files[0])), "export {}");
      };
      await read(source);
      const again = () =>
        new PackageSource({ registries, fetch: registry.fetch as typeof fetch, cache: fileCache(folder) });
      await read(again());
      assertEquals(registry.seen.length, 1);
      for (const file of filesUnder(folder)) await writeFileAtomic(`${folder}/${file}`, utf8("other"));
      await read(again());
      assertEquals(registry.seen.length, 2);
      await read(again());
      assertEquals(registry.seen.length, 2);
    });
  });

  it("lists a package from the cache without unpacking it again", async () => {
    await inFolder(async (folder) => {
      const cache = fileCache(folder);
      const files = { "bin/run.js": { mode: 0o755, content: utf8("#!/usr/bin/env node") }, "a.js": "1" };
      const packages = [{ ...hono, files }];
      const { source, registries, integrity } = await place({ cache, packages });
      const first = await source.open(locked({ integrity }));
      const facts = (list: typeof first) => JSON.stringify(list);
      // Without its tarball, nothing but the list can answer.
      const [tarball] = filesUnder(folder).filter((path) => path.startsWith("sha512/"));
      rmSync(`${folder}/${tarball}`);
      const gone = () => Promise.resolve(new Response("", { status: 404 }));
      const other = new PackageSource({ registries, fetch: gone as unknown as typeof fetch, cache });
      const second = await other.open(locked({ integrity }));
      assertEquals(facts(second), facts(first));
      assertEquals(second.files.map(({ path, executable }) => [path, executable]), [
        ["a.js", false],
        ["bin/run.js", true],
        ["package.json", false],
      ]);
      await assertRejects(() => second.read(second.files[0]), HttpError, "404");
      // A list of another package is refused when a file is read.
      const { source: whole } = await place({ cache, packages });
      const [list] = filesUnder(folder).filter((path) => path.startsWith("sha256/"));
      const changed = { manifest: {}, files: [{ path: "a.js", size: 2, executable: false }] };
      await writeFileAtomic(`${folder}/${list}`, utf8(JSON.stringify(changed)));
      const wrong = await whole.open(locked({ integrity }));
      await assertRejects(() => wrong.read(wrong.files[0]), PackageError, "is not as the list of its files");
    });
  });

  it("reads a file also after many other packages were opened, from the cache", async () => {
    await inFolder(async (folder) => {
      const many = Array.from({ length: 4 }, (_, i): FakePackage => ({
        name: `p${i}`,
        version: "1.0.0",
        files: { "big.bin": new Uint8Array(2 * 1024).fill(i + 1) },
      }));
      const { source, registry } = await place({ cache: fileCache(folder), keepBytes: 3 * 1024 });
      const opened = [];
      for (const one of many) {
        const integrity = await registry.add(one);
        opened.push(await source.open(locked({ name: one.name, version: "1.0.0", integrity })));
      }
      for (const [i, { files, read }] of opened.entries()) assertEquals((await read(files[0]))[0], i + 1);
      assertEquals(registry.seen.length, 4);
    });
  });

  it("works over a socket on this runtime", async () => {
    const integrity = await integrityOf(await packageTarball(hono));
    let registry: FakePackageRegistry | undefined;
    const server = await serveFetch((request) => registry!.fetch(request));
    try {
      const base = `http://127.0.0.1:${server.port}/`;
      registry = await FakePackageRegistry.of(base, [hono]);
      const registries = await PackageRegistries.read({
        environment: (name) => name === "npm_config_registry" ? base : undefined,
        userNpmrc: "",
      });
      const { files } = await new PackageSource({ registries }).open(locked({ integrity }));
      assertEquals(files.length, 2);
    } finally {
      await server.shutdown();
    }
  });
});

describe("platforms that a lock does not have", () => {
  it("are the registry's, for optional packages", async () => {
    const linux: FakePackage = {
      name: "a-linux",
      version: "1.0.0",
      manifest: { os: ["linux"], cpu: ["x64"], libc: ["musl"] },
    };
    const { source, registry } = await place({ packages: [hono, linux] });
    const lock: Lock = {
      file: "yarn.lock",
      manager: "yarn",
      packages: [locked({ name: "a-linux", version: "1.0.0", optional: true }), locked()],
      links: [],
      requested: new Map(),
      lacksPlatforms: true,
    };
    const { packages, lacksPlatforms } = await withPlatforms(lock, source);
    assertEquals(packages.map(({ os, cpu, libc }) => [os, cpu, libc]), [
      [["linux"], ["x64"], ["musl"]],
      [undefined, undefined, undefined],
    ]);
    assertEquals([registry.seen.length, lacksPlatforms], [1, false]);
    assertEquals(await withPlatforms({ ...lock, lacksPlatforms: false }, source), { ...lock, lacksPlatforms: false });
  });
});

describe("an install script", () => {
  it("is what the lock has, else a script of package.json or a binding.gyp", () => {
    const cases: readonly [boolean, Parameters<typeof hasInstallScript>][] = [
      [true, [{ hasInstallScript: true }, {}, false]],
      [false, [{ hasInstallScript: false }, { scripts: { install: "x" } }, false]],
      [true, [{}, { scripts: { postinstall: "x" } }, false]],
      [true, [{}, { scripts: { preinstall: "x" } }, false]],
      [false, [{}, { scripts: { prepare: "x", test: "x" } }, false]],
      [true, [{}, {}, true]],
      [false, [{}, { gypfile: false }, true]],
    ];
    for (const [expected, args] of cases) assertEquals(hasInstallScript(...args), expected, JSON.stringify(args));
  });
});
