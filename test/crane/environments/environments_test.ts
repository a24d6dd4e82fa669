import { assertEquals } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveRegistry } from "../../../src/registry/mod.ts";
import type { Outcomes } from "../../make/outcomes.ts";
import { bundleForWeb, describePeer, inPage, type Peer, runPeer, workerd } from "../../peers/mod.ts";
import { verbs } from "./verbs.ts";

/** How long all verbs together may take in one environment, in milliseconds: the limit of a verb, and a slow start. */
const LIMIT = 100_000;

/** One test for each verb, of what a run of the bundled program gave. */
function eachVerb(run: (folder: string) => Promise<Outcomes>): void {
  let folder: string | undefined;
  let found: Outcomes;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gcrane_environment_"));
    await bundleForWeb("test/crane/environments/program.ts", { file: join(folder, "program.mjs") });
    found = await run(folder);
  }, { timeout: LIMIT + 10_000 });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });
  for (const verb of Object.keys(verbs)) it(verb, () => assertEquals(found[verb], "done"));
}

/** Runs the program in a page of Chromium. */
async function inChromium(folder: string, registry?: string): Promise<Outcomes> {
  const expression = `import("/program.mjs").then(({ outcomes }) => outcomes(${JSON.stringify(registry)}))`;
  return (await inPage<Outcomes>(folder, expression)).value;
}

/** Works with a registry that lets pages of other origins in. */
async function withRegistry<Value>(work: (host: string) => Promise<Value>): Promise<Value> {
  const registry = await serveRegistry({ cors: ["*"] });
  try {
    return await work(`${registry.hostname}:${registry.port}`);
  } finally {
    await registry.shutdown({ patience: 0 });
  }
}

/** Runs the program in workerd, which asks a registry in the Worker itself, or one over HTTP. */
async function inWorker(folder: string, flags: readonly string[], registry?: string): Promise<Outcomes> {
  const worker = await workerd(join(folder, "program.mjs"), { r2: join(folder, "r2"), flags });
  try {
    const query = registry ? `?registry=${registry}` : "";
    const answer = await fetch(`${worker.url}/${query}`, { signal: AbortSignal.timeout(LIMIT) });
    if (!answer.ok) throw new Error(`workerd answered ${answer.status}: ${await answer.text()} ${worker.said()}`);
    return await answer.json();
  } finally {
    await worker.stop();
  }
}

/** Runs the program in a process that asks a registry over HTTP. */
async function inProcess(folder: string, peer: Peer, args: readonly string[], registry: string): Promise<Outcomes> {
  const main = join(folder, "main.mjs");
  const code = `import { outcomes } from "./program.mjs";
    console.log(JSON.stringify(await outcomes(${JSON.stringify(registry)})));`;
  await writeFile(main, code);
  return JSON.parse(await runPeer(peer, [...args, main]));
}

describePeer("verbs in Chromium", ["chromium"], () => {
  describe("on a registry in the page", () => eachVerb((folder) => inChromium(folder)));
  describe("on a registry of another origin", () => {
    eachVerb((folder) => withRegistry((host) => inChromium(folder, host)));
  });
});

describePeer("verbs in workerd", ["miniflare"], () => {
  for (const flags of [["nodejs_compat"], []]) {
    const title = flags.length > 0 ? `with ${flags.join()}` : "without flags";
    describe(`${title}, on a registry in the Worker`, () => eachVerb((folder) => inWorker(folder, flags)));
    describe(`${title}, on a registry over HTTP`, () => {
      eachVerb((folder) => withRegistry((host) => inWorker(folder, flags, host)));
    });
  }
});

const processes: readonly { title: string; peer: Peer; args: readonly string[] }[] = [
  { title: "Deno with --allow-net alone", peer: "deno", args: ["run", "--no-prompt", "--allow-net"] },
  { title: "Bun", peer: "bun", args: [] },
  { title: "Node.js", peer: "node 22.18", args: [] },
];
for (const { title, peer, args } of processes) {
  describePeer(`verbs on ${title}`, [peer], () => {
    eachVerb((folder) => withRegistry((host) => inProcess(folder, peer, args, host)));
  });
}
