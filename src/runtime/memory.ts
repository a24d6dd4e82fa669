import { nodeProcess } from "./host.ts";

/** Returns the most memory that the process has held so far, in bytes; `undefined` where that can't be known. */
export function peakMemoryBytes(): number | undefined {
  const kilobytes = nodeProcess()?.resourceUsage?.().maxRSS;
  return kilobytes === undefined ? undefined : kilobytes * 1024;
}
