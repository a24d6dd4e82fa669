import { median, quartile, type Run } from "./measure.ts";
import type { Form, Work } from "./tools.ts";

/** The highest ratio of a time to crane's. */
type Ratios = Readonly<Partial<Record<Form, number>>>;

const both = (ratio: number): Ratios => ({ "Deno bundle": ratio, binary: ratio });

/** The budget of each piece of work, for the forms that are released. */
const RATIOS: Readonly<Partial<Record<Work, Ratios>>> = {
  "copy": both(1),
  "copy, all there": { "Deno bundle": 4, binary: 2 },
  "pull tarball": both(1),
  "pull OCI layout": both(1.2),
  "push tarball": both(1),
  "push OCI layout": both(1.1),
  "export": both(0.45),
  "validate": both(0.2),
  "append": both(0.5),
  "flatten": both(0.1),
  "digest": { "Deno bundle": 6, binary: 1.7 },
};

/** The most memory, in MB; more where workers compress. */
const MEMORY_MB = 150;
const COMPRESSING_MB = 200;
const COMPRESSING: readonly Work[] = ["append", "flatten"];

/** Returns the ratio of each run to the peer's of the same round. */
export function ratiosOf(runs: readonly Run[], peer: readonly Run[]): number[] {
  return runs.map(({ seconds }, round) => seconds / peer[round].seconds);
}

/**
 * Returns what is over budget. A ratio is if those of the middle half of the rounds all are, since no machine
 * is quiet.
 */
export function overBudget(
  work: Work,
  form: Form | undefined,
  { runs, peer, stored, peerStored }: {
    runs: readonly Run[];
    peer: readonly Run[] | undefined;
    stored?: number;
    peerStored?: number;
  },
): string[] {
  const found: string[] = [];
  const most = form && RATIOS[work]?.[form];
  if (form === undefined || most === undefined) return found;
  if (peer && quartile(ratiosOf(runs, peer), 1) > most) found.push(`time over ${most}\u00a0×`);
  const memory = COMPRESSING.includes(work) ? COMPRESSING_MB : MEMORY_MB;
  const peak = median(runs.map(({ peakMb }) => peakMb));
  if (peak > memory) found.push(`memory over ${memory} MB`);
  if (work === "append" && stored !== undefined && peerStored !== undefined && stored > peerStored) {
    found.push("layers larger than crane's");
  }
  return found;
}
