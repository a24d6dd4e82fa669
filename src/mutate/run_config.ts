import type { RunConfig } from "../spec/mod.ts";
import { changedEntries, type FieldChanges, withFields } from "./fields.ts";

/** Changes of how an image is run (image-spec, "Image JSON", `config`); `null` takes something away. */
export interface RunConfigChanges {
  /**
   * Labels by their names, those to take away with `null`; `null` for all.
   * @default they stay
   */
  readonly labels?: Readonly<Record<string, string | null>> | null;
  /**
   * Environment variables by their names, those to take away with `null`; `null` for all. A variable that was there
   * keeps its place. For Windows, case does not count, and a new name is written in capitals.
   * @default they stay
   */
  readonly env?: Readonly<Record<string, string | null>> | null;
  /**
   * The command that is run.
   * @default it stays
   */
  readonly entrypoint?: readonly string[] | null;
  /**
   * The arguments of the command, or the command.
   * @default they stay; but they go with the entrypoint that they were for when another is set, as with Docker
   */
  readonly cmd?: readonly string[] | null;
  /**
   * `user[:group]`, by name or number.
   * @default it stays
   */
  readonly user?: string | null;
  /**
   * The directory that the command starts in.
   * @default it stays
   */
  readonly workdir?: string | null;
  /**
   * The signal that asks the command to end: `SIGTERM`.
   * @default it stays
   */
  readonly stopSignal?: string | null;
  /**
   * The ports that it listens on, like `80/tcp`: a list of all, or those to add with `true` and to take away with
   * `false`.
   * @default they stay
   */
  readonly exposedPorts?: readonly string[] | Readonly<Record<string, boolean>> | null;
  /**
   * The directories that hold data, in the same way.
   * @default they stay
   */
  readonly volumes?: readonly string[] | Readonly<Record<string, boolean>> | null;
}

/** A run config with changes. */
export function changedRunConfig(config: RunConfig, changes: RunConfigChanges, os: string): RunConfig {
  const { labels, env, entrypoint, cmd, user, workdir, stopSignal, exposedPorts, volumes } = changes;
  const fields: FieldChanges<RunConfig> = {
    Labels: changedEntries(config.Labels, labels),
    Env: changedEnv(config.Env ?? [], env, os),
    Entrypoint: entrypoint,
    Cmd: cmd === undefined && entrypoint ? null : cmd,
    User: user,
    WorkingDir: workdir,
    StopSignal: stopSignal,
    ExposedPorts: changedSet(config.ExposedPorts, exposedPorts),
    Volumes: changedSet(config.Volumes, volumes),
  };
  return withFields(config, fields);
}

function changedEnv(
  env: readonly string[],
  changes: RunConfigChanges["env"],
  os: string,
): readonly string[] | null | undefined {
  if (changes === undefined || changes === null) return changes;
  const keyOf = (name: string) => os === "windows" ? name.toUpperCase() : name;
  const left = new Map<string, string | null>();
  for (const [name, value] of Object.entries(changes)) {
    if (name === "" || name.includes("=")) {
      throw new TypeError(`${JSON.stringify(name)} is not a name for an environment variable`);
    }
    left.set(keyOf(name), value);
  }
  const kept = env.flatMap((variable) => {
    const [name] = variable.split("=", 1);
    const value = left.get(keyOf(name));
    if (value === undefined) return [variable];
    // Of a name that is there twice, the last one counts; so both get the value.
    return value === null ? [] : [`${name}=${value}`];
  });
  const there = new Set(env.map((variable) => keyOf(variable.split("=", 1)[0])));
  const added = [...left].filter(([key, value]) => value !== null && !there.has(key));
  const changed = [...kept, ...added.map(([key, value]) => `${key}=${value}`)];
  if (changed.length > 0) return changed;
  return env.length > 0 ? null : undefined;
}

/** A set as the config has it: its members are keys, with empty objects as values. */
function changedSet(
  current: Readonly<Record<string, unknown>> | null | undefined,
  changes: readonly string[] | Readonly<Record<string, boolean>> | null | undefined,
): Readonly<Record<string, unknown>> | null | undefined {
  if (changes === undefined || changes === null) return changes;
  const members = isList(changes)
    ? { ...membership(Object.keys(current ?? {}), false), ...membership(changes, true) }
    : changes;
  const entries = Object.entries(members).map(([name, member]) => [name, member ? current?.[name] ?? {} : null]);
  return changedEntries(current, Object.fromEntries(entries));
}

function membership(names: readonly string[], member: boolean): Record<string, boolean> {
  return Object.fromEntries(names.map((name) => [name, member]));
}

function isList(value: readonly string[] | Readonly<Record<string, boolean>>): value is readonly string[] {
  return Array.isArray(value);
}
