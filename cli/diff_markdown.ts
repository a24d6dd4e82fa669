import type { FileDifference, ImageDiff } from "../src/crane/mod.ts";
import { oneLine, shortDigest, truncate } from "./terminal_text.ts";
import { count, formatBytes } from "./units.ts";

/** The most lines of one table, so that the text fits a comment. */
const MOST_ROWS = 100;

/** The names and the sizes of two images, in bytes of stored layers. */
export interface DiffSides {
  readonly names: readonly [string, string];
  readonly sizes: readonly [number, number];
}

/** Yields the differences of two images as Markdown, for a comment on a pull request. */
export function* markdownLines(
  diff: ImageDiff,
  { names: [first, second], sizes: [before, after] }: DiffSides,
): Generator<string> {
  yield `### ${code(first)} → ${code(second)}`;
  yield "";
  if (diff.equal) {
    yield "The images are equal.";
    return;
  }
  const kinds = ["added", "removed", "changed"].map((kind) => {
    const found = diff.files.filter((file) => file.kind === kind).length;
    return `${found} ${kind}`;
  });
  yield* table(["", "Before", "After", "Change"], [
    ["Size of layers", formatBytes(before), formatBytes(after), growthText(after - before)],
  ]);
  yield "";
  yield `${count(diff.files.length, "file")} differ${diff.files.length === 1 ? "s" : ""}: ${kinds.join(", ")}.`;
  const fields = [
    ...diff.manifest.map(({ path, a, b }) => [path, a, b] as const),
    ...diff.config.map(({ path, a, b }) => [path, a, b] as const),
  ];
  yield* section(
    "Manifest and config",
    ["Field", "Before", "After"],
    fields.map(([path, a, b]) => [code(path), value(a), value(b)]),
  );
  yield* section(
    "Layers",
    ["", "Digest", "Size", "Made by"],
    diff.layers.map(({ kind, digest, size, createdBy }) => [
      kind,
      code(shortDigest(digest)),
      formatBytes(size),
      createdBy === undefined ? "" : code(truncate(oneLine(createdBy), 80)),
    ]),
  );
  yield* section(
    "Files",
    ["", "Path", "Size"],
    diff.files.map((file) => [file.kind, code(file.path), fileSizes(file)]),
  );
}

/** Returns a growth with its sign. */
export function growthText(bytes: number): string {
  return bytes === 0 ? "none" : `${bytes > 0 ? "+" : "−"}${formatBytes(Math.abs(bytes))}`;
}

function* section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): Generator<string> {
  if (rows.length === 0) return;
  yield "";
  yield `<details><summary>${title} (${rows.length})</summary>`;
  yield "";
  yield* table(head, rows.slice(0, MOST_ROWS));
  if (rows.length > MOST_ROWS) {
    yield "";
    yield `… and ${rows.length - MOST_ROWS} more`;
  }
  yield "";
  yield "</details>";
}

function* table(head: readonly string[], rows: readonly (readonly string[])[]): Generator<string> {
  yield `| ${head.join(" | ")} |`;
  yield `| ${head.map(() => "---").join(" | ")} |`;
  for (const row of rows) yield `| ${row.join(" | ")} |`;
}

function value(value: unknown): string {
  return value === undefined ? "" : code(truncate(oneLine(JSON.stringify(value)), 80));
}

function fileSizes(file: FileDifference): string {
  const size = (facts: { readonly size?: number }) => facts.size === undefined ? "" : formatBytes(facts.size);
  if (file.kind === "added") return size(file.b);
  if (file.kind === "removed") return size(file.a);
  return file.fields.includes("size") ? `${size(file.a)} → ${size(file.b)}` : file.fields.join(", ");
}

/** Returns text as code, in which neither a bar nor a backquote ends the cell; a tag of HTML has no effect there. */
function code(text: string): string {
  const safe = oneLine(text).replaceAll("|", "\\|");
  const ticks = "`".repeat(1 + Math.max(0, ...(safe.match(/`+/g) ?? []).map((run) => run.length)));
  return ticks.length === 1 ? `\`${safe}\`` : `${ticks} ${safe} ${ticks}`;
}
