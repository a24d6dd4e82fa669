import type { FileDifference, FileFacts, FileField, ImageDiff, LayerDifference } from "../../src/crane/mod.ts";
import { UsageError } from "../../src/errors.ts";
import type { Difference, Image } from "../../src/image/mod.ts";
import type { AbortOptions } from "../../src/io/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { sizeFlag } from "../flag_values.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";
import { jsonLine, oneLine, shortDigest, stepText, truncate } from "../terminal_text.ts";
import { formatBytes } from "../units.ts";

/** The displayed length of a value, which fits a digest. */
const SHOWN_VALUE = 75;

/** The marks of entries that only the first image has, only the second has, or that differ. */
const SIGNS = { removed: "-", added: "+", changed: "~" } as const;

/** `gcrane diff` */
export const command: Command = declare({
  description:
    `Compares manifest, config, layers and files: "-" is only in the first image, "+" only in the second, "~" in both, but different. Compares the visible files by type, mode, owner, size, content, link and extended attributes, but not by time. Of an index, compares the image for --platform, linux/amd64 by default.

As with diff, the exit code is 0 and nothing is printed if the images are equal, and 1 if they differ. A failure has exit code 1 too, and an error on standard error. With --max-growth, the exit code is 1 only if the layers grow by more than that.

Reads only layers that differ, and shared layers if the layers above them require it.

${SOURCES_HELP.replace("IMAGE", "A or B")}`,
  args: { first: { valueName: "A", help: "The first image" }, second: { valueName: "B", help: "The second image" } },
  flags: {
    json: { type: "boolean", help: "Print the differences as one line of JSON, even if there are none" },
    markdown: { type: "boolean", help: "Print the differences as Markdown, for a comment on a pull request" },
    maxGrowth: {
      type: "string",
      valueName: "SIZE",
      help: "Exit with 1 only if the layers of B are larger than those of A by more than SIZE, for example 5MB",
    },
  },
  examples: [
    {
      text: "See whether two tags are equal",
      command: "gcrane diff registry.example.com/app:v1 registry.example.com/app:old",
    },
    {
      text: "Compare a new build with a pushed image",
      command: "gcrane diff ./app.tar registry.example.com/app:v1",
    },
    {
      text: "Describe a pull request's image, and fail if it is over 5 MB larger",
      command: "gcrane diff --markdown --max-growth 5MB registry.example.com/app:old registry.example.com/app:v1",
    },
    {
      text: "List the files that differ",
      command: "gcrane diff --json registry.example.com/app:v1 registry.example.com/app:old | jq -r '.files[].path'",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal, note } = context;
    const { diff } = await import("../../src/crane/mod.ts");
    const { withClient } = await import("../../src/crane/internal.ts");
    const { openImage } = await import("../../src/source/mod.ts");
    if (flags.json && flags.markdown) {
      throw new UsageError("--json and --markdown exclude each other", { hint: "leave out one" });
    }
    const most = flags.maxGrowth === undefined ? undefined : growthFlag(flags.maxGrowth);
    const options = withClient({ ...remoteOptions(context), onReadProgress: context.onProgress });
    const find = async (name: string) => await openImage(await imageSource(name, context), options);
    const [first, second] = [await find(args.first), await find(args.second)];
    const found = await diff(first, second, { signal });
    const sizes = async () => [await storedSize(first, { signal }), await storedSize(second, { signal })] as const;
    if (flags.json) {
      await stdout.print(jsonLine(found));
    } else if (flags.markdown) {
      const { markdownLines } = await import("../diff_markdown.ts");
      const names = [args.first, args.second] as const;
      for (const line of markdownLines(found, { names, sizes: await sizes() })) await stdout.print(line);
    } else if (!found.equal) {
      await stdout.print(`--- ${oneLine(args.first)}`);
      await stdout.print(`+++ ${oneLine(args.second)}`);
      for (const line of linesOf(found)) await stdout.print(line);
    }
    if (most === undefined) return found.equal ? 0 : 1;
    const [before, after] = await sizes();
    if (after - before <= most) return 0;
    note(`the layers grow by ${formatBytes(after - before)}, and --max-growth allows ${formatBytes(most)}`);
    return 1;
  },
});

