import {
  type CopyEvent,
  copyRecursively,
  type CopyRecursivelyOptions,
  type CopyResult,
  parseShard,
} from "../gcr/mod.ts";
import { UsageError } from "../src/errors.ts";
import { isHash } from "../src/spec/mod.ts";
import type { Context } from "./command.ts";
import { type endKeychainFlags, endKeychains } from "./keychains.ts";
import { extraText, readExtraPlan, writeExtraPlan } from "./extra_plan.ts";
import { summary } from "./failure.ts";
import type { FlagValues } from "./flag.ts";
import { bandwidthOf, noTagText, type RecursiveFlags } from "./recursive_flags.ts";
import { platformsOptions } from "./remote_options.ts";
import { jsonLine, shortDigest } from "./terminal_text.ts";
import { count, formatBytes, formatDuration } from "./units.ts";

/** The shortest wait that is reported, in milliseconds. */
const LONG_WAIT = 10_000;

/** The interval of progress lines if standard error is not a terminal, in milliseconds. */
const PROGRESS_INTERVAL = 60_000;

/** The context of `gcrane copy`. */
export type RecursiveContext = Omit<Context, "args" | "flags"> & {
  readonly args: { readonly source: string; readonly destination: string };
  readonly flags:
    & Context["flags"]
    & RecursiveFlags
    & FlagValues<typeof endKeychainFlags>
    & { readonly jobs: number | undefined; readonly noClobber: boolean; readonly json: boolean };
};

/** Runs `gcrane copy --recursive` and reports the result. Returns the exit code. */
export async function runRecursiveCopy(context: RecursiveContext): Promise<number> {
  const { args, flags, stdout, signal, note } = context;
  refusePlaces(args);
  const options = await optionsOf(context);
  const progressLines = new ProgressLines(context.onProgress ? undefined : note);
  const onEvent = (event: CopyEvent) => {
    progressLines.add(event);
    reportEvent(event, context);
    if (event.kind !== "manifest" || !flags.dryRun) return;
    // A closed reader ends the command, which needs no report here.
    for (const line of plannedLines(event, { isTerminal: stdout.isTerminal })) stdout.print(line).catch(() => {});
  };
  try {
    const result = await copyRecursively(args.source, args.destination, { ...options, onEvent });
    const code = await reportCopy(result, context);
    const { manifests, there, resumed, kept, failed } = result;
    const none = manifests + there + resumed + kept + failed === 0 ? noTagText(args.source, flags) : undefined;
    if (none === undefined) return code;
    note(none);
    return flags.require ? 1 : code;
  } catch (error) {
    if (signal.aborted) note(`interrupted: ${progressLines.text}; the same command continues from there`);
    throw error;
  }
}

/** Rejects sources and destinations outside of registries. @throws {UsageError} for one. */
function refusePlaces({ source, destination }: RecursiveContext["args"]): void {
  for (const name of [source, destination]) {
    if (!/^(\.{0,2}\/|-$|daemon:)/.test(name)) continue;
    throw new UsageError(`${name} is not a repository or a registry`, { hint: "without -r, one image is copied" });
  }
}

/** Reports what a person may have to know during a copy. */
export function reportEvent(event: CopyEvent, { note, warn }: Pick<Context, "note" | "warn">): void {
  if (event.kind === "waiting" && event.ms >= LONG_WAIT) {
    warn(`a registry is busy or out of reach, waiting ${formatDuration(event.ms)} before the next request`);
  }
  if (event.kind === "left") note(`Left ${event.name}: ${event.reason}`);
}

async function optionsOf(context: RecursiveContext): Promise<CopyRecursivelyOptions> {
  const { flags, environment, onProgress } = context;
  const { tagFilter, semver, exclude, withReferrers, noClobber, jobs, rate, journal, dryRun } = flags;
  return {
    ...platformsOptions({ ...context, args: {} }),
    ...endKeychains(flags, context),
    onProgress,
    jobs,
    tagFilter,
    semver,
    exclude,
    withReferrers,
    ...(flags.untagged ? {} : { untagged: false }),
    noClobber,
    dryRun,
    rate,
    bytesPerSecond: bandwidthOf(flags.bandwidth),
    journal,
    shard: flags.shard === undefined ? undefined : parseShard(flags.shard, environment),
    ...await extraOf(flags),
  };
}

/** Returns the options for extra content of the destination. */
export async function extraOf(
  { deleteExtra, allowEmpty, plan, apply, yes }: Pick<
    RecursiveFlags,
    "deleteExtra" | "allowEmpty" | "plan" | "apply" | "yes"
  >,
): Promise<Pick<CopyRecursivelyOptions, "extra" | "allowEmpty" | "onlyExtra">> {
  if (yes && !deleteExtra) throw new UsageError("--yes requires --delete-extra");
  if (allowEmpty && !deleteExtra && plan === undefined && apply === undefined) {
    throw new UsageError("--allow-empty requires --delete-extra, --plan or --apply");
  }
  if (plan !== undefined && (yes || apply !== undefined)) {
    throw new UsageError("--plan only writes the extra content to a file, and deletes nothing", {
      hint: `review the file, and then pass it to --apply`,
    });
  }
  if (apply !== undefined) return { extra: "delete", allowEmpty, onlyExtra: await readExtraPlan(apply) };
  return { allowEmpty, extra: yes ? "delete" : deleteExtra || plan !== undefined ? "find" : "keep" };
}

