import { overBudget, ratiosOf } from "./budget.ts";
import { median, quartile, type Run } from "./measure.ts";
import type { Tool, Work } from "./tools.ts";

/** The runs of one tool. */
export interface Result {
  readonly tool: Tool;
  readonly runs: Run[];
  /** The bytes of the layers that it made, where it made some: less work that gives more of them is no win. */
  stored?: number;
}

/** The columns of the table. */
export const HEAD = [
  "Work",
  "Tool",
  "Wall s",
  "CPU s",
  "Peak MB",
  "Stored MB",
  "Wall ÷ crane",
  "Quartiles",
  "Over budget",
];

/** Returns the rows of a piece of work, one for each tool. */
export function rowsOf(work: Work, results: readonly Result[]): string[][] {
  const peer = results.find(({ tool }) => tool.name === "crane");
  return results.map(({ tool, runs, stored }) => {
    const ratios = peer === undefined || tool === peer.tool ? undefined : ratiosOf(runs, peer.runs);
    const middle = (value: (run: Run) => number, digits: number) => median(runs.map(value)).toFixed(digits);
    const over = overBudget(work, tool.form, { runs, peer: peer?.runs, stored, peerStored: peer?.stored });
    return [
      work,
      tool.name,
      middle(({ seconds }) => seconds, 3),
      middle(({ cpu }) => cpu, 3),
      tool.several ? "" : middle(({ peakMb }) => peakMb, 0),
      stored === undefined ? "" : (stored / 1e6).toFixed(0),
      ratios === undefined ? "" : median(ratios).toFixed(2),
      ratios === undefined ? "" : `${quartile(ratios, 1).toFixed(2)}–${quartile(ratios, 3).toFixed(2)}`,
      over.join(", "),
    ];
  });
}
