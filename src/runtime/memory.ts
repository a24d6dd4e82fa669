import { nodeProcess } from "./host.ts";

/** Returns the peak memory of the process in bytes, or `undefined` if it is unknown. */
export function peakMemoryBytes(): number | undefined {
  const kilobytes = nodeProcess()?.resourceUsage?.().maxRSS;
  return kilobytes === undefined ? undefined : kilobytes * 1024;
}