/** Options of {@linkcode plannedLines}. */
interface PlannedOptions {
  /** Whether people read the lines: digests are then short, and stand in a line once. */
  readonly isTerminal: boolean;
  /**
   * Returns what a tag of the target is at the source: a tag or a digest.
   *
   * @default the same tag
   */
  readonly from?: (tag: string) => string;
}

/** Formats the actions of a dry run, for programs as arguments of commands. */
export function plannedLines(
  { source, target, digest, tags, there }: CopyEvent & { kind: "manifest" },
  { isTerminal, from = (tag) => tag }: PlannedOptions,
): string[] {
  const shown = (digest: string) => isTerminal ? shortDigest(digest) : digest;
  const manifest = there ? [] : [`copy ${source}@${shown(digest)} ${isTerminal ? target : `${target}@${digest}`}`];
  const named = (tag: string) => isHash(from(tag)) ? `${source}@${shown(from(tag))}` : `${source}:${from(tag)}`;
  return [...manifest, ...tags.map((tag) => `copy ${named(tag)} ${target}:${tag}`)];
}

/** The part of a command's context that reports need. */
export type ReportContext = Pick<Context, "stdout" | "note" | "signal"> & {
  readonly flags: Pick<RecursiveFlags, "dryRun" | "plan" | "deleteExtra" | "yes" | "apply"> & {
    readonly json?: boolean;
  };
};

/** Reports the result: extra content on standard output, the rest on standard error. Returns the exit code. */
export async function reportCopy(result: CopyResult, context: ReportContext): Promise<number> {
  const { flags: { dryRun, plan, deleteExtra, yes, apply, json }, stdout, note, signal } = context;
  const { failures, failed, extra, deleted } = result;
  if (json) await stdout.print(jsonLine(sumOf(result)));
  const isDeleting = (yes || apply !== undefined) && !dryRun;
  if (!isDeleting && !json) { for (const item of extra) await stdout.print(`delete ${extraText(item)}`); }
  await stdout.flush();
  note(`${dryRun ? "would copy" : "copied"} ${copiedText(result)}`);
  if (result.unsuited > 0) {
    note(`left out ${count(result.unsuited, "index", "indexes")} without an image for the platform`);
  }
  if (isDeleting && failed === 0) {
    note(`deleted ${deleted} of ${count(extra.length, "thing")} that the source does not have`);
  } else if (extra.length > 0) note(`${count(extra.length, "thing")} could be deleted: ${confirmation(context)}`);
  if (plan !== undefined && failed === 0) await writeExtraPlan(plan, extra, { signal });
  for (const { name, error } of failures) note(`Failed: ${name}: ${summary(error)}`);
  if (failed > failures.length) note(`… and ${failed - failures.length} more`);
  if (failed === 0) return 0;
  const untouched = (deleteExtra || apply !== undefined) && deleted === 0 ? ", so nothing was deleted" : "";
  note(`Error: ${count(failed, "thing")} failed${untouched} — the same command tries them again`);
  return 1;
}

function confirmation({ flags: { plan } }: ReportContext): string {
  return plan === undefined ? "--delete-extra --yes deletes them" : `--apply ${plan} does so`;
}

/** Returns the result for JSON, with the messages of the failures. */
function sumOf({ failures, ...counts }: CopyResult): object {
  return { ...counts, failures: failures.map(({ name, error }) => ({ name, error: summary(error) })) };
}

function copiedText({ manifests, tags, bytes, repositories, resumed, there, kept }: CopyResult): string {
  const size = bytes > 0 ? `, ${formatBytes(bytes)} of layers` : "";
  const before = resumed > 0 ? `, ${resumed} more were done before` : "";
  return `${count(manifests, "manifest")} and ${count(tags, "tag")}${size}; ` +
    `${count(there, "manifest")} ${there === 1 ? "was" : "were"} there already${
      kept > 0 ? `, ${count(kept, "tag")} kept` : ""
    } ` +
    `(${count(repositories, "repository", "repositories")}${before})`;
}

/** Reports the progress at intervals. */
export class ProgressLines {
  readonly #note: ((message: string) => void) | undefined;
  #manifests = 0;
  #repositories = 0;
  #failed = 0;
  #last = Date.now();

  constructor(note: ((message: string) => void) | undefined) {
    this.#note = note;
  }

  get text(): string {
    const failed = this.#failed > 0 ? `, ${this.#failed} failed` : "";
    return `${count(this.#manifests, "manifest")} copied, ` +
      `${count(this.#repositories, "repository", "repositories")} done${failed}`;
  }

  add(event: CopyEvent): void {
    if (event.kind === "manifest" && !event.there) this.#manifests++;
    if (event.kind === "repository") this.#repositories++;
    if (event.kind === "failed") this.#failed++;
    if (this.#note === undefined || Date.now() - this.#last < PROGRESS_INTERVAL) return;
    this.#last = Date.now();
    this.#note(this.text);
  }
}
