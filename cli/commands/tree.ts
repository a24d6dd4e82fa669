import type { TreeBlob, TreeManifest } from "../../src/crane/mod.ts";
import { platformString } from "../../src/spec/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";
import { jsonLine, oneLine, shortDigest, stepText, truncate } from "../terminal_text.ts";
import { formatBytes } from "../units.ts";

/** `gcrane tree` */
export const command: Command = declare({
  description:
    `Shows an index with its platforms, each image with its config and layers, their referrers (from the referrers API or the tag that replaces it), and what cosign stored under tags like sha256-….sig. Reads no layers.

The size of an image or an index is that of all its stored content, with each digest counted once and without referrers.

${SOURCES_HELP} Referrers are shown only for images in registries.`,
  args: { image: { help: "The image" } },
  flags: {
    json: { type: "boolean", help: "Print the tree as one line of JSON, with full digests and sizes in bytes" },
  },
  examples: [
    { text: "See all content of an image", command: "gcrane tree registry.example.com/app:v1" },
    {
      text: "See its signatures and SBOMs",
      command: "gcrane tree --json registry.example.com/app:v1 | jq '.referrers[].artifactType'",
    },
  ],
  async run(context) {
    const { args, flags, stdout, display } = context;
    const { tree } = await import("../../src/crane/mod.ts");
    const root = await tree(await imageSource(args.image, context), remoteOptions(context));
    if (flags.json) return await stdout.print(jsonLine(root));
    const width = stdout.isTerminal ? display.columns : Infinity;
    const branch = manifestBranch(root);
    for (const line of treeLines({ ...branch, text: `${oneLine(args.image)}  ${branch.text}` })) {
      await stdout.print(truncate(line, width));
    }
  },
});

function manifestBranch(node: TreeManifest, label = labelOf(node)): Branch {
  const { config, layers, manifests, referrers, cosign } = node;
  return {
    text: `${label}  ${shortDigest(node.digest)}  ${formatBytes(node.totalSize)}`,
    branches: [
      ...manifests.map((child) => manifestBranch(child)),
      ...(config ? [blobBranch("config", config)] : []),
      ...layers.map((layer) => blobBranch("layer", layer)),
      ...referrers.map((referrer) => manifestBranch(referrer, `referrer ${labelOf(referrer)}`)),
      ...cosign.map((stored) => manifestBranch(stored, `cosign ${cosignTag(stored.tag ?? "")}`)),
    ],
  };
}

function labelOf({ kind, platform, artifactType, mediaType }: TreeManifest): string {
  const what = kind === "other" ? artifactType ?? mediaType : artifactType;
  const runsOn = platform ? platformString(platform) : "";
  return [kind === "other" ? "" : kind, runsOn, what ?? ""].filter((part) => part !== "").map(oneLine).join(" ");
}

function blobBranch(label: string, { digest, size, createdBy }: TreeBlob): Branch {
  const command = createdBy === undefined ? "" : `  ${truncate(stepText(createdBy), 60)}`;
  return { text: `${label}  ${shortDigest(digest)}  ${formatBytes(size)}${command}`, branches: [] };
}

/** Shortens a cosign tag like the digest in it. */
function cosignTag(tag: string): string {
  return oneLine(tag.replace(/^(\w+-[0-9a-f]{12})[0-9a-f]*/, "$1…"));
}

/** A line of a tree, with the lines below it. */
interface Branch {
  /** The text of the line. */
  readonly text: string;
  /** The lines below it, in order. */
  readonly branches: readonly Branch[];
}

/** Yields the lines of a tree, with guides in front as `tree` draws them. */
function* treeLines({ text, branches }: Branch, guides = { first: "", rest: "" }): Generator<string> {
  yield guides.first + text;
  for (const [i, branch] of branches.entries()) {
    const last = i === branches.length - 1;
    yield* treeLines(branch, {
      first: guides.rest + (last ? "└── " : "├── "),
      rest: guides.rest + (last ? "    " : "│   "),
    });
  }
}
