import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { type WalkFailure, type WalkOptions, walkRepositories } from "../../gcr/mod.ts";
import { push } from "../../src/crane/mod.ts";
import { type GcraneError, HttpError, ProtocolError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import { parseRegistry, parseRepository, type Registry, type Repository } from "../../src/name/mod.ts";
import { type FakeAnswer, fakeFetch, FakeRegistry, json, problem } from "../fakes/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";
import { until } from "../make/waiting.ts";

const host = "registry.example.com";
const registry = parseRegistry(host);

async function names(root: Registry | Repository, options: WalkOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { repository } of walkRepositories(root, options)) found.push(repository.path);
  return found;
}

/** A registry of Google's kind made of what is below each repository. */
function google(children: (path: string) => string[] | FakeAnswer, manifest = {}) {
  return fakeFetch({
    [`https://${host}`]: ({ url }) => {
      if (url.pathname === "/v2/") return json(200, {});
      const name = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname)?.[1];
      if (name === undefined) return problem(404, "UNSUPPORTED");
      const child = children(name);
      return Array.isArray(child) ? json(200, { name, tags: [], child, manifest }) : child;
    },
  });
}

/** A plain registry with repositories of these names. */
function plain(...repositories: string[]) {
  const registry = new FakeRegistry();
  for (const name of repositories) {
    registry.addManifest(name, { bytes: new TextEncoder().encode("{}"), mediaType: "" }, "v1");
  }
  return { registry, ...fakeFetch({ [`https://${host}`]: registry.handle }) };
}

