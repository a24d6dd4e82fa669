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
