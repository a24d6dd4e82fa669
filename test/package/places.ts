// The places that programs with the package run in, and the bundles that they run there.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { TYPESCRIPT } from "../../tools/npm_check.ts";
import type { Outcomes } from "../make/outcomes.ts";
import { inPage, type Peer, runPeer, workerd } from "../peers/mod.ts";
import { top } from "../project/tree.ts";
import type { Surroundings } from "./programs/run.ts";

const run = promisify(execFile);

/** The longest that all programs of a place may take, in milliseconds. */
const LIMIT_MS = 100_000;

/** Where programs run. */
export interface Place {
  /** Its name in tests and in the table. */
  readonly name: string;
  /** What tests need for it. */
  readonly peer: Peer;
  /** Whether it has files. */
  readonly files: boolean;
  /** Runs the programs in an installation that {@linkcode install} made. */
  run(installation: string, surroundings: Surroundings): Promise<Outcomes>;
}

/** All places. */
export const places: readonly Place[] = [
  inProcess("Node.js 22", "node 22", []),
  inProcess("Node.js 24", "node 24", []),
  inProcess("Bun", "bun", ["run"]),
  inProcess("Deno", "deno", ["run", "--allow-all", "--quiet"]),
  inWorker("workerd with nodejs_compat", true),
  inWorker("workerd", false),
  {
    name: "Chromium",
    peer: "chromium",
    files: false,
    async run(installation, surroundings) {
      const expression = `import("/programs.js").then(({ outcomes }) => outcomes(${JSON.stringify(surroundings)}))`;
      return (await inPage<Outcomes>(join(installation, "web"), expression)).value;
    },
  },
];

function inProcess(name: string, peer: Peer, args: readonly string[]): Place {
  return {
    name,
    peer,
    files: true,
    async run(installation, surroundings) {
      const code = `import { outcomes } from "./programs.js";
console.log(JSON.stringify(await outcomes(${JSON.stringify(surroundings)})));\n`;
      const main = join(installation, `${surroundings.place}.mjs`);
      writeFileSync(main, code);
      return JSON.parse(await runPeer(peer, [...args, main], { cwd: installation }));
    },
  };
}

function inWorker(name: string, files: boolean): Place {
  return {
    name,
    peer: "miniflare",
    files,
    async run(installation, surroundings) {
      const bucket = join(installation, surroundings.place);
      const program = await workerd(join(installation, "web", "programs.js"), {
        r2: bucket,
        flags: files ? ["nodejs_compat"] : [],
      });
      try {
        const request = {
          method: "POST",
          body: JSON.stringify({ ...surroundings, ...files && { folder: "/tmp" } }),
          signal: AbortSignal.timeout(LIMIT_MS),
        };
        const answer = await fetch(program.url, request);
        if (!answer.ok) throw new Error(`workerd answered ${answer.status}: ${await answer.text()} ${program.said()}`);
        return await answer.json();
      } finally {
        await program.stop();
      }
    },
  };
}

const programFolder = join(top, "test/package/programs");

/** The names of the programs, `room/name`. */
export const programNames: readonly string[] = readdirSync(programFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: room }) => readdirSync(join(programFolder, room)).map((file) => `${room}/${file.slice(0, -3)}`))
  .sort();

/**
 * Installs the package in a folder, with `programs.js`, which imports it, and in the folder `web` bundles for the web:
 * the programs in one file, and clients in parts.
 */
export async function install(folder: string, tarball: string): Promise<void> {
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--no-save", tarball], { cwd: folder });
  writeFileSync(join(folder, "entry.ts"), entry());
  const deno = (args: readonly string[], cwd: string) => run(process.execPath, ["bundle", "--quiet", ...args], { cwd });
  const ours = ["--external=@gcrane/gcrane", "--external=@gcrane/gcrane/*"];
  await deno(
    ["--frozen", "--platform=browser", ...ours, "--output", join(folder, "programs.js"), join(folder, "entry.ts")],
    top,
  );
  const web = join(folder, "web");
  await deno(["--platform=browser", "--output", join(web, "programs.js"), "programs.js"], folder);
  for (const [name, { code }] of Object.entries(clients)) {
    writeFileSync(join(folder, `${name}.js`), code);
    const outdir = join(folder, name);
    mkdirSync(outdir);
    await deno(["--platform=browser", "--minify", "--code-splitting", "--outdir", outdir, `${name}.js`], folder);
  }
}

/** Checks the types of the programs, in an installation, with the declarations of the package. */
export async function checkTypes(installation: string): Promise<void> {
  cpSync(programFolder, join(installation, "sources"), {
    recursive: true,
    filter: (path) => path !== join(programFolder, "run.ts"), // imports of the checkout
  });
  cpSync(join(top, "test/types/std.d.ts"), join(installation, "std.d.ts"));
  const compilerOptions = {
    module: "nodenext",
    target: "esnext",
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  };
  const config = { compilerOptions, include: ["sources", "std.d.ts"] };
  writeFileSync(join(installation, "tsconfig.json"), JSON.stringify(config));
  const check = run("npx", ["-y", "-p", `typescript@${TYPESCRIPT}`, "tsc", "-p", "."], { cwd: installation });
  await check.catch(({ stdout, stderr }) => {
    throw new Error(`${stdout}${stderr}`);
  });
}

/** A client in a page, which answers with a digest. */
export interface Client {
  /** What it imports. */
  readonly title: string;
  /** Its module, with a function `answer`. */
  readonly code: string;
  /** The most bytes that the page loads before the first answer, minified and compressed with gzip. */
  readonly largest: number;
}

/** The clients whose sizes are bounded. */
export const clients: Readonly<Record<string, Client>> = {
  puller: {
    title: "`Puller` of `remote`",
    code: `import { Puller } from "@gcrane/gcrane/remote";
export const answer = (name) => new Puller().digest(name);\n`,
    largest: 44_600,
  },
  digest: {
    title: "`digest` of `crane`",
    code: `import { digest } from "@gcrane/gcrane/crane";
export const answer = (name) => digest(name);\n`,
    largest: 92_400,
  },
  crane: {
    title: "all of `crane`",
    code: `import * as crane from "@gcrane/gcrane/crane";
globalThis.crane = crane;
export const answer = (name) => crane.digest(name);\n`,
    largest: 122_400,
  },
};

/** The module that runs all programs: in a process, in a page, and as a Worker. */
function entry(): string {
  const url = (path: string) => JSON.stringify(new URL(path, `file://${programFolder}/`).href);
  const imports = programNames.map((name, at) => `import * as program${at} from ${url(`${name}.ts`)};`);
  const pairs = programNames.map((name, at) => `  ${JSON.stringify(name)}: program${at},`);
  return `import { runPrograms, type Surroundings } from ${url("run.ts")};
${imports.join("\n")}
const programs = {
${pairs.join("\n")}
};
export const outcomes = (surroundings: Surroundings) => runPrograms(programs, surroundings);
export default {
  fetch: async (request: Request) => Response.json(await outcomes(await request.json())),
};
`;
}

/** Returns whether a program needs files, by its source. */
export function needsFiles(name: string): boolean {
  return /^export const needs = "files";$/m.test(readFileSync(join(programFolder, `${name}.ts`), "utf8"));
}
