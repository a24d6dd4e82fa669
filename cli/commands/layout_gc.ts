import { type Command, command as declare } from "../command.ts";
import { formatBytes } from "../units.ts";

/** `gcrane layout gc` */
export const command: Command = declare({
  description: "Removes the blobs that are not reachable from the layout's index.json, and prints their digests.",
  args: { layout: { help: "The directory of the OCI layout", completes: "directory" } },
  flags: { dryRun: { type: "boolean", help: "Only print what would be removed" } },
  examples: [{ text: "See the garbage", command: "gcrane layout gc --dry-run ./layout" }],
  async run({ args, flags, stdout, note, signal }) {
    const { openLayout } = await import("../../src/layout/mod.ts");
    const layout = await openLayout(args.layout, { signal });
    const { removed, bytes } = await layout.garbageCollect({ dryRun: flags.dryRun, signal });
    for (const digest of removed) await stdout.print(digest);
    await stdout.flush();
    const blobs = removed.length === 1 ? "1 blob" : `${removed.length} blobs`;
    note(`${flags.dryRun ? "would remove" : "removed"} ${blobs}, ${formatBytes(bytes)}`);
  },
});
