/**
 * Times gcrane against its peers, side by side in one run, on an image of this machine's real files in two registries
 * in memory. Prints medians, ratios and peak memory.
 *
 *     deno task bench [--runs N] [--mb N] [--layers N] [--only WORD,WORD]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { crane } from "../../mod.ts";
import { dockerRegistry } from "../peers/mod.ts";
import { median, type Run, run } from "./measure.ts";
import { sampleTarballs, sizes } from "./sample_image.ts";
import { type Place, sample, type Tool, tools, type Work, works } from "./tools.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    mb: { type: "string", default: "600" },
    layers: { type: "string", default: "8" },
    only: { type: "string", default: works.join() },
  },
});
const runs = Number(flags.runs);
const chosen = works.filter((work) => flags.only.split(",").some((word) => work.startsWith(word.trim())));

/** Installs what is missing where Debian's packages are to be had. */
function install(...names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync("which", [name]).status !== 0);
  if (missing.length === 0) return;
  console.log(`installing ${missing.join(" and ")} with apt-get`);
  const script = `apt-get update -q && apt-get install -qy --no-install-recommends ${missing.join(" ")}`;
  const { status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`can't install ${missing.join(" and ")}: ${stderr}`);
}

/** Puts the sample into the source registry, and into the folder as a tarball and a layout. */
async function prepare(place: Place): Promise<void> {
  const tarballs = sampleTarballs(join(place.folder, "layers"), {
    layers: Number(flags.layers),
    bytes: Number(flags.mb) * 1e6,
  });
  const { stored, raw } = sizes(tarballs);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(`sample: ${tarballs.length} layers of real files, ${mb(raw)} of tar, ${mb(stored)} stored\n`);
  const [gcrane] = tools();
  const words = gcrane.commands.ls!({ place, name: "" }).slice(0, -2);
  const image = `${place.source}/${sample}`;
  await run([...words, "append", ...tarballs.flatMap((path) => ["-f", path]), "-t", image]);
  await run([...words, "pull", image, join(place.folder, "sample.tar")]);
  await run([...words, "pull", "--format", "oci", image, join(place.folder, "sample")]);
  await run([...words, "copy", image, `${place.target}/bench/there:v1`]);
}

/** What became of one tool. */
interface Result {
  readonly tool: Tool;
  readonly runs: Run[];
  /** The bytes of the layers that it made, where it made some: less work that gives more of them is no win. */
  stored?: number;
}

async function storedBytes(reference: string): Promise<number> {
  const image = await crane.pull(reference);
  return (await image.manifest()).layers.reduce((sum, { size }) => sum + size, 0);
}

/** Runs each tool in turn, again and again, so that a change of the machine's speed hits all of them. */
async function time(work: Work, place: Place): Promise<Result[]> {
  const results = tools().filter(({ commands }) => commands[work]).map((tool): Result => ({ tool, runs: [] }));
  for (let round = 0; round <= runs; round++) {
    for (const [index, result] of results.entries()) {
      const { tool, runs } = result;
      const name = `${work.replaceAll(/\W+/g, "-").toLowerCase()}-${index}-${round}`;
      const taken = await run(tool.commands[work]!({ place, name }));
      if (round > 0) runs.push(taken); // the first round warms caches up
      if (work === "flatten") result.stored = await storedBytes(`${place.target}/bench/${name}:v1`);
      for (const path of [join(place.folder, name), join(place.folder, `${name}.tar`)]) {
        rmSync(path, { recursive: true, force: true });
      }
    }
  }
  return results;
}

function peakText({ several }: Tool, runs: readonly Run[]): string {
  if (several) return "".padStart("9999 MB".length);
  return `${Math.max(...runs.map(({ peakMb }) => peakMb)).toFixed(0).padStart(4)} MB`;
}

function report(work: Work, results: readonly Result[]): void {
  const peer = ["crane", "skopeo", "skopeo+umoci"].map((name) => results.find(({ tool }) => tool.name === name))
    .find((result) => result !== undefined);
  const base = peer && median(peer.runs.map(({ seconds }) => seconds));
  for (const { tool, runs, stored } of results) {
    const seconds = runs.map((run) => run.seconds);
    const middle = median(seconds);
    const ratio = base && peer.tool !== tool ? `${(middle / base).toFixed(2)} × ${peer.tool.name}` : "";
    console.log(
      `${work.padEnd(18)} ${tool.name.padEnd(14)} ${middle.toFixed(3).padStart(8)} s` +
        `  (${Math.min(...seconds).toFixed(3)} … ${Math.max(...seconds).toFixed(3)})` +
        `  ${peakText(tool, runs)}  ${ratio}` +
        (stored === undefined ? "" : `  ${(stored / 1e6).toFixed(0)} MB stored`),
    );
  }
}

install("docker-registry", "skopeo", "umoci");
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const folder = mkdtempSync(join(memory, "gcrane-bench-"));
const source = await dockerRegistry({ storage: join(folder, "source") });
const target = await dockerRegistry({ storage: join(folder, "target") });
try {
  const place = { source: source.host, target: target.host, folder };
  await prepare(place);
  for (const work of chosen) report(work, await time(work, place));
} catch (error) {
  console.error(`Error: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await source.stop();
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
}
