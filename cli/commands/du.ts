import type { DiskUse } from "../../src/crane/mod.ts";
import { jsonLine, oneLine, shortDigest, stepText, tableLines, truncate } from "../terminal_text.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";
import { formatBytes } from "../units.ts";

/** `gcrane du` */
export const command: Command = declare({
  description:
    `USED is the size of the visible files; WASTED is that of files that a later layer deletes or replaces. Both are uncompressed; STORED is the size in the registry. A directory includes everything below it. Reads every layer once.

${SOURCES_HELP}`,
  args: { image: { help: "The image" } },
  flags: {
    top: { type: "number", valueName: "N", default: 10, help: "The number of directories and wasted files to list" },
    depth: { type: "number", valueName: "N", default: 2, help: "The depth of the listed directories" },
    json: { type: "boolean", help: "Print one line of JSON, with full digests and sizes in bytes" },
  },
  examples: [
    { text: "See the largest layers and directories", command: "gcrane du registry.example.com/app:v1" },
    {
      text: "Count the wasted bytes",
      command: "gcrane du --json registry.example.com/app:v1 | jq .wasted",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const options = { ...remoteOptions(context), onReadProgress: context.onProgress };
    const { diskUse } = await import("../../src/crane/mod.ts");
    const { openImage } = await import("../../src/source/mod.ts");
    const image = await openImage(await imageSource(args.image, context), options);
    const use = await diskUse(image, { top: flags.top, depth: flags.depth, signal });
    if (flags.json) return await stdout.print(jsonLine(use));
    for (const line of linesOf(use)) await stdout.print(line);
  },
});

function linesOf({ size, used, wasted, layers, directories, wastedFiles }: DiskUse): string[] {
  const lines = tableLines([
    ["STORED", "USED", "WASTED", "LAYER"],
    ...layers.map((layer) => [
      ...[layer.size, layer.used, layer.wasted].map(formatBytes),
      `${shortDigest(layer.digest)}  ${truncate(stepText(layer.createdBy ?? ""), 60)}`.trimEnd(),
    ]),
    [...[size, used, wasted].map(formatBytes), "all"],
  ], { right: [0, 1, 2] });
  if (directories.length > 0) {
    const listed = directories.map((use) => [formatBytes(use.used), formatBytes(use.wasted), oneLine(use.path)]);
    lines.push("", ...tableLines([["USED", "WASTED", "DIRECTORY"], ...listed], { right: [0, 1] }));
  }
  if (wastedFiles.length > 0) {
    const listed = wastedFiles.map((file) => [formatBytes(file.size), `${file.layer + 1}`, oneLine(file.path)]);
    lines.push("", ...tableLines([["WASTED", "IN LAYER", "FILE"], ...listed], { right: [0, 1] }));
  }
  return lines;
}
