import { assert, assertEquals } from "@std/assert";
import { it } from "node:test";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { FakeRegistry, fakeServer } from "../fakes/mod.ts";
import { inFolder } from "../make/folders.ts";
import { describePeer } from "../peers/mod.ts";
import { read } from "../project/tree.ts";
import { DIFFERENCES, differencesDocument, located } from "./differences.ts";
import { stored, tars } from "./samples.ts";
import { runOn, runSideBySide, type Side } from "./side_by_side.ts";

/** The parts of the cases, each a test. */
const PARTS = 8;
/** Deno runs all parts, which takes a minute or two; the other runtimes run two, as only the runtime differs there. */
const RUN = "Deno" in globalThis ? PARTS : 2;

describePeer("what gcrane writes, beside crane", ["crane"], () => {
  const seen = new Set<unknown>();
  let lines = 0;

  for (let part = 0; part < RUN; part++) {
    it(
      `is the same to the byte, or differs in a way of the document (${part + 1})`,
      { timeout: 300_000 },
      () =>
        inFolder(async (folder) => {
          const outcomes = await runSideBySide(folder, { part, of: PARTS });
          const unexplained = outcomes.flatMap(({ findings }) =>
            findings.filter((finding) => {
              const kind = DIFFERENCES.find(({ explains }) => explains(located(finding), findings));
              seen.add(kind);
              return kind === undefined;
            })
          );
          assertEquals(unexplained, []);
          lines += outcomes.reduce((sum, { case: { lines } }) => sum + lines.length, 0);
        }),
    );
  }

  if (RUN === PARTS) {
    it("was over 600 command lines, and each difference of the document is one of them", () => {
      assert(lines >= 600, `only ${lines} command lines ran`);
      assertEquals(DIFFERENCES.filter((kind) => !seen.has(kind)).map(({ crane }) => crane), []);
    });
  }

  for (const maker of ["theirs", "ours"] as const) {
    it(`keeps the digest of an image of Docker's types by ${maker === "ours" ? "gcrane" : "crane"}, pulled and pushed`, () =>
      inFolder(async (folder) => {
        const registry = new FakeRegistry();
        const server = await fakeServer(registry.handle);
        const digestOf = async (side: Side, ...words: string[]) => {
          const { code, out, err } = await runOn(side, words, folder);
          assertEquals(code, 0, err);
          return out.trim().split("@")[1];
        };
        try {
          const layer = join(folder, "layer.tar.gz");
          writeFileSync(layer, stored((await tars()).first, "gzip").bytes);
          const [app, changed] = ["app", "changed"].map((name) => `${server.host}/${name}:v1`);
          const digests = {
            [app]: await digestOf(maker, "append", "-f", layer, "-t", app),
            [changed]: await digestOf(maker, "mutate", app, "-l", "a=<b>", "-e", "C=d", "-u", "1", "-t", changed),
          };
          for (const [reference, digest] of Object.entries(digests)) {
            for (const [puller, pusher] of [["ours", "ours"], ["ours", "theirs"], ["theirs", "ours"]] as const) {
              const file = join(folder, `${puller}-${pusher}-${digest.slice(7)}.tar`);
              await digestOf(puller, "pull", reference, file);
              assertEquals(await digestOf(pusher, "push", file, `${server.host}/again:v1`), digest);
            }
          }
        } finally {
          await server.close();
        }
      }));
  }
});

it("the document has a row for each difference", () => {
  assertEquals(read("docs/differences.md").split("\n\n").at(-1)?.trim(), differencesDocument());
});