describe("walkRepositories", () => {
  it("gives a repository and all below it, parents first, by Google's extension", async () => {
    const { fetch, requests } = memoryRegistry();
    const image = randomImage({ seed: 1 });
    for (const name of ["team", "team/b", "team/a/x/y", "team/a-b", "teams/other"]) {
      await push(image, `${host}/${name}:v1`, { fetch });
    }
    requests.length = 0;
    const found = [];
    for await (const { repository, listing } of walkRepositories(registry.repository("team"), { fetch })) {
      found.push([repository.path, listing.tags, listing.child]);
    }
    assertEquals(found, [
      ["team", ["v1"], ["a", "a-b", "b"]],
      ["team/a", [], ["x"]],
      ["team/a/x", [], ["y"]],
      ["team/a/x/y", ["v1"], []],
      ["team/a-b", ["v1"], []],
      ["team/b", ["v1"], []],
    ]);
    assertEquals(requests.filter((line) => line.includes("/tags/list")).length, 6);
    assertEquals(requests.filter((line) => line === "GET /v2/").length, 1);
  });

  it("finds what is below in the catalog where there is no such extension", async () => {
    const { fetch } = plain("team/b", "other", "team", "team/a/x", "teams/y", "team-a");
    assertEquals(await names(registry.repository("team"), { fetch }), ["team", "team/a/x", "team/b"]);
  });

  it("starts at a name that is no repository but has some below", async () => {
    const { fetch, registry: fake } = plain("team/b", "team/a", "other");
    fake.on("GET", /^\/v2\/team\/tags\/list/, () => problem(404, "NAME_UNKNOWN"));
    assertEquals(await names(registry.repository("team"), { fetch }), ["team/a", "team/b"]);
    fake.on("GET", /^\/v2\/none\/tags\/list/, () => problem(404, "NAME_UNKNOWN"));
    const error = await assertRejects(() => names(registry.repository("none"), { fetch }), HttpError);
    assertEquals(error.status, 404);
  });

  it("gives the repositories of a whole registry, sorted, page after page", async () => {
    const { fetch, requests } = plain("z", "b/c", "a", "b");
    assertEquals(await names(registry, { fetch, pageSize: 1000 }), ["a", "b", "b/c", "z"]);
    const memory = memoryRegistry();
    for (const name of ["c", "a/x", "a", "b"]) await push(randomImage({ seed: 1 }), `${host}/${name}:v1`, memory);
    assertEquals(await names(registry, { fetch: memory.fetch, pageSize: 2 }), ["a", "a/x", "b", "c"]);
    assertEquals(memory.requests.filter((line) => line.includes("_catalog")).length, 2);
    assertEquals(requests.filter(({ path }) => path.includes("tags/list")).length, 4);
  });

  it("asks for what is after a full page of a catalog that has no link, and fails where that does not tell", async () => {
    const all = ["a", "b", "c", "d", "e"];
    const catalog = (page: (last: string | null) => string[]) =>
      fakeFetch({
        [`https://${host}`]: ({ url }) =>
          json(200, {
            tags: url.pathname.endsWith("/tags/list") ? [] : undefined,
            repositories: url.pathname === "/v2/_catalog" ? page(url.searchParams.get("last")) : undefined,
          }),
      });
    const after = (last: string | null) => all.filter((name) => last === null || name > last);
    const telling = catalog((last) => after(last).slice(0, 2));
    assertEquals(await names(registry, { ...telling, pageSize: 2 }), all);
    const deaf = catalog(() => ["a", "b"]);
    const failures: WalkFailure[] = [];
    const found = await names(registry, { ...deaf, pageSize: 2, onFailure: (failure) => failures.push(failure) });
    assertEquals([found, failures.map(({ name }) => name)], [["a", "b"], [host]]);
    assertStringIncludes((failures[0].error as Error).message, `the catalog of ${host} ends at 2 entries`);
    // A complete list in one page, regardless of the requested page size, is not a full page.
    assertEquals(await names(registry, { ...catalog(() => all), pageSize: 2 }), all);
  });

  it("leaves out what is not selected, in a catalog without asking for it", async () => {
    const select = ({ path }: Repository) => path !== "a";
    const { fetch, requests } = plain("a", "b");
    assertEquals(await names(registry, { fetch, select }), ["b"]);
    assertEquals(requests.some(({ path }) => path.startsWith("/v2/a/")), false);
    const tree = google((name) => name === "r" ? ["a"] : name === "r/a" ? ["b"] : []);
    const unselected = (repository: Repository) => !repository.path.endsWith("a");
    assertEquals(await names(registry.repository("r"), { ...tree, select: unselected }), ["r", "r/a/b"]);
  });

  it("passes over what a catalog still names though it is gone", async () => {
    const { fetch, registry: fake } = plain("a", "b", "c");
    fake.on("GET", /^\/v2\/b\/tags\/list/, () => problem(404, "NAME_UNKNOWN"));
    assertEquals(await names(registry, { fetch }), ["a", "c"]);
  });

  it("ends at the first failure, or tells of it and goes on", async () => {
    const broken = () => google((name) => name === "r" ? ["a", "b"] : name === "r/a" ? problem(403, "DENIED") : []);
    const error = await assertRejects(() => names(registry.repository("r"), broken()), HttpError);
    assertEquals(error.status, 403);
    const failures: WalkFailure[] = [];
    const onFailure = (failure: WalkFailure) => void failures.push(failure);
    assertEquals(await names(registry.repository("r"), { ...broken(), onFailure }), ["r", "r/b"]);
    assertEquals(failures.map(({ name, error }) => [name, (error as HttpError).status]), [[`${host}/r/a`, 403]]);
  });

  it("says that what is below can't be known where there is no catalog", async () => {
    const { fetch, registry: fake } = plain("team");
    fake.on("GET", /_catalog/, () => problem(405, "UNSUPPORTED"));
    const failures: WalkFailure[] = [];
    const found = await names(registry.repository("team"), {
      fetch,
      onFailure: (failure) => void failures.push(failure),
    });
    assertEquals(found, ["team"]);
    const [{ name, error }] = failures;
    assertEquals(name, host);
    assertStringIncludes((error as Error).message, `the repositories below ${host}/team are unknown`);
    assertEquals((error as GcraneError).hint, "name the repositories one by one");
  });

  it("stays below its root, whatever a list says", async () => {
    const lies = ["../../other", "..", ".", "", "/etc", "a/b", "UPPER", "x\u0000", "//evil.example.com/x", "ok"];
    const { fetch, requests } = google((name) => name === "r" ? lies : []);
    const failures: unknown[] = [];
    const found = await names(registry.repository("r"), { fetch, onFailure: ({ error }) => void failures.push(error) });
    assertEquals(found, ["r", "r/ok"]);
    assertEquals(failures.length, lies.length - 1);
    assertEquals(failures.every((error) => error instanceof ProtocolError), true);
    assertEquals(requests.map(({ url }) => url.pathname).filter((path) => path !== "/v2/").toSorted(), [
      "/v2/r/ok/tags/list",
      "/v2/r/tags/list",
    ]);
  });

  it("stays in the registry, whatever a catalog says", async () => {
    const { fetch } = plain("../x", "/a", "a//b", "a/", "Bad", "b");
    const failures: unknown[] = [];
    assertEquals(await names(registry, { fetch, onFailure: ({ error }) => void failures.push(error) }), ["b"]);
    assertEquals(failures.length, 5);
  });

  it("does not go round in circles", { timeout: 20_000 }, async () => {
    const manifest = { [`sha256:${"a".repeat(64)}`]: { tag: [] } };
    for (const children of [["again"], ["a", "b"]]) {
      const { fetch, requests } = google(() => children, manifest);
      const failures: unknown[] = [];
      await names(registry.repository("r"), { fetch, onFailure: ({ error }) => void failures.push(error) });
      assertStringIncludes((failures[0] as Error).message, "has a cycle");
      assertEquals(requests.length < 20, true, `${requests.length} requests`);
    }
    // A cycle with changing lists ends when names become too long.
    let count = 0;
    const { fetch } = google(() => [`n${count++}`]);
    const failures: unknown[] = [];
    await names(registry.repository("r"), { fetch, onFailure: ({ error }) => void failures.push(error) });
    assertEquals(failures.length, 1);
  });

  it("asks for a few lists ahead and no more, and stops when nobody wants the rest", async () => {
    const { fetch, requests } = google((name) => name === "r" ? Array.from({ length: 500 }, (_, i) => `c${i}`) : []);
    let open = 0;
    let most = 0;
    const counting = (async (input: Request | URL | string, init?: RequestInit) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve));
      return await fetch(input, init).finally(() => open--);
    }) as typeof globalThis.fetch;
    const walk = walkRepositories(registry.repository("r"), { fetch: counting, jobs: 3 });
    for (let i = 0; i < 10; i++) await walk.next();
    await walk.return();
    await until(() => open === 0, { what: "the end of the requests that were under way" });
    assertEquals(most <= 3, true);
    assertEquals(requests.length < 20, true, `${requests.length} requests`);
  });

  it("ends with the reason of its signal", async () => {
    const controller = new AbortController();
    const { fetch } = google((name) => {
      controller.abort(new Error("enough"));
      return name === "r" ? ["a"] : [];
    });
    const onFailure = () => {
      throw new Error("an abort is no failure of a repository");
    };
    const error = await assertRejects(() =>
      names(parseRepository(`${host}/r`), { fetch, signal: controller.signal, onFailure })
    );
    assertEquals((error as Error).message, "enough");
  });
});
