import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { FileError, GcraneError, type HttpError, NetworkError } from "../../src/errors.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import { FakeRegistry } from "../fakes/mod.ts";
import { CopyWorld, fill, image, index, SOURCE, TARGET } from "../make/copy_world.ts";

async function filled(registries: { source?: FakeRegistry; target?: FakeRegistry } = {}): Promise<CopyWorld> {
  const world = new CopyWorld(registries);
  await fill((reference, view) => world.push(reference, view));
  world.requests.length = 0;
  return world;
}

function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ errors: [{ code, message: "says the test" }] }, { status, headers });
}

/** The names of what failed. */
function names(failures: readonly { readonly name: string }[]): string[] {
  return failures.map(({ name }) => name).toSorted();
}

describe("copyRecursively when registries misbehave", () => {
  it("waits out bursts of 429 and 5xx, at least as long as they ask for", async () => {
    const world = await filled();
    const waits: number[] = [];
    let count = 0;
    const statuses = [429, 500, 502, 503, 504];
    world.intercept = ({ path }) => {
      if (path === "/v2/") return undefined;
      // Three bursts of several failures each, for any requests.
      const status = statuses[count % 5];
      return ++count % 40 < 6 ? refusal(status, "TOOMANYREQUESTS", { "retry-after": "90" }) : undefined;
    };
    const { failed } = await world.copy(SOURCE, TARGET, {
      retry: { wait: (ms) => (waits.push(ms), Promise.resolve()) },
    });
    world.intercept = () => undefined;
    assertEquals([failed, waits.length > 10, waits.every((ms) => ms >= 90_000)], [0, true, true]);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
    await world.validate(TARGET);
  });

  it("waits for minutes in all before it gives something up, and goes on with the rest", async () => {
    const world = await filled();
    const waits: number[] = [];
    world.intercept = ({ method, path }) =>
      method === "PUT" && path.includes("/app/manifests/v2") ? refusal(503, "UNAVAILABLE") : undefined;
    const result = await world.copy(SOURCE, TARGET, { retry: { wait: (ms) => (waits.push(ms), Promise.resolve()) } });
    assertEquals(names(result.failures), [`${SOURCE}/team/app:v2`]);
    assertEquals(waits.reduce((a, b) => a + b) > 5 * 60_000, true);
    world.intercept = () => undefined;
    const { "team/app": app } = await world.content(TARGET);
    assertEquals([app.tags.v1 !== undefined, app.tags.v2], [true, undefined]);
    // What was missing is all that the next run does.
    world.requests.length = 0;
    await world.copy(SOURCE, TARGET);
    assertEquals(world.writes, [`PUT ${TARGET}/v2/team/app/manifests/v2`]);
  });

  for (const plain of [false, true]) {
    it(`copies whole what a tag pointed at, while the tag moves; ${plain ? "plain" : "Google's"} listing`, async () => {
      const world = new CopyWorld(plain ? { source: new FakeRegistry() } : {});
      const [before, after] = [index(1), index(2)];
      await world.push(`${SOURCE}/app:v1`, before);
      const started = Promise.withResolvers<void>();
      world.intercept = async ({ method, host, path }) => {
        if (method === "GET" && host === SOURCE && path.includes("/blobs/")) {
          world.intercept = () => undefined;
          await world.push(`${SOURCE}/app:v1`, after);
          started.resolve();
        }
        return undefined;
      };
      assertEquals((await world.copy(SOURCE, TARGET)).failed, 0);
      await started.promise;
      assertEquals((await world.content(TARGET)).app.tags, { v1: await before.digest() });
      await world.validate(TARGET);
      await world.copy(SOURCE, TARGET);
      assertEquals((await world.content(TARGET)).app.tags, { v1: await after.digest() });
      await world.validate(TARGET);
    });
  }

  it("says once that the destination refuses a repository, and copies the others", async () => {
    for (const at of [/\/team\/app\//, /\/team\/app\/blobs\/uploads/]) {
      const world = await filled();
      world.intercept = ({ host, path }) => host === TARGET && at.test(path) ? refusal(403, "DENIED") : undefined;
      const { failures, failed } = await world.copy(SOURCE, TARGET);
      assertEquals([failed, failures.map(({ error }) => (error as HttpError).status)], [1, [403]]);
      assertEquals(/\/team\/app$/.test(failures[0].name), true);
      world.intercept = () => undefined;
      assertEquals(Object.keys(await world.content(TARGET)), ["other", "team/web/multi"]);
    }
  });

  it("pushes where it may push but not look", async () => {
    const world = await filled();
    world.intercept = ({ host, path }) =>
      host === TARGET && path.includes("/tags/list") ? refusal(403, "DENIED") : undefined;
    assertEquals((await world.copy(SOURCE, TARGET)).failed, 0);
    world.intercept = () => undefined;
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
  });

  it("passes over a repository that vanishes before it is listed, and lists what vanishes after", async () => {
    const world = await filled();
    world.intercept = ({ host, path }) =>
      host === SOURCE && path.includes("/v2/other/") ? refusal(404, "NAME_UNKNOWN") : undefined;
    assertEquals((await world.copy(SOURCE, TARGET)).failed, 0);
    assertEquals(Object.keys(await world.content(TARGET)), ["team/app", "team/web/multi"]);

    const later = await filled();
    later.intercept = ({ host, path }) =>
      host === SOURCE && /\/v2\/other\/(manifests|blobs)\//.test(path) ? refusal(404, "NAME_UNKNOWN") : undefined;
    const { failures } = await later.copy(SOURCE, TARGET);
    assertEquals(names(failures), [`${SOURCE}/other:latest`]);
    later.intercept = () => undefined;
    assertEquals(Object.keys(await later.content(TARGET)), ["team/app", "team/web/multi"]);
  });

  it("lists an index whose member is gone, and leaves no part of it tagged", async () => {
    const source = new FakeRegistry();
    const world = new CopyWorld({ source });
    const multi = index(1);
    const [, member] = await multi.children();
    await world.push(`${SOURCE}/app:broken`, multi);
    await world.push(`${SOURCE}/app:whole`, image(2));
    source.manifestsOf("app").delete(member.descriptor.digest);
    const { failures } = await world.copy(SOURCE, TARGET);
    assertEquals(names(failures), [`${SOURCE}/app:broken`]);
    assertEquals(Object.keys((await world.content(TARGET)).app.tags), ["whole"]);
  });

  it("lists a repository whose listing fails, and a catalog that ends early, and copies the rest", async () => {
    const world = await filled();
    world.intercept = ({ host, path }) => {
      if (host !== SOURCE) return undefined;
      return /\/v2\/other\/tags/.test(path) ? refusal(500, "UNKNOWN") : undefined;
    };
    assertEquals(names((await world.copy(SOURCE, TARGET)).failures), [`${SOURCE}/other`]);
    world.intercept = ({ host, path }) =>
      host === SOURCE && /_catalog.*last=/.test(path) ? refusal(500, "UNKNOWN") : undefined;
    const handler = world.fetch;
    const paged: typeof fetch = async (input, init) => {
      const response = await handler(input, init);
      if (!String(input).includes(`${SOURCE}/v2/_catalog`) || response.status !== 200) return response;
      return Response.json({ repositories: ["team/app"] }, {
        headers: { link: '</v2/_catalog?last=team>; rel="next"' },
      });
    };
    const result = await world.copy(SOURCE, `${TARGET}/second`, { fetch: paged });
    assertEquals([names(result.failures), result.repositories], [[SOURCE], 1]);
  });

  it("does not wait for a registry that is not there from the start, nor for one that can't be", async () => {
    for (const [host, target] of [[SOURCE, TARGET], [TARGET, TARGET], ["", "dst.example.com:1:2"]]) {
      const world = await filled();
      const failing: typeof fetch = (input, init) =>
        new URL(String(input)).host === host ? Promise.reject(new TypeError("strange")) : world.fetch(input, init);
      const waits: number[] = [];
      const retry = { wait: (ms: number) => (waits.push(ms), Promise.resolve()) };
      await assertRejects(() => world.copy(SOURCE, target, { fetch: failing, retry }), GcraneError);
      assertEquals([waits.length <= 3, world.requests.some((request) => request.includes("catalog"))], [true, false]);
    }
  });

  it("gives up when a registry can't be reached any more", async () => {
    const world = await filled();
    for (let i = 0; i < 60; i++) await world.push(`${SOURCE}/many/r${i}:v1`, image(1));
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const gone: typeof fetch = (input, init) =>
      String(input).includes(TARGET)
        ? Promise.reject(new TypeError("fetch failed", { cause: refused }))
        : world.fetch(input, init);
    const error = await assertRejects(() => world.copy(SOURCE, TARGET, { fetch: gone }), NetworkError);
    assertEquals(error.message.includes("connection refused"), true);
  });

  it("asks for new tokens when those that it has are taken back in the middle", async () => {
    const [source, target] = [new FakeRegistry({ auth: "bearer" }), new FakeRegistry({ auth: "bearer" })];
    const keychain = {
      resolve: () => Promise.resolve({ authorization: () => Promise.resolve({ username: "ann", password: "s3cret" }) }),
    };
    const world = new CopyWorld({ source, target });
    const options = { keychain, fetch: world.fetch };
    const repository = parseRepository(`${SOURCE}/team/app`);
    for (const seed of [1, 2, 3]) await new Pusher(options).push(repository.tag(`v${seed}`), image(seed));
    const seen = new Set<string>();
    world.intercept = ({ method, host, path }) => {
      // Before each new request about a manifest or a blob; when it comes again, it shows a new token.
      const request = `${method} ${host}${path}`;
      if (/\/(manifests|blobs)\//.test(path) && !seen.has(request)) {
        for (const { tokens } of [source, target]) tokens.revoke();
      }
      seen.add(request);
      return undefined;
    };
    const asked = source.tokens.asked.length;
    const { failed, tags } = await world.copy(`${SOURCE}/team/app`, `${TARGET}/team/app`, { keychain, jobs: 1 });
    assertEquals([failed, tags, source.tokens.asked.length - asked > 3], [0, 3, true]);
    const copied = [...target.manifestsOf("team/app").keys()].filter((key) => key.startsWith("v"));
    assertEquals(copied.toSorted(), ["v1", "v2", "v3"]);
  });

  it("stops when the journal can't be written, and says so", async () => {
    const world = await filled();
    const error = await assertRejects(() => world.copy(SOURCE, TARGET, { journal: "/dev/full/journal" }), FileError);
    assertEquals([error.message.includes("can't use the journal /dev/full/journal"), world.requests], [true, []]);
  });

  it("ends by the signal at once, and says nothing of failures", async () => {
    const world = await filled();
    const stop = new AbortController();
    const reason = new Error("enough");
    world.intercept = ({ method }) => {
      if (method === "PUT") stop.abort(reason);
      return undefined;
    };
    assertEquals(await assertRejects(() => world.copy(SOURCE, TARGET, { signal: stop.signal })), reason);
    world.intercept = () => undefined;
    await world.copy(SOURCE, TARGET);
    assertEquals(await world.content(TARGET), await world.content(SOURCE));
  });
});
