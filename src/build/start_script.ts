import type { BuildRuntime } from "./settings.ts";

/** The parts of a start script that runs one file. */
export interface StartScript {
  readonly runtime: Exclude<BuildRuntime, "none">;
  /** Arguments of the runtime, in front of the file. */
  readonly runtimeArgs: readonly string[];
  /** The file, relative to the project. */
  readonly file: string;
  /** Arguments of the app, after the file. */
  readonly args: readonly string[];
}

/** Flags of Node.js, Bun and Deno whose value is the next word. */
const WITH_VALUE = new Set(
  "-r --require --import --loader --experimental-loader -C --conditions --env-file --preload -c --config".split(" "),
);

/**
 * Reads a start script of the form `node|bun|deno [run] [FLAGS] FILE [ARGUMENTS]`. Returns `undefined` for any other,
 * which a shell would have to run.
 */
export function parseStartScript(script: string): StartScript | undefined {
  if (/[|&;<>()$`"'\\*?[\]{}~#!\n]/.test(script)) return undefined;
  const [runtime, ...words] = script.trim().split(/\s+/);
  if (runtime !== "node" && runtime !== "bun" && runtime !== "deno") return undefined;
  const hasRun = words[0] === "run";
  if (hasRun ? runtime === "node" : runtime === "deno") return undefined;
  const rest = hasRun ? words.slice(1) : words;
  let at = 0;
  while (rest[at]?.startsWith("-")) at += WITH_VALUE.has(rest[at]) ? 2 : 1;
  const file = rest[at];
  // `bun run build` and `bun test` run no file: its name has a dot or a folder.
  if (file === undefined || (runtime === "bun" && !/[./]/.test(file))) return undefined;
  return { runtime, runtimeArgs: rest.slice(0, at), file, args: rest.slice(at + 1) };
}
