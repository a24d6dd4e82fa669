/**
 * What it takes to go through a whole registry where nothing is to be done: time, memory, and memory on one of a tenth
 * the size beside it, which shows that it does not grow with the registry.
 *
 *     deno task bench:gcr [--repositories 2000] [--manifests 50000] [--runs 3]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, run } from "./measure.ts";
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
  const program = fileURLToPath(new URL("large_registry.ts", import.meta.url));
  const words = "Deno" in globalThis ? ["run", "-A", "--no-check", program] : [program];
  const server = spawn(process.execPath, [...words, `${repositories}`, `${manifests}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(server.stdout!, "data") as [Uint8Array];
  return { hosts: new TextDecoder().decode(line).trim().split(" "), server };
}

/** What is measured: the words after the program's name, of the registry's two names. */
const works: Readonly<Record<string, (hosts: readonly string[]) => readonly string[]>> = {
  "cp -r, all there": ([source, target]) => ["copy", "-r", source, target],
};

const [repositories, manifests, runs] = [flags.repositories, flags.manifests, flags.runs].map(Number);
for (const scale of [10, 1]) {
  const [some, all] = [repositories / scale, manifests / scale];
  const { hosts, server } = await largeRegistry(some, all);
  try {
    for (const [name, wordsOf] of Object.entries(works)) {
      for (const tool of tools().filter(({ name }) => name.startsWith("gcrane"))) {
        const job = { place: { source: "", target: "", folder: "" }, name: "" };
        const command = tool.commands.ls!(job).slice(0, -2);
        const idle = await run([...command, "version"]);
        const results = [];
        for (let i = 0; i < runs; i++) results.push(await run([...command, ...wordsOf(hosts)]));
        const seconds = median(results.map((result) => result.seconds));
        const peak = Math.max(...results.map(({ peakMb }) => peakMb));
        console.log(
          `${name.padEnd(18)} ${tool.name.padEnd(14)} ${`${some} repositories, ${all} manifests`.padEnd(36)}` +
            ` ${seconds.toFixed(2).padStart(7)} s ${peak.toFixed(0).padStart(5)} MB (idle ${idle.peakMb.toFixed(0)})`,
        );
      }
    }
  } finally {
    server.kill();
  }
}
