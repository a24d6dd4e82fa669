import type { CommandEntry, Entry } from "../../cli/command.ts";
import { isCommandEntry } from "../../cli/resolve.ts";

/** Lists the commands among and below some entries, each with the words that name it. */
export function commandEntries(entries: readonly Entry[], path: string = ""): [path: string, entry: CommandEntry][] {
  return entries.flatMap((entry) => {
    const here = `${path}${entry.name}`;
    const below = commandEntries(isCommandEntry(entry) ? entry.below ?? [] : entry.entries, `${here} `);
    return isCommandEntry(entry) ? [[here, entry] as [string, CommandEntry], ...below] : below;
  });
}
