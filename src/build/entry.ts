import { BuildError } from "../errors.ts";
import { isObject } from "../io/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { BuildRuntime } from "./settings.ts";
import { parseStartScript, type StartScript } from "./start_script.ts";

/** The file that is run, and the arguments that came with its name. */
export interface Entry {
  readonly file: string;
  readonly runtimeArgs: readonly string[];
  readonly args: readonly string[];
}

/** A file that a configuration names as an entry. */
interface Candidate extends Entry {
  /** Where it is named, for an error. */
  readonly from: string;
}

/** Returns the start scripts of a configuration that run one file, Deno's task first. */
export function startScripts({ packageJson, denoJson }: Configuration): (StartScript & { from: string })[] {
  const task = denoJson && isObject(denoJson.value.tasks) ? denoJson.value.tasks.start : undefined;
  const script = isObject(packageJson?.scripts) ? packageJson.scripts.start : undefined;
  const texts: [unknown, string][] = [
    [isObject(task) ? task.command : task, `tasks.start of ${denoJson?.file}`],
    [script, "scripts.start of package.json"],
  ];
  return texts.flatMap(([text, from]) => {
    const parsed = typeof text === "string" ? parseStartScript(text) : undefined;
    return parsed === undefined ? [] : [{ ...parsed, from }];
  });
}

/**
 * Chooses the file to run: the given one, else the first one that exists of those that the start script, `bin`, `main`
 * and `exports` name.
 *
 * @param paths the files of the app
 * @throws {BuildError} if there is none, or if several are equally good.
 */
export function chooseEntry(
  configuration: Configuration,
  { given, runtime, paths }: { given?: string; runtime: BuildRuntime; paths: ReadonlySet<string> },
): Entry {
  if (given !== undefined) {
    const file = cleanPath(given);
    if (paths.has(file)) return { file, runtimeArgs: [], args: [] };
    throw missing(file, "", paths);
  }
  const candidates = candidatesOf(configuration, runtime);
  for (const candidate of candidates) {
    const file = resolved(candidate.file, paths);
    if (file !== undefined) return { ...candidate, file };
  }
  const [first] = candidates;
  if (first !== undefined) throw missing(cleanPath(first.file), `, which ${first.from} names,`, paths);
  throw new BuildError("no entry: pass --entry", {
    hint: 'or name the file to run in "main" or in "scripts.start" of package.json, as in "node server.js"',
  });
}

function candidatesOf(configuration: Configuration, runtime: BuildRuntime): Candidate[] {
  const { packageJson, denoJson } = configuration;
  const starts = startScripts(configuration).filter((start) => start.runtime === runtime);
  const plain = (file: unknown, from: string): Candidate[] =>
    typeof file === "string" ? [{ file, from, runtimeArgs: [], args: [] }] : [];
  return [
    ...starts,
    ...plain(exported(denoJson?.value.exports), `exports of ${denoJson?.file}`),
    ...plain(programOf(packageJson), "bin of package.json"),
    ...plain(packageJson?.main, "main of package.json"),
    ...plain(exported(packageJson?.exports), "exports of package.json"),
  ];
}

/** Returns the program of a package: the only one, or the one with its name. */
function programOf(packageJson: Configuration["packageJson"]): unknown {
  const bin = packageJson?.bin;
  if (!isObject(bin)) return bin;
  const names = Object.keys(bin);
  const own = `${packageJson?.name}`.replace(/^@[^/]*\//, "");
  if (names.length <= 1 || own in bin) return bin[names.length === 1 ? names[0] : own];
  throw new BuildError(`no entry: bin of package.json has ${names.join(", ")}; pass --entry`);
}

/** Returns the file that `exports` gives for the package itself. */
function exported(value: unknown): unknown {
  if (!isObject(value)) return value;
  for (const condition of [".", "node", "import", "module-sync", "default", "require"]) {
    if (condition in value) return exported(value[condition]);
  }
  return undefined;
}

/** Resolves a name as Node.js does that of `main`. */
function resolved(file: string, paths: ReadonlySet<string>): string | undefined {
  const cleaned = cleanPath(file);
  const tried = [cleaned, `${cleaned}.js`, `${cleaned}/index.js`, ...cleaned === "" ? ["index.js"] : []];
  return tried.find((path) => paths.has(path));
}

function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.pop() === undefined) throw new BuildError(`the entry ${path} is not in the project`);
    if (part !== "..") parts.push(part);
  }
  return parts.join("/");
}

function missing(file: string, origin: string, paths: ReadonlySet<string>): BuildError {
  const other = [...paths].find((path) => path.toLowerCase() === file.toLowerCase());
  if (other !== undefined) {
    return new BuildError(`the entry ${file}${origin} is named ${other} among the files: case differs`, {
      hint: "write it as the file is named",
    });
  }
  return new BuildError(`the entry ${file}${origin} is not among the files`, {
    hint: "build the app first, name another file with --entry, or check include and exclude",
  });
}
