import { UsageError } from "../errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * Parses a duration and returns milliseconds: `90s`, `45m`, `24h`, `30d`, `2w`, `1d12h`; `0` needs no unit.
 *
 * @throws {UsageError} if the text is not a duration.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?[smhdw])+$/.test(text)) {
    throw new UsageError(`${JSON.stringify(text)} is not a duration`, {
      hint: "for example 90s, 45m, 24h, 30d, 2w or 1d12h",
    });
  }
  const parts = [...text.matchAll(/([\d.]+)([smhdw])/g)];
  return Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0));
}

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Formats a number of bytes for display, in powers of 1000: `0 B`, `999 B`, `1.2 kB`, `45.6 MB`, `305 MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${byteUnits[unit]}`;
}
