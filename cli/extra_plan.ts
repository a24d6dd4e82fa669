import type { ExtraItem } from "../gcr/mod.ts";
import { FileError } from "../src/errors.ts";
import { jsonObject } from "../src/io/mod.ts";
import { isHash } from "../src/spec/mod.ts";
import { readNamed, writeFile } from "./named_file.ts";

/** The kind of the plan, as written in its file. */
const KIND = "gcrane copy --delete-extra";

/** Formats an extra item as a reference: by tag, else by digest. */
export function extraText({ repository, tag, digest }: ExtraItem): string {
  return tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
}

/** Writes the extra content to a JSON file that users can read and shorten. */
export async function writeExtraPlan(
  path: string,
  items: readonly ExtraItem[],
  options: { signal: AbortSignal },
): Promise<void> {
  await writeFile(path, `${JSON.stringify({ plan: KIND, version: 1, items }, null, 2)}\n`, options);
}

/** Reads a plan. @throws {FileError} if it can't be read or is not a plan. */
export async function readExtraPlan(path: string): Promise<readonly ExtraItem[]> {
  const plan = jsonObject(await readNamed(path, `the plan ${path}`));
  if (plan?.plan !== KIND || plan.version !== 1 || !Array.isArray(plan.items) || !plan.items.every(isItem)) {
    throw new FileError(`${path} is not a plan of extra content`, { hint: "gcrane copy -r --plan FILE writes one" });
  }
  return plan.items;
}

function isItem(value: unknown): value is ExtraItem {
  if (typeof value !== "object" || value === null) return false;
  const { repository, tag, digest } = value as Record<string, unknown>;
  return typeof repository === "string" && isHash(digest) && (tag === undefined || typeof tag === "string");
}
