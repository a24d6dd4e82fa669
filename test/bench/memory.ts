/**
 * Shows that memory does not grow with the size of a layer: peak memory of each command on an image with one small
 * layer, and on one with a layer of 2 GB, above that of a process that does nothing.
 *
 *     deno task bench:memory [--mb N]
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dockerRegistry } from "../peers/mod.ts";
import { run } from "./measure.ts";
import { randomLayer } from "./sample_image.ts";
import { type Job, sample, type Tool, tools, type Work } from "./tools.ts";

const { values: flags } = parseArgs({ options: { mb: { type: "string", default: "2048" } } });
const works: readonly Work[] = [
  "copy",
  "pull tarball",
  "pull OCI layout",
  "push tarball",
  "push OCI layout",
  "export",
  "validate",
];

/** Returns the peak of each piece of work, in MB above a process that only prints its version. */
async function peaks(tool: Tool, folder: string, megabytes: number): Promise<Map<string, number>> {
  const words = tool.words!;
  const idle = Math.max(...(await Promise.all([1, 2, 3].map(() => run([...words, "version"])))).map((r) => r.peakMb));
  const work = mkdtempSync(join(folder, "work-"));
  const source = await dockerRegistry({ storage: join(work, "source") });
  const target = await dockerRegistry({ storage: join(work, "target") });
  const found = new Map<string, number>();
  try {
    const place = { source: source.host, target: target.host, folder: work };
    const image = `${source.host}/${sample}`;
    const tarball = randomLayer(work, megabytes);
    const note = async (name: string, command: readonly string[]) =>
      found.set(name, Math.max(0, (await run(command)).peakMb - idle));
    await note("append", [...words, "append", "--compression", "none", "-f", tarball, "-t", image]);
    rmSync(tarball);
    await run([...words, "pull", image, join(work, "sample.tar")]);
    await run([...words, "pull", "--format", "oci", image, join(work, "sample")]);
    for (const name of works) {
      const job: Job = { place, name: name.replaceAll(" ", "-").toLowerCase() };
      await note(name, tool.commands[name]!(job));
      for (const path of [join(work, job.name), join(work, `${job.name}.tar`)]) {
        rmSync(path, { recursive: true, force: true });
      }
    }
  } finally {
    await source.stop();
    await target.stop();
    rmSync(work, { recursive: true, force: true });
  }
  return found;
}

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gcrane-memory-"));
try {
  for (const tool of tools().filter(({ name }) => name.startsWith("gcrane"))) {
    const small = await peaks(tool, folder, 16);
    const large = await peaks(tool, folder, Number(flags.mb));
    console.log(`${tool.name}: peak memory above an idle process, in MB`);
    console.log(`${"".padEnd(18)} ${"16 MB layer".padStart(12)} ${`${flags.mb} MB layer`.padStart(14)}`);
    for (const [name, peak] of large) {
      console.log(`${name.padEnd(18)} ${small.get(name)!.toFixed(0).padStart(12)} ${peak.toFixed(0).padStart(14)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
