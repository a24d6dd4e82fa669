import { UsageError } from "../src/errors.ts";

/** One of several parts of a copy. */
export interface Shard {
  /** The index of the part, from 0. */
  readonly index: number;
  /** The number of parts. */
  readonly count: number;
}

const HINT = "write INDEX/COUNT, counted from 0: 0/4, 1/4, 2/4 and 3/4; or auto";

/**
 * Parses `2/8`; `auto`, which takes both numbers from the environment of a Cloud Run job; or `auto/8`, which takes only
 * the index, as Kubernetes sets it for the pods of an indexed job.
 *
 * @throws {UsageError} if it is none of these, or the environment lacks the numbers.
 */
export function parseShard(text: string, environment: (name: string) => string | undefined): Shard {
  const match = /^(auto|\d+)(?:\/(\d+))?$/.exec(text);
  if (!match || (match[1] !== "auto" && match[2] === undefined)) {
    throw new UsageError(`${JSON.stringify(text)} is not a shard`, { hint: HINT });
  }
  const [, first, second] = match;
  const index = first === "auto" ? indexFrom(environment) : Number(first);
  const count = second === undefined ? countFrom(environment) : Number(second);
  if (count < 1) throw new UsageError(`${text}: there is at least one shard`, { hint: HINT });
  if (index >= count) {
    throw new UsageError(`${text}: there is no shard ${index} of ${count}`, { hint: HINT });
  }
  return { index, count };
}

/** Returns whether a repository is in a shard. A name is in the same shard on every machine and in every version. */
export function isInShard(repository: string, { index, count }: Shard): boolean {
  return hash(repository) % count === index;
}

function indexFrom(environment: (name: string) => string | undefined): number {
  for (const name of ["CLOUD_RUN_TASK_INDEX", "JOB_COMPLETION_INDEX"]) {
    const value = environment(name);
    if (value) return whole(name, value);
  }
  throw new UsageError("the shard auto requires CLOUD_RUN_TASK_INDEX or JOB_COMPLETION_INDEX in the environment", {
    hint: "Cloud Run jobs and Kubernetes' indexed jobs set them; elsewhere write INDEX/COUNT",
  });
}

function countFrom(environment: (name: string) => string | undefined): number {
  const name = "CLOUD_RUN_TASK_COUNT";
  const value = environment(name);
  if (value) return whole(name, value);
  throw new UsageError(`the shard auto requires ${name} in the environment`, {
    hint: "Kubernetes does not tell how many there are: write auto/COUNT",
  });
}

function whole(name: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(`the environment variable ${name} must be a whole number, not ${JSON.stringify(value)}`);
}

/** Returns FNV-1a over the UTF-8 bytes with a final mixing step, since its low bits alone are poorly distributed. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return (value ^ value >>> 16) >>> 0;
}
