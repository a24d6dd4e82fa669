import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { durationFlag } from "../flag_values.ts";
import { registryStore, storeFlags } from "../registry_store.ts";
import { count, formatBytes } from "../units.ts";

/** `gcrane registry gc` */
export const command: Command = declare({
  description:
    `Removes from a registry's store the blobs that no manifest references, and abandoned uploads. Prints the digests of the blobs. Keeps all manifests, tagged or not.

It may run while registries serve from the same store, and loses no content that is pushed meanwhile: content that a client has used within the grace period is kept. The clocks of all machines must agree to within half a minute.`,
  flags: {
    ...storeFlags,
    grace: {
      type: "string",
      valueName: "TIME",
      default: "24h",
      env: "GCRANE_REGISTRY_GRACE",
      help: "The time to keep unreferenced content; 0 is a minute",
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
    const garbage = await collectStoreGarbage(store, { grace, uploadExpiry: grace, dryRun, signal });
    for (const { digest } of garbage.blobs) await stdout.print(digest);
    note(`${dryRun ? "would remove" : "removed"} ${summary(garbage)}`);
  },
});

/** Returns the value of `--grace` in milliseconds, one minute at least. */
export function graceOf(text: string): number {
  return Math.max(durationFlag("grace", text), 60_000);
}

/** Formats the removed content for display. */
export function summary(
  { blobs, bytes, uploads }: { blobs: readonly unknown[]; bytes: number; uploads: readonly unknown[] },
): string {
  return `${count(blobs.length, "blob")}, ${formatBytes(bytes)}, and ${count(uploads.length, "abandoned upload")}`;
}
