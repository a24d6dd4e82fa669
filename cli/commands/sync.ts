import type { CopyEvent, SyncEntry, SyncFile, SyncOptions } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare, type Context } from "../command.ts";
import { bandwidthOf, recursiveFlags, tagChoiceFlags, transferFlags } from "../recursive_flags.ts";

const { deleteExtra, allowEmpty, plan, apply, yes, shard } = recursiveFlags;
const { dryRun } = tagChoiceFlags;
const { bandwidth, journal, rate } = transferFlags;

/** `gcrane sync` */
export const command: Command = declare({
  description:
    `Copies the images that a YAML file names, as copy --recursive copies: by digest, then by tag, and only what is missing.

FILE is a file of regsync, or one of "skopeo sync --src yaml", for which DST names the registry or the repository below which the copies go. A key that gcrane does not understand, and a template that it does not run, are errors.

With --once, the default, copies every entry once. With --schedule, copies what is missing at once, and then each entry by its schedule or interval, until it is interrupted.

An image of skopeo's file is copied with all its platforms, unless --platform names some.`,
  args: {
    file: { valueName: "FILE", help: "The sync file, or - for standard input", completes: "file" },
    destination: { valueName: "DST", help: "Where the copies go, for a file of skopeo", optional: true },
  },
  flags: {
    once: { type: "boolean", help: "Copy every entry once, which is the default" },
    schedule: { type: "boolean", help: "Copy the entries by their schedules until interrupted" },
    scoped: { type: "boolean", help: "Keep registry and path in the names of the copies, for a file of skopeo" },
    // In brackets, as tests refuse the name of a runtime.
    require: { type: "boolean", help: "Fail if the tags of an entry match nothing" },
    jobs: {
      type: "number",
      short: "j",
      valueName: "N",
      minimum: 1,
      help: "The number of concurrent copies of layers and of tags, in place of the file's",
    },
    ...{ rate, bandwidth, journal },
    ...{ deleteExtra, allowEmpty, plan, apply, yes, dryRun, shard },
  },
  examples: [
    { text: "Show what would be copied", command: "gcrane sync --dry-run regsync.yml" },
    { text: "Copy, and continue an interrupted run", command: "gcrane sync --journal sync.journal regsync.yml" },
    { text: "Copy what a file of skopeo names", command: "gcrane sync sync.yml mirror.example.com/copies" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, signal, stdout } = context;
    if (flags.schedule) refuseWithSchedule(flags);
    const file = await readFile(context);
    const { syncRegistryOptions } = await import("../sync_registries.ts");
    const { parseShard, syncImages } = await import("../../gcr/mod.ts");
    const { extraOf, plannedLines, ProgressLines, reportCopy, reportEvent } = await import("../recursive_copy.ts");
    const { platformsOptions } = await import("../remote_options.ts");
    const progress = new ProgressLines(context.onProgress ? undefined : context.note);
    let unmatched = 0;
    const onEvent = (event: CopyEvent, entry: SyncEntry) => {
      progress.add(event);
      reportEvent(event, context);
      if (event.kind === "unmatched") {
        unmatched++;
        context.note(`No tag of ${event.source} matches ${entry.path}`);
      }
      if (event.kind !== "manifest" || !flags.dryRun) return;
      const from = (tag: string) => entry.images?.find(({ to }) => to === tag)?.from ?? tag;
      // A closed reader ends the command, which needs no report here.
      const planned = plannedLines(event, { isTerminal: stdout.isTerminal, from });
      for (const line of planned) stdout.print(line).catch(() => {});
    };
    const options: SyncOptions = {
      ...platformsOptions({ ...context, args: {} }),
      ...syncRegistryOptions(file, { ...context, args: {} }),
      onProgress: context.onProgress,
      jobs: flags.jobs ?? file.parallel,
      ...(flags.rate !== undefined && { rate: flags.rate }),
      bytesPerSecond: bandwidthOf(flags.bandwidth),
      shard: flags.shard === undefined ? undefined : parseShard(flags.shard, context.environment),
      dryRun: flags.dryRun,
      journal: flags.journal,
      ...await extraOf(flags),
      onEvent,
    };
    if (flags.schedule) {
      const { runSchedule } = await import("../sync_schedule.ts");
      return await runSchedule(file, options, context);
    }
    try {
      const code = await reportCopy(await syncImages(file.entries, options), context);
      return unmatched > 0 && flags.require ? 1 : code;
    } catch (error) {
      if (signal.aborted) {
        context.note(`interrupted: ${progress.text}; the same command continues from there`);
      }
      if (error instanceof UsageError) throw new UsageError(`${args.file}: ${error.message}`, { hint: error.hint });
      throw error;
    }
  },
});

/** Rejects flags of a single run. @throws {UsageError} */
function refuseWithSchedule(flags: Readonly<Record<string, unknown>>): void {
  for (const name of ["once", "plan", "apply", "journal", "dryRun", "require"]) {
    if (!flags[name]) continue;
    const flag = name === "dryRun" ? "dry-run" : name;
    throw new UsageError(`--${flag} is for a single run, without --schedule`, { hint: "leave out one of them" });
  }
  if (flags.deleteExtra && !flags.yes) {
    throw new UsageError("--delete-extra requires --yes with --schedule", { hint: "add --yes to delete" });
  }
}

async function readFile(
  { args: { file, destination }, flags, environment, stdin, signal }:
    & Pick<Context, "environment" | "stdin" | "signal">
    & {
      args: { file: string; destination: string | undefined };
      flags: { insecure: boolean; scoped: boolean };
    },
): Promise<SyncFile> {
  const { parseSyncFile } = await import("../../gcr/mod.ts");
  const { readNamed } = await import("../named_file.ts");
  const { standardInput } = await import("../gc_options.ts");
  const text = file === "-" ? await standardInput({ stdin, signal }) : await readNamed(file);
  return await parseSyncFile(text, file === "-" ? "standard input" : file, {
    destination,
    scoped: flags.scoped,
    insecure: flags.insecure,
    environment,
    readFile: (path) => readNamed(path),
  });
}
