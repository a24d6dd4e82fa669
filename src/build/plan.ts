import { BuildError } from "../errors.ts";
import type { Configuration } from "./configuration.ts";
import { chooseEntry, startScripts } from "./entry.ts";
import type { Lock } from "./locked_package.ts";
import type { BuildRuntime, BuildSettings } from "./settings.ts";

/** What is run in the image, and how. */
export interface BuildPlan {
  /** What runs the app. */
  readonly runtime: BuildRuntime;
  /** The file that is run, relative to the working directory. */
  readonly entry: string;
  /** Arguments of the runtime, in front of the entry. */
  readonly runtimeArgs: readonly string[];
  /** Arguments of the app. */
  readonly args: readonly string[];
  /** The folder of the project in the image, without `/` in front. */
  readonly root: string;
  /** The directory that the command starts in. */
  readonly workdir: string;
  /** The user, by number. */
  readonly user: string;
  /** Environment variables to add. */
  readonly env: Readonly<Record<string, string>>;
  /** Ports that it listens on, with their protocols. */
  readonly ports: readonly string[];
}

/** The folder of the project in the image. */
const ROOT = "app";
/** The user `nonroot` of distroless images, which owns no file. */
const USER = "65532";

/** Images with a runtime and little else, to build on by default. */
export const DEFAULT_BASES: Readonly<Record<BuildRuntime, string>> = {
  node: "gcr.io/distroless/nodejs24-debian13:nonroot",
  bun: "docker.io/oven/bun:1-distroless",
  deno: "docker.io/denoland/deno:distroless",
  none: "gcr.io/distroless/cc-debian13:nonroot",
};

/** Chooses the runtime: as set, by the start script, by the lock file, by what there is of configuration. */
export function chooseRuntime(
  configuration: Configuration,
  { settings, lock }: { settings: BuildSettings; lock?: Lock },
): BuildRuntime {
  const { packageJson, denoJson } = configuration;
  if (settings.runtime !== undefined) return settings.runtime;
  const started = [...new Set(startScripts(configuration).map(({ runtime }) => runtime))];
  if (started.length === 1) return started[0];
  if (started.length > 1) throw new BuildError(`no runtime: ${started.join(" or ")}; pass --runtime`);
  if (lock?.manager === "deno" || lock?.manager === "bun") return lock.manager;
  if (denoJson && !packageJson) return "deno";
  return `${packageJson?.packageManager ?? ""}`.startsWith("bun@") ? "bun" : "node";
}

/** Options of {@linkcode makePlan}. */
export interface PlanOptions {
  readonly settings: BuildSettings;
  readonly runtime: BuildRuntime;
  /** The folder of the app in the project, `""` for the project itself. */
  readonly project: string;
  /** The files of the app, relative to its folder. */
  readonly paths: ReadonlySet<string>;
  /** Where Deno has to look for what the app imports: in `vendor`, in node_modules. */
  readonly needs: { readonly vendor: boolean; readonly npm: boolean };
}

/** Makes the plan of an image. @throws {BuildError} for what is unclear, with the flag that makes it clear. */
export function makePlan(configuration: Configuration, options: PlanOptions): BuildPlan {
  const { settings, runtime, project, paths, needs } = options;
  const { file, runtimeArgs, args } = chooseEntry(configuration, { given: settings.entry, runtime, paths });
  return {
    runtime,
    entry: file,
    runtimeArgs: runtime === "deno" ? denoFlags(runtimeArgs, needs) : runtimeArgs,
    args: settings.args ?? args,
    root: ROOT,
    workdir: project === "" ? ROOT : `${ROOT}/${project}`,
    user: settings.user ?? USER,
    env: { ...ENVIRONMENTS[runtime], ...settings.env },
    ports: (settings.ports ?? []).map((port) => port.includes("/") ? port : `${port}/tcp`),
  };
}

const ENVIRONMENTS: Readonly<Record<BuildRuntime, Readonly<Record<string, string>>>> = {
  node: { NODE_ENV: "production" },
  bun: { NODE_ENV: "production" },
  deno: { DENO_NO_UPDATE_CHECK: "1" },
  none: {},
};

/** Returns the command of the image. @param program the words that start the runtime */
export function commandOf(plan: BuildPlan, program: readonly string[]): string[] {
  const entry = `/${plan.workdir}/${plan.entry}`;
  switch (plan.runtime) {
    case "none":
      return [entry];
    case "node":
    case "bun":
      return [...program, ...plan.runtimeArgs, entry];
    case "deno":
      return [...program, "run", ...plan.runtimeArgs, entry];
  }
}

/** Returns the flags of `deno run`: those of the start task, and where imports are, so that nothing is downloaded. */
function denoFlags(given: readonly string[], needs: PlanOptions["needs"]): string[] {
  const has = (...names: string[]) => given.some((flag) => names.includes(flag.replace(/=.*/, "")));
  return [
    ...has("--cached-only") ? [] : ["--cached-only"],
    // The build has verified what the lock has, and the user can't write to it.
    ...has("--lock", "--no-lock", "--frozen") ? [] : ["--no-lock"],
    ...has("--vendor") || !needs.vendor ? [] : ["--vendor"],
    ...has("--node-modules-dir") || !needs.npm ? [] : ["--node-modules-dir=manual"],
    // Without flags of its own an app may do what it does elsewhere.
    ...given.length > 0 ? given : ["--allow-all"],
  ];
}

/** The names of the runtimes' programs. */
const PROGRAMS: Readonly<Record<BuildRuntime, readonly string[]>> = {
  node: ["node", "nodejs"],
  bun: ["bun"],
  deno: ["deno"],
  none: [],
};

/** Programs that may stand in front of a runtime: they start it and pass signals on. */
const INITS = ["tini", "dumb-init", "catatonit"];

/**
 * Returns the words that start the runtime on a base: those of its own command, without a shell script in front, else
 * the runtime's name, which `PATH` resolves.
 */
export function programOf(
  runtime: BuildRuntime,
  base: { readonly Entrypoint?: readonly string[] | null; readonly Cmd?: readonly string[] | null },
): string[] {
  const nameOf = (word: string) => word.slice(word.lastIndexOf("/") + 1);
  for (const words of [base.Entrypoint ?? [], base.Cmd ?? []]) {
    const at = words.findIndex((word) => PROGRAMS[runtime].includes(nameOf(word)));
    if (at >= 0) return INITS.includes(nameOf(words[0])) ? words.slice(0, at + 1) : [words[at]];
  }
  return [...PROGRAMS[runtime].slice(0, 1)];
}
