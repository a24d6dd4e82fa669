import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { copyRepository, list, push } from "../../src/crane/mod.ts";
import { JournalError } from "../../src/errors.ts";
import { randomImage } from "../../src/image/mod.ts";
import { inFolder, memoryRegistry } from "../make/memory_registry.ts";

const [source, target] = ["registry.example.com/team/app", "registry.example.com/mirror/app"];
const tags = ["v1", "v2", "v3", "v4"];

async function filled() {
  const registry = memoryRegistry();
  for (const [seed, tag] of tags.entries()) {
    await push(randomImage({ seed, size: 10 }), `${source}:${tag}`, { fetch: registry.fetch });
  }
  registry.requests.length = 0;
  return registry;
}

/** What `requests` ask of one tag, at either end. */
const of = (requests: readonly string[], tag: string) => requests.filter((line) => line.endsWith(`/manifests/${tag}`));

describe("copyRepository with a journal", () => {
  it("goes on where it was killed, and asks nothing of what was done", () =>
    inFolder(async (path) => {
      const { fetch, requests } = await filled();
      const journal = path("copy.journal");
      const stop = new AbortController();
      const dying: typeof globalThis.fetch = async (input, init) => {
        if (String(input instanceof Request ? input.url : input).endsWith("/manifests/v3")) {
          stop.abort(new Error("killed"));
        }
        stop.signal.throwIfAborted();
        return await fetch(input, init);
      };
      const options = { journal, tagJobs: 1 };
      const killed = copyRepository(source, target, { ...options, fetch: dying, signal: stop.signal });
      await assertRejects(() => killed, Error, "killed");
      requests.length = 0;
      await copyRepository(source, target, { ...options, fetch });
      assertEquals([of(requests, "v1"), of(requests, "v2")], [[], []]);
      assertEquals(of(requests, "v3").length > 0, true);
      assertEquals(await Array.fromAsync(list(target, { fetch })), tags);
    }));

  it("begins anew after a copy that came to its end", () =>
    inFolder(async (path) => {
      const { fetch, requests } = await filled();
      const options = { journal: path("copy.journal"), fetch };
      await copyRepository(source, target, options);
      requests.length = 0;
      await copyRepository(source, target, options);
      for (const tag of tags) assertEquals(of(requests, tag).length > 0, true);
    }));

  it("refuses the journal of other work, and leaves it as it is", () =>
    inFolder(async (path) => {
      const { fetch, requests } = await filled();
      const journal = path("copy.journal");
      await copyRepository(source, target, { journal, fetch });
      const text = readFileSync(journal, "utf8");
      requests.length = 0;
      const other = () => copyRepository(source, `${target}2`, { journal, fetch });
      assertStringIncludes((await assertRejects(other, JournalError)).message, "is of other work: target");
      const chosen = { journal, fetch, platforms: [{ os: "linux", architecture: "arm64" }] };
      await assertRejects(() => copyRepository(source, target, chosen), JournalError, "platforms");
      assertEquals(requests, []);
      assertEquals(readFileSync(journal, "utf8"), text);
      writeFileSync(journal, "not a journal\n");
      await assertRejects(() => copyRepository(source, target, { journal, fetch }), JournalError, "is not a journal");
    }));
});

describe("a rate", () => {
  it("bounds the requests of a copy", async () => {
    const { fetch, requests } = await filled();
    const stop = new AbortController();
    const watching: typeof globalThis.fetch = async (input, init) => {
      // The next request would be sent in hours.
      setTimeout(() => stop.abort(new Error("enough")), 20);
      return await fetch(input, init);
    };
    const copying = copyRepository(source, target, { fetch: watching, rate: 0.0001, signal: stop.signal });
    await assertRejects(() => copying, Error, "enough");
    assertEquals(requests.length, 1);
  });
});
