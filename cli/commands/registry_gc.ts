import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { durationFlag } from "../duration_flag.ts";
import { registryStore, storeFlags } from "../registry_store.ts";
import { formatBytes } from "../units.ts";

/** `gcrane registry gc` */
export const command: Command = declare({
  description:
    `Removes blobs that no manifest names, and abandoned uploads, from the store of a registry. It prints the digests of the blobs. Manifests stay, tagged or not.

It may run while registries serve the same store, and removes nothing that is pushed meanwhile: a blob that a registry relied on within the grace stays. The clocks of all machines must agree to within half a minute.`,
  flags: {
    ...storeFlags,
    grace: {
      type: "string",
      valueName: "TIME",
      default: "24h",
      env: "GCRANE_REGISTRY_GRACE",
      help: "For how long content stays that is not needed; 0 is a minute",
    },
    dryRun: { type: "boolean", help: "Print the digests of what would be removed, and remove nothing" },
  },
  examples: [{ text: "See what could go", command: "gcrane registry gc --dry-run --disk ./registry" }],
  async run({ flags, environment, stdout, note, signal }) {
    const { disk, s3, dryRun } = flags;
    if (disk === undefined && s3 === undefined) throw new UsageError("name a store with --disk or --s3");
    const { store } = await registryStore(flags, environment);
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
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  return `${count(blobs.length, "blob")}, ${formatBytes(bytes)}, and ${count(uploads.length, "abandoned upload")}`;
}
