/**
 * What it takes to go through a whole registry: time, memory, and both on one of a third of the size beside it, which
 * shows that memory does not grow with the registry. Where the peer's gcrane is on PATH, what both can do is done by
 * both, on one of the registry's forty roots, since the peer knows no whole registry.
 *
 *     deno task bench:gcr [--repositories 2000] [--manifests 50000] [--runs 3]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { programWords } from "../make/processes.ts";
import { median, run } from "./measure.ts";
import { available, pathOf } from "../peers/mod.ts";
import { tools } from "./tools.ts";

const { values: flags } = parseArgs({
  options: {
    repositories: { type: "string", default: "2000" },
    manifests: { type: "string", default: "50000" },
    runs: { type: "string", default: "3" },
  },
});

interface LargeRegistry {
  readonly hosts: readonly string[];
  readonly server: ChildProcess;
}

/** Starts a registry with so many repositories and manifests in a process of its own. */
async function largeRegistry(repositories: number, manifests: number): Promise<LargeRegistry> {
  const [command, ...words] = programWords("test/bench/large_registry.ts");
  const server = spawn(command, [...words, `${repositories}`, `${manifests}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(server.stdout!, "data") as [Uint8Array];
  return { hosts: new TextDecoder().decode(line).trim().split(" "), server };
}

/** What is measured: the words after the program's name, of the registry's two names. */
const works: Readonly<Record<string, (hosts: readonly string[]) => readonly string[]>> = {
  "ls -r": ([host]) => ["ls", "-r", host],
  "gc, no garbage": ([host]) => ["gc", "-r", "--grace", "0", host],
  "gc, a fifth goes": ([host]) => ["gc", "-r", "--grace", "0", "--tag", "v1", host],
  "cp -r, all there": ([source, target]) => ["copy", "-r", source, target],
};

/** What the peer can do as well, of one root. */
const shared: Readonly<Record<string, (root: string) => readonly string[]>> = {
  "ls -r, a root": (root) => ["ls", "-r", root],
  "gc -r, a root": (root) => ["gc", "-r", root],
};

interface Measured {
  readonly seconds: number;
  readonly peak: number;
}

async function measure(command: readonly string[]): Promise<Measured> {
  const results = [];
  for (let i = 0; i < runs; i++) results.push(await run(command));
  return {
    seconds: median(results.map((result) => result.seconds)),
    peak: Math.max(...results.map(({ peakMb }) => peakMb)),
  };
}

function line(name: string, tool: string, text: string, { seconds, peak }: Measured): string {
  return `${name.padEnd(18)} ${tool.padEnd(14)} ${text.padEnd(36)} ${seconds.toFixed(2).padStart(7)} s ${
    peak.toFixed(0).padStart(5)
  } MB`;
}

/** Our command lines, without what is to be done. */
function ours(): { name: string; command: readonly string[] }[] {
  const job = { place: { source: "", target: "", folder: "" }, name: "" };
  return tools().filter(({ name }) => name.startsWith("gcrane"))
    .map(({ name, commands }) => ({ name, command: commands.ls!(job).slice(0, -2) }));
}

/** The peer's gcrane beside ours. */
async function compare(host: string, size: string): Promise<void> {
  if (!available("gcrane")) return console.log("The peer's gcrane is not on PATH: nothing to compare with");
  const peer = pathOf("gcrane");
  for (const [name, wordsOf] of Object.entries(shared)) {
    const words = wordsOf(`${host}/team-0`);
    const theirs = await measure([peer, ...words]);
    console.log(line(name, "peer", size, theirs));
    for (const tool of ours()) {
      const mine = await measure([...tool.command, ...words]);
      console.log(
        `${line(name, tool.name, size, mine)}, ${(mine.seconds / theirs.seconds).toFixed(2)} of the peer's time`,
      );
    }
  }
}

const [repositories, manifests, runs] = [flags.repositories, flags.manifests, flags.runs].map(Number);
for (const scale of [3, 1]) {
  const some = Math.round(repositories / scale);
  const all = some * manifests / repositories;
  const { hosts, server } = await largeRegistry(some, all);
  try {
    const size = `${some} repositories, ${all} manifests`;
    for (const [name, wordsOf] of Object.entries(works)) {
      for (const tool of ours()) {
        const idle = await run([...tool.command, "version"]);
        const measured = await measure([...tool.command, ...wordsOf(hosts)]);
        console.log(`${line(name, tool.name, size, measured)} (idle ${idle.peakMb.toFixed(0)})`);
      }
    }
    if (scale === 1) await compare(hosts[0], size);
  } finally {
    server.kill();
  }
}
