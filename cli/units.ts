export { formatBytes } from "../src/io/mod.ts";

/** Formats a duration in milliseconds for display: `34ms`, `1.2s`, `45s`, `3m20s`, `2h05m`. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms}ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

/** Returns a number with its noun: `1 tag`, `2 tags`. */
export function count(number: number, one: string, several = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`;
}

/** Parses a number of bytes as {@linkcode formatBytes} formats it, spaces optional, or in KiB, MiB, GiB. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)$/i.exec(text.trim());
  if (!match) return undefined;
  const [, number, prefix, binary] = match;
  return Number(number) * (binary ? 1024 : 1000) ** ("kmgt".indexOf(prefix.toLowerCase() || " ") + 1);
}

const ages: readonly (readonly [unit: string, seconds: number])[] = [
  ["y", 365 * 86_400],
  ["w", 7 * 86_400],
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/**
 * Formats an age in milliseconds for display, in the largest unit of which there are two: `45s`, `90m`, `36h`, `5d`,
 * `3y`.
 */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [unit, length] = ages.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.floor(seconds / length)}${unit}`;
}