/** Returns the number of bytes of an image's stored layers. */
async function storedSize(image: Image, options: AbortOptions): Promise<number> {
  return (await image.manifest(options)).layers.reduce((sum, { size }) => sum + size, 0);
}

/** Parses the allowed growth; 0 allows none. */
function growthFlag(text: string): number {
  return /^0+$/.test(text) ? 0 : sizeFlag("max-growth", text);
}

function* linesOf({ manifest, config, layers, files }: ImageDiff): Generator<string> {
  yield* section("Manifest", manifest.map((one) => fieldLine(one, "manifest.")));
  yield* section("Config", config.map((one) => fieldLine(one, "config.")));
  yield* section("Layers", layers.map(layerLine));
  yield* section("Files", files.map(fileLine));
}

function* section(title: string, lines: readonly string[]): Generator<string> {
  if (lines.length === 0) return;
  yield "";
  yield title;
  yield* lines;
}

function fieldLine({ path, a, b }: Difference, prefix: string): string {
  const field = oneLine(path.startsWith(prefix) ? path.slice(prefix.length) : path);
  if (a === undefined) return `${SIGNS.added} ${field}: ${valueText(b)}`;
  if (b === undefined) return `${SIGNS.removed} ${field}: ${valueText(a)}`;
  return `${SIGNS.changed} ${field}: ${valueText(a)} → ${valueText(b)}`;
}

function valueText(value: unknown): string {
  return truncate(oneLine(JSON.stringify(value)), SHOWN_VALUE);
}

function layerLine({ kind, digest, size, createdBy }: LayerDifference): string {
  const step = createdBy === undefined ? "" : `  ${truncate(stepText(createdBy), SHOWN_VALUE)}`;
  return `${SIGNS[kind]} ${shortDigest(digest)}  ${formatBytes(size)}${step}`;
}

function fileLine(difference: FileDifference): string {
  const { kind, path } = difference;
  return `${SIGNS[kind]} ${oneLine(path)}  ${factsText(difference)}`;
}

function factsText(difference: FileDifference): string {
  switch (difference.kind) {
    case "added":
      return wholeText(difference.b);
    case "removed":
      return wholeText(difference.a);
    case "changed":
      return difference.fields.map((field) => changeText(field, difference)).join(", ");
  }
}

function wholeText(facts: FileFacts): string {
  const size = facts.size === undefined ? "" : formatBytes(facts.size);
  const link = facts.link === undefined ? "" : `→ ${oneLine(facts.link)}`;
  return [facts.type, modeText(facts), ownerText(facts), size, link].filter((part) => part !== "").join(" ");
}

function changeText(field: FileField, { a, b }: { readonly a: FileFacts; readonly b: FileFacts }): string {
  const change = (show: (facts: FileFacts) => string) => `${field} ${show(a)} → ${show(b)}`;
  switch (field) {
    case "mode":
      return change(modeText);
    case "owner":
      return change(ownerText);
    case "size":
      return change(({ size }) => size === undefined ? "none" : `${size}`);
    case "digest":
      return change(({ digest }) => digest === undefined ? "none" : shortDigest(digest));
    case "xattrs":
      return change(({ xattrs }) => oneLine(Object.keys(xattrs ?? {}).join(" ")) || "none");
    case "type":
    case "link":
    case "device":
      return change((facts) => oneLine(facts[field] ?? "none"));
  }
}

function modeText({ mode }: FileFacts): string {
  return mode.toString(8).padStart(4, "0");
}

function ownerText({ uid, gid }: FileFacts): string {
  return `${uid}:${gid}`;
}
