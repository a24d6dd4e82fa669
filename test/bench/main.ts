/**
 * Times gcrane against its peers, side by side in one run, on an image of this machine's real files in two registries
 * in memory. Prints a table of medians: wall time, time of processors, peak memory, stored size and the ratio to crane,
 * with what is over budget. `--write` writes it into docs/performance.md.
 *
 *     deno task bench [--runs N] [--mb N] [--layers N] [--only WORD,WORD] [--write]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { crane } from "../../mod.ts";
import { markdownTable } from "../make/markdown_table.ts";
import { dockerRegistry } from "../peers/mod.ts";
import { top } from "../project/tree.ts";
import { run } from "./measure.ts";
import { install, release } from "./prepare.ts";
import { plainTarballs, sampleTarballs, sizes } from "./sample_image.ts";
import { HEAD, type Result, rowsOf } from "./table.ts";
import { type Place, type Released, sample, tools, type Work, works } from "./tools.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "9" },
    mb: { type: "string", default: "600" },
    layers: { type: "string", default: "8" },
    only: { type: "string", default: works.join() },
    write: { type: "boolean", default: false },
  },
});
const runs = Number(flags.runs);
const chosen = works.filter((work) => flags.only.split(",").some((word) => work.startsWith(word.trim())));

/** Puts the sample into the source registry, and into the folder as tarballs, an archive and a layout. */
async function prepare(place: Place, { binary }: Released): Promise<{ place: Place; text: string }> {
  const packed = sampleTarballs(join(place.folder, "layers"), {
    layers: Number(flags.layers),
    bytes: Number(flags.mb) * 1e6,
  });
  const { stored, raw } = sizes(packed);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const image = `${place.source}/${sample}`;
  await run([binary, "append", ...packed.flatMap((path) => ["-f", path]), "-t", image]);
  await run([binary, "pull", image, join(place.folder, "sample.tar")]);
  await run([binary, "pull", "--format", "oci", image, join(place.folder, "sample")]);
  await run([binary, "copy", image, `${place.target}/bench/there:v1`]);
  return {
    place: { ...place, tarballs: plainTarballs(packed) },
    text: `${packed.length} layers of real files, ${mb(raw)} of tar, ${mb(stored)} stored`,
  };
}

async function storedBytes(reference: string): Promise<number> {
  const image = await crane.pull(reference);
  return (await image.manifest()).layers.reduce((sum, { size }) => sum + size, 0);
}

/** Runs each tool in turn, again and again, so that a change of the machine's speed hits all of them. */
async function time(work: Work, place: Place, released: Released): Promise<Result[]> {
  const results = tools(released).filter(({ commands }) => commands[work])
    .map((tool): Result => ({ tool, runs: [] }));
  for (let round = 0; round <= runs; round++) {
    for (const [index, result] of results.entries()) {
      const { tool, runs } = result;
      const name = `${work.replaceAll(/\W+/g, "-").toLowerCase()}-${index}-${round}`;
      const taken = await run(tool.commands[work]!({ place, name }));
      if (round > 0) runs.push(taken); // the first round warms caches up
      if (work === "flatten" || work === "append") {
        result.stored = await storedBytes(`${place.target}/bench/${name}:v1`);
      }
      for (const path of [join(place.folder, name), join(place.folder, `${name}.tar`)]) {
        rmSync(path, { recursive: true, force: true });
      }
    }
  }
  return results;
}

/** Replaces what is between the marks in the document. */
function write(text: string): void {
  const path = join(top, "docs/performance.md");
  const before = readFileSync(path, "utf8");
  const marks = /(<!-- deno task bench --write -->\n)[^]*?(<!-- end -->)/;
  if (!marks.test(before)) throw new Error(`${path} has no marks for the table`);
  writeFileSync(path, before.replace(marks, (_, start, end) => `${start}\n${text}\n${end}`));
  execFileSync(process.execPath, ["fmt", "--quiet", path]);
}

const loads = () => loadavg().map((load) => load.toFixed(1)).join(", ");

install("docker-registry", "skopeo", "umoci");
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const folder = mkdtempSync(join(memory, "gcrane-bench-"));
const source = await dockerRegistry({ storage: join(folder, "source") });
const target = await dockerRegistry({ storage: join(folder, "target") });
try {
  const released = release(folder);
  const { place, text } = await prepare({ source: source.host, target: target.host, folder }, released);
  const before = loads();
  console.log(`${text}; ${cpus().length} processors; load average ${before}\n`);
  const rows: string[][] = [];
  for (const work of chosen) {
    const found = rowsOf(work, await time(work, place, released));
    rows.push(...found);
    console.log(markdownTable([HEAD, ...found]));
  }
  const facts = [`Sample: ${text}.`, `Medians of ${runs} rounds on ${cpus().length} processors (${cpus()[0].model});`];
  facts.push(`load average ${before} before, ${loads()} after.`);
  if (flags.write) write(`${facts.join(" ")}\n\n${markdownTable([HEAD, ...rows])}`);
} catch (error) {
  console.error(`Error: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await source.stop();
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
}
