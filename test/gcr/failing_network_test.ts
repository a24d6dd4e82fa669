import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { collectGarbage, copyRecursively } from "../../gcr/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import type { ByteStream } from "../../src/runtime/mod.ts";
import { bytesOf, failingNetwork, fakeServer, type NetworkFault } from "../fakes/mod.ts";
import { contentOf, fill, pushWith, validateAll } from "../make/copy_world.ts";
import { Place } from "../make/process_place.ts";
import { within } from "../make/waiting.ts";

const LIMIT = 1000;

/** Time limits and pauses that are short, as hours are not at hand. */
const patience = {
  timeouts: { connectMs: LIMIT, answerMs: LIMIT, slowAnswerMs: LIMIT, stallMs: LIMIT },
  retry: { attempts: 12, delayMs: 60, maxDelayMs: 1000 },
};

/** Runs a registry in memory while `work` runs with its `host:port`. */
async function withRegistry(work: (host: string) => Promise<void>): Promise<void> {
  const registry = createRegistry();
  const server = await fakeServer(async ({ method, url, headers, body }) => {
    const hasBody = method !== "GET" && method !== "HEAD";
    const request = new Request(url, { method, headers, ...(hasBody && { body: await bytesOf(body) }) });
    const { status, headers: answered, body: content } = await registry.fetch(request);
    return { status, headers: [...answered], body: content ? await bytesOf(content as ByteStream) : undefined };
  });
  try {
    await work(server.host);
  } finally {
    await server.close();
  }
}

/** Two registries, each by its own address. */
interface Ends {
  readonly source: string;
  readonly target: string;
}

/** Runs two registries, of which the target has all of the source and more. */
async function withMirror(work: (ends: Ends) => Promise<void>): Promise<void> {
  await withRegistry(async (source) => {
    await withRegistry(async (target) => {
      await fill((reference, view) => pushWith(fetch, reference, view), source);
      await copyRecursively(source, target);
      for (const seed of [80, 81, 82]) {
        await pushWith(fetch, `${target}/gone:v${seed}`, randomImage({ seed, size: 300, layers: 1 }));
        await pushWith(fetch, `${target}/other`, randomImage({ seed: seed + 10, size: 300, layers: 1 }));
      }
      await work({ source, target });
    });
  });
}

for (const fault of ["silence", "reset", "restart"] as const satisfies readonly NetworkFault[]) {
  describe(`a network with ${fault} again and again`, () => {
    // The number of chunks between two faults is larger than that of any request, so that each gets through at last.
    const often = (chunk: number) => chunk % (fault === "silence" ? 61 : 23) === 17 ? fault : undefined;

    it("does not keep a recursive copy from its end", { timeout: 120_000 }, async () => {
      await withMirror(async ({ source }) => {
        await withRegistry(async (empty) => {
          const [from, to] = [await failingNetwork(source, often), await failingNetwork(empty, often)];
          try {
            const { failures } = await copyRecursively(from.host, to.host, patience);
            assertEquals(failures, []);
            assert(from.faults.length > 0 && to.faults.length > 0);
          } finally {
            await from.close();
            await to.close();
          }
          assertEquals(await contentOf(empty), await contentOf(source));
          await validateAll(empty, fetch);
        });
      });
    });

    it("does not keep a mirror from deleting what is extra", { timeout: 120_000 }, async () => {
      await withMirror(async ({ source, target }) => {
        const [from, to] = [await failingNetwork(source, often), await failingNetwork(target, often)];
        try {
          const { failures } = await copyRecursively(from.host, to.host, { ...patience, extra: "delete" });
          assertEquals(failures, []);
          assert(from.faults.length + to.faults.length > 0);
        } finally {
          await from.close();
          await to.close();
        }
        assertEquals(await contentOf(target), await contentOf(source));
      });
    });

    it("does not keep garbage from being found and deleted", { timeout: 120_000 }, async () => {
      await withMirror(async ({ source, target }) => {
        const network = await failingNetwork(target, often);
        const options = { ...patience, recursive: true, rules: { grace: 0, remove: [{ repository: "gone" }] } };
        const known = await collectGarbage(target, options);
        try {
          const found = await collectGarbage(network.host, options);
          assertEquals([found.garbage, found.failed], [known.garbage, 0]);
          const { failed } = await collectGarbage(network.host, { ...options, delete: true });
          assertEquals(failed, 0);
          assert(network.faults.length > 0);
        } finally {
          await network.close();
        }
        assertEquals((await collectGarbage(target, options)).garbage, 0);
        const { other, gone } = await contentOf(target);
        assertEquals([other, gone], [(await contentOf(source)).other, undefined]);
      });
    });
  });
}

describe("a machine that slept while all of its connections were lost", () => {
  for (const command of ["cp -r --delete-extra --yes", "gc -r --grace 0 --delete"]) {
    it(`goes on by itself, with its journal: ${command}`, { timeout: 120_000 }, async () => {
      await withMirror(async ({ source, target }) => {
        const place = new Place();
        let asleep = () => {};
        // Goes to sleep once, in the middle of the work.
        const network = await failingNetwork(target, (chunk) => {
          if (chunk === 25) asleep();
          return chunk === 25 ? "silence" : undefined;
        });
        try {
          const names = command.startsWith("cp") ? `${source} ${network.host}` : network.host;
          const line = `${command} --timeout 1s --journal journal ${names}`;
          const running = place.start(line);
          const slept = new Promise<void>((resolve) => {
            asleep = () => {
              process.kill(running.child.pid!, "SIGSTOP");
              setTimeout(() => {
                process.kill(running.child.pid!, "SIGCONT");
                resolve();
              }, 4 * LIMIT);
            };
          });
          assertEquals(await within(running.ended(), { what: () => `the end: ${running.err}` }), 0, running.err);
          await within(slept, { what: "the sleep" });
          assertEquals(network.faults, ["silence"]);
          const wasRead = readFileSync(place.path("journal"), "utf8");
          assertEquals((await place.gcrane(line)).code, 0, wasRead);
        } finally {
          await network.close();
          place.remove();
        }
        const [ours, theirs] = [await contentOf(target), await contentOf(source)];
        assertEquals(ours.other, theirs.other);
        if (command.startsWith("cp")) assertEquals(ours, theirs);
      });
    });
  }
});
