import { FileError } from "../src/errors.ts";
import { parseRepository } from "../src/name/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { GcEvent } from "./gc_events.ts";
import { DEFAULT_GRACE } from "./gc_rules.ts";

/** Something that a plan says can go: a manifest, or a tag of a manifest that stays. */
export interface PlannedItem {
  /** The full name of the repository. */
  readonly repository: string;
  /** The manifest, or what the tag points at. */
  readonly digest: Hash;
  /** The tag, where only that goes. */
  readonly tag?: string;
  /** The tags of a manifest; they go too. */
  readonly tags?: readonly string[];
  /** Why it goes. */
  readonly reason: string;
  /** The bytes that nothing else needs. */
  readonly bytes: number;
}

/** Under what a plan was made. */
export interface PlanTerms {
  /** For how long after its upload everything stays, in milliseconds. */
  readonly grace: number;
  /** See `GcRules`. */
  readonly orphans: boolean;
  /** See `GcRunOptions`. */
  readonly trustCreated: boolean;
  /** See `GcRunOptions`. */
  readonly allowMissing: boolean;
}

/** A plan of a garbage collection, as it is kept in a file. */
export interface GarbagePlanFile extends PlanTerms {
  /** When it was made (RFC 3339). */
  readonly created: string;
  /** What can go. */
  readonly items: readonly PlannedItem[];
}

const KIND = "gcrane gc plan";
const VERSION = 1;

/** Returns the item of a plan that an event stands for; `undefined` for one that stands for none. */
export function plannedItem(event: GcEvent): PlannedItem | undefined {
  if (event.kind === "garbage") {
    const { digest, tags, reason, bytes } = event.manifest;
    return { repository: event.repository, digest, tags, reason, bytes };
  }
  if (event.kind === "tag") return { repository: event.repository, ...event.tag, bytes: 0 };
}

/** Yields the text of a plan, piece by piece: JSON, one line for each item. */
export function* planText(plan: GarbagePlanFile): Generator<string, void, undefined> {
  const { items, ...facts } = plan;
  const head = JSON.stringify({ kind: KIND, version: VERSION, ...facts });
  yield `${head.slice(0, -1)},"items":[`;
  for (const [at, item] of items.entries()) yield `${at === 0 ? "\n" : ",\n"}${JSON.stringify(item)}`;
  yield "\n]}\n";
}

/**
 * Reads a plan.
 *
 * @param what what to call it in an error: the name of its file
 * @throws {FileError} when it is none.
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
  if (typeof value !== "object" || value?.kind !== KIND) return refuse("it does not say so");
  if (value.version !== VERSION) return refuse(`its version is ${JSON.stringify(value.version)}, not ${VERSION}`);
  const { items, created, grace = DEFAULT_GRACE } = value;
  if (!Array.isArray(items)) return refuse("it has no items");
  if (typeof grace !== "number" || !(grace >= 0)) return refuse("its grace is not a number of milliseconds");
  const wrong = items.findIndex((item) => !isItem(item));
  if (wrong >= 0) return refuse(`item ${wrong + 1} makes no sense`);
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
