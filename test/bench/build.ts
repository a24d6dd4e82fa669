/**
 * Times `gcrane build` of an app of 127 packages (65 MB) into a registry beside containerify, a program of npm: the
 * first build, one of the same files, one after an edit of a file, and one with a new version of a package. Prints
 * medians of wall time, time of processors, peak memory, and what is sent. `--quick` runs once and on Deno alone;
 * `--long` builds an app of 1,200 packages (1 GB, 84,000 files) twice, for the peak memory, and without containerify,
 * which takes two minutes for each of both builds. Each build is noted when it ends.
 *
 *     deno task bench:build [--runs N] [--packages N] [--mb N] [--quick] [--long]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, homedir, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { crane } from "../../mod.ts";
import { emptyImage, layerFromBytes } from "../../src/image/mod.ts";
import { appendLayers } from "../../src/mutate/mod.ts";
import { markdownTable } from "../make/markdown_table.ts";
import { dockerRegistry, pathOf } from "../peers/mod.ts";
import { countingProxy } from "./counting_proxy.ts";
import { median, type Run, run } from "./measure.ts";
import { install, release } from "./prepare.ts";
import { SampleApp } from "./sample_app.ts";
import { tools } from "./tools.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    packages: { type: "string" },
    mb: { type: "string" },
    quick: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
  },
});
const runs = flags.quick || flags.long ? 1 : Number(flags.runs);
const packages = Number(flags.packages ?? (flags.long ? 1200 : 127));
const megabytes = Number(flags.mb ?? (flags.long ? 1000 : 65));

/** What builds an image of the app, pushes it under a name of the registry, and keeps what it wants in a folder. */
interface Builder {
  readonly name: string;
  command(image: { registry: string; name: string; cache: string }): readonly string[];
}

/** One build: its run, and what it has sent. */
interface Build extends Run {
  readonly sent: number;
  /** The layers that the build before did not have, their bytes, and how many layers there are. */
  readonly layers: { readonly added: number; readonly bytes: number; readonly all: number };
}

/** The builds of a round, with what happens to the app before each. */
const steps: readonly (readonly [name: string, change: (app: SampleApp) => void])[] = [
  ["first", () => {}],
  ["the same", () => {}],
  ["a file edited", (app) => app.edit()],
  ["a package bumped", (app) => app.bump()],
];
const chosenSteps = flags.long ? steps.slice(0, 2) : steps;

/** Returns the program of containerify, which is installed if it is missing. */
function containerify(): string {
  const folder = join(homedir(), ".cache/gcrane-peers/containerify");
  const program = join(folder, "node_modules/containerify/lib/cli.js");
  if (!existsSync(program)) {
    const words = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "containerify@4.1.0"];
    execFileSync("npm", words, { stdio: ["ignore", "ignore", "inherit"] });
  }
  return program;
}

function builders(app: SampleApp, work: string): Builder[] {
  const released = flags.quick ? undefined : release(work);
  const ours = tools(released).filter(({ name }) => name.startsWith("gcrane"));
  const chosen = flags.quick ? ours.slice(0, 1) : ours.filter(({ form }) => form !== "Deno source");
  const gcrane = chosen.map(({ name, words = [] }): Builder => ({
    name,
    command({ registry, name, cache }) {
      const image = ["-b", `${registry}/base:v1`, "-t", `${registry}/${name}:v1`];
      return [...words, "build", app.folder, ...image, "--cache", cache, "--sbom", "none"];
    },
  }));
  if (flags.long) return gcrane;
  const program = containerify();
  return [
    ...gcrane,
    {
      name: "containerify",
      command({ registry, name, cache }) {
        const url = `http://${registry}/v2/`;
        const from = ["--fromRegistry", url, "--fromImage", "base:v1", "--doCrossMount", "--layerCacheFolder", cache];
        const to = ["--toRegistry", url, "--toImage", `${name}:v1`, "--allowNoPushAuth", "--folder", app.folder];
        return [pathOf("node 24"), program, ...from, ...to];
      },
    },
  ];
}

async function layersOf(image: string): Promise<Map<string, number>> {
  const { layers } = await (await crane.pull(image)).manifest();
  return new Map(layers.map(({ digest, size }) => [digest, size]));
}

/** Runs every builder in turn for each step, so that a change of the machine's speed hits all of them. */
async function round(number: number, place: { app: SampleApp; work: string; of: readonly Builder[]; to: string }) {
  const { app, work, of, to } = place;
  const proxy = await countingProxy(to);
  const known = new Map<Builder, Map<string, number>>();
  const builds = new Map<string, Build>();
  try {
    for (const [step, change] of chosenSteps) {
      change(app);
      for (const [index, builder] of of.entries()) {
        const name = `app-${index}-${number}`;
        const before = proxy.sent();
        const taken = await run(builder.command({ registry: proxy.host, name, cache: join(work, name) }));
        if (flags.long) console.error(`${step}, ${builder.name}: ${taken.seconds.toFixed(0)} s`);
        const sent = proxy.sent() - before;
        const layers = await layersOf(`${to}/${name}:v1`);
        const added = [...layers].filter(([digest]) => !known.get(builder)?.has(digest));
        const bytes = added.reduce((sum, [, size]) => sum + size, 0);
        known.set(builder, layers);
        const facts = { added: added.length, bytes, all: layers.size };
        builds.set(`${step} ${builder.name}`, { ...taken, sent, layers: facts });
      }
    }
  } finally {
    await proxy.stop();
  }
  return builds;
}

install("docker-registry");
const memory = existsSync("/dev/shm") && !flags.long ? "/dev/shm" : tmpdir();
const work = mkdtempSync(join(memory, "gcrane-bench-"));
const registry = await dockerRegistry({ storage: join(work, "registry") });
try {
  const app = new SampleApp(join(work, "app"), { packages, bytes: megabytes * 1e6 });
  const base = appendLayers(emptyImage({ platform: "linux/amd64" }), [await layerFromBytes(new Uint8Array(1024))]);
  await crane.push(base, `${registry.host}/base:v1`);
  const of = builders(app, work);
  const rounds: Map<string, Build>[] = [];
  for (let number = 0; number < runs; number++) {
    rounds.push(await round(number, { app, work, of, to: registry.host }));
  }
  const head = ["Build", "Tool", "Wall s", "CPU s", "Peak MB", "Sent MB", "New layers", "Their MB"];
  const rows = chosenSteps.flatMap(([step]) =>
    of.map(({ name }) => {
      const all = rounds.map((builds) => builds.get(`${step} ${name}`)!);
      const middle = (value: (build: Build) => number, digits: number) => median(all.map(value)).toFixed(digits);
      const { added, all: count } = all[0].layers;
      return [
        step,
        name,
        middle(({ seconds }) => seconds, 2),
        middle(({ cpu }) => cpu, 2),
        middle(({ peakMb }) => peakMb, 0),
        middle(({ sent }) => sent / 1e6, 3),
        `${added} of ${count}`,
        middle(({ layers }) => layers.bytes / 1e6, 3),
      ];
    })
  );
  console.log(`An app of ${packages} packages, ${megabytes} MB; medians of ${runs} rounds on ${cpus().length} \
processors; load average ${loadavg()[0].toFixed(1)}\n`);
  console.log(markdownTable([head, ...rows]));
} catch (error) {
  console.error(`Error: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
}
