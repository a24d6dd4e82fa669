import { FileError } from "../src/errors.ts";
import { parseRepository } from "../src/name/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { GcEvent } from "./gc_events.ts";
import { DEFAULT_GRACE } from "./gc_rules.ts";

/** An item of a plan: a manifest, or a tag of a manifest that is kept. */
export interface PlannedItem {
  /** The full name of the repository. */
  readonly repository: string;
  /** The manifest, or that of the tag. */
  readonly digest: Hash;
  /** The tag, if only the tag is deleted. */
  readonly tag?: string;
  /** The tags of the manifest, which are deleted too. */
  readonly tags?: readonly string[];
  /** The reason for the deletion. */
  readonly reason: string;
  /** The number of bytes that become free. */
  readonly bytes: number;
}

/** The options that a plan was made with. */
export interface PlanTerms {
  /** The grace period after an upload, in milliseconds. */
  readonly grace: number;
  /** See `GcRules`. */
  readonly orphans: boolean;
  /** See `GcRunOptions`. */
  readonly trustCreated: boolean;
  /** See `GcRunOptions`. */
  readonly allowMissing: boolean;
}

/** A plan of a garbage collection in a file. */
export interface GarbagePlanFile extends PlanTerms {
  /** The time of its creation (RFC 3339). */
  readonly created: string;
  /** The items to delete. */
  readonly items: readonly PlannedItem[];
}

const KIND = "gcrane gc plan";
const VERSION = 1;

/** Returns the item of a plan for an event, or `undefined` if the event has none. */
export function plannedItem(event: GcEvent): PlannedItem | undefined {
  if (event.kind === "garbage") {
    const { digest, tags, reason, bytes } = event.manifest;
    return { repository: event.repository, digest, tags, reason, bytes };
  }
  if (event.kind === "tag") return { repository: event.repository, ...event.tag, bytes: 0 };
}

/** Yields the text of a plan in pieces: JSON, one line for each item. */
export function* planText(plan: GarbagePlanFile): Generator<string, void, undefined> {
  const { items, ...facts } = plan;
  const head = JSON.stringify({ kind: KIND, version: VERSION, ...facts });
  yield `${head.slice(0, -1)},"items":[`;
  for (const [at, item] of items.entries()) yield `${at === 0 ? "\n" : ",\n"}${JSON.stringify(item)}`;
  yield "\n]}\n";
}

/**
 * Parses a plan.
 *
 * @param what the name of the plan in an error: its file
 * @throws {FileError} if it is not a plan.
 */
export function parsePlan(text: string, what: string): GarbagePlanFile {
  const refuse = (why: string, cause?: unknown): never => {
    throw new FileError(`${what} is not a plan of gcrane gc: ${why}`, {
      cause,
      hint: "make one with gcrane gc --plan",
    });
  };
  let value: Partial<Record<keyof GarbagePlanFile | "kind" | "version", unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse("it is not JSON", error);
  }
  if (typeof value !== "object" || value?.kind !== KIND) return refuse("its kind is missing");
  if (value.version !== VERSION) return refuse(`its version is ${JSON.stringify(value.version)}, not ${VERSION}`);
  const { items, created, grace = DEFAULT_GRACE } = value;
  if (!Array.isArray(items)) return refuse("it has no list of items");
  if (typeof grace !== "number" || !(grace >= 0)) return refuse("its grace is not a number of milliseconds");
  const wrong = items.findIndex((item) => !isItem(item));
  if (wrong >= 0) return refuse(`item ${wrong + 1} is invalid`);
  return {
    created: String(created),
    grace,
    orphans: value.orphans === true,
    trustCreated: value.trustCreated === true,
    allowMissing: value.allowMissing === true,
    items,
  };
}

function isItem(value: unknown): value is PlannedItem {
  if (typeof value !== "object" || value === null) return false;
  const { repository, digest, tag, tags = [] } = value as Record<string, unknown>;
  return typeof repository === "string" && isRepository(repository) && isHash(digest) &&
    (tag === undefined || typeof tag === "string") && Array.isArray(tags) &&
    tags.every((name) => typeof name === "string");
}

function isRepository(name: string): boolean {
  try {
    return parseRepository(name).name === name;
  } catch {
    return false;
  }
}
