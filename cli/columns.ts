/** Formats rows as lines of a table: every column but the last as wide as its widest cell and right-aligned. */
export function columnLines(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => row.map((cell, i) => i === row.length - 1 ? cell : cell.padStart(widths[i])).join("  "));
}

/** Formats rows as lines of a table, the first row as its header: columns left-aligned, except for those in `right`. */
export function tableLines(rows: readonly (readonly string[])[], options: { right: readonly number[] }): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => options.right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ")
      .trimEnd()
  );
}
