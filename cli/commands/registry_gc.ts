import { UsageError } from "../../src/errors.ts";
import type { GarbageBlob, StoreGarbage } from "../../src/registry/mod.ts";
import { exists } from "../../src/runtime/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { durationFlag } from "../flag_values.ts";
import { registryStore, storeFlags } from "../registry_store.ts";
import { count, formatAge, formatBytes } from "../units.ts";

/** `gcrane registry gc` */
export const command: Command = declare({
  description:
    `Removes from a registry's store the blobs that no manifest references, and abandoned uploads. Prints the digests of the blobs. Keeps all manifests, tagged or not.

A run that was cut off is continued by the next one. It may run while registries serve from the same store, and loses no content that is pushed meanwhile: content that a client has used within the grace period is kept. The clocks of all machines must agree to within half a minute.`,
  flags: {
    ...storeFlags,
    grace: {
      type: "string",
      valueName: "TIME",
      default: "24h",
      env: "GCRANE_REGISTRY_GRACE",
      help: "The time to keep unreferenced content; 0 is a minute",
    },
    prefix: {
      type: "string",
      valueName: "FROM-TO",
      default: "00-ff",
      env: "GCRANE_REGISTRY_GC_PREFIX",
      help: "Only look through digests that begin so, for example 00-3f: jobs with a part each share the work",
    },
    dryRun: { type: "boolean", help: "Only print what would be removed" },
  },
  examples: [{ text: "See the garbage", command: "gcrane registry gc --dry-run --disk ./registry" }],
  async run(context) {
    const { flags, stdout, note, signal } = context;
    const { disk, s3, dryRun } = flags;
    if (disk === undefined && s3 === undefined) throw new UsageError("name a store with --disk or --s3");
    const { store } = await registryStore(flags, context);
    const { collectStoreGarbage } = await import("../../src/registry/mod.ts");
    const grace = graceOf(flags.grace);
    const prefix = await prefixOf(flags.prefix);
    // The store would make the folder, and a wrong name would look like a store without garbage.
    if (disk !== undefined && !await exists(disk)) throw new UsageError(`--disk names ${disk}, which does not exist`);
    let printed: Promise<unknown> = Promise.resolve();
    const onBlob = ({ digest }: GarbageBlob) => void (printed = printed.then(() => stdout.print(digest)));
    const garbage = await collectStoreGarbage(store, { grace, uploadExpiry: grace, prefix, dryRun, onBlob, signal });
    await printed;
    await stdout.flush();
    note(`${dryRun ? "would remove" : "removed"} ${summary(garbage)}`);
    if (garbage.blobs + garbage.uploads > 0) return;
    note(`What was added in the last ${formatAge(grace)} is kept: --grace sets another time`);
  },
});

/** Checks the value of `--prefix`. */
async function prefixOf(text: string): Promise<string> {
  const { parsePrefixes } = await import("../../src/registry/internal.ts");
  try {
    parsePrefixes(text);
    return text;
  } catch (error) {
    throw new UsageError(`--prefix: ${(error as Error).message}`, { cause: error });
  }
}

/** Returns the value of `--grace` in milliseconds, one minute at least. */
export function graceOf(text: string): number {
  return Math.max(durationFlag("grace", text), 60_000);
}

/** Formats the removed content for display. */
export function summary(
  { blobs, bytes, uploads }: StoreGarbage,
): string {
  return `${count(blobs, "blob")}, ${formatBytes(bytes)}, and ${count(uploads, "abandoned upload")}`;
}
