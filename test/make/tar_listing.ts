// Entries in the words of `tar --list --verbose`.

import type { Bytes, TarEntryType, TarHeader } from "../../src/tar/mod.ts";
import { joined, utf8 } from "./bytes.ts";

const LETTERS: Record<TarEntryType, string> = {
  file: "-",
  link: "h",
  symlink: "l",
  characterDevice: "c",
  blockDevice: "b",
  directory: "d",
  fifo: "p",
  unknown: "?",
};

/** The options with which GNU tar lists like {@linkcode listing}. */
export const LISTING_OPTIONS = [
  "--list",
  "--verbose",
  "--numeric-owner",
  "--full-time",
  "--utc",
  "--quoting-style=literal",
];

/** The lines that GNU tar gives for these entries with {@linkcode LISTING_OPTIONS}, spaces squeezed. */
export function listing(entries: readonly TarHeader[]): Bytes {
  return joined(...entries.flatMap((entry) => [utf8(`${columns(entry)} `), name(entry), utf8("\n")]));
}

/** The output of GNU tar with its columns' padding squeezed; names are left alone. */
export function squeezed(output: Bytes): Bytes {
  const pieces: Bytes[] = [];
  for (let from = 0; from < output.length;) {
    const to = output.indexOf(0x0a, from) + 1;
    const line = output.subarray(from, to);
    // Mode, owner, size, date and time are ASCII; there is padding about them alone.
    const head = new TextDecoder("latin1").decode(line).match(/^(?:\S+ +){5}/)?.[0] ?? "";
    pieces.push(utf8(head.replaceAll(/ +/g, " ")), line.subarray(head.length));
    from = to;
  }
  return joined(...pieces);
}

function columns(entry: TarHeader): string {
  const device = entry.type === "characterDevice" || entry.type === "blockDevice";
  const size = device ? `${entry.devMajor},${entry.devMinor}` : entry.size;
  return `${LETTERS[entry.type]}${permissions(entry.mode)} ${entry.uid}/${entry.gid} ${size} ${time(entry)}`;
}

function permissions(mode: number): string {
  const bits = [..."rwxrwxrwx"].map((letter, i) => (mode & (0o400 >> i)) !== 0 ? letter : "-");
  const special = [[0o4000, 2, "s"], [0o2000, 5, "s"], [0o1000, 8, "t"]] as const;
  for (const [bit, at, letter] of special) {
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  }
  return bits.join("");
}

/** Before 1970, GNU tar shows the digits of the record behind seconds that are rounded up; so does this. */
function time(entry: TarHeader): string {
  const record = entry.pax.get("mtime");
  const text = record === undefined ? String(entry.mtime) : new TextDecoder().decode(record);
  const [whole, fraction = ""] = text.split(".");
  const date = new Date(Number(whole) * 1000).toISOString().replace("T", " ").replace(/\..*/, "");
  const digits = fraction.replace(/0+$/, "");
  return digits === "" ? date : `${date}.${digits}`;
}

function name(entry: TarHeader): Bytes {
  if (entry.type === "symlink") return joined(entry.pathBytes, utf8(" -> "), entry.linknameBytes);
  if (entry.type === "link") return joined(entry.pathBytes, utf8(" link to "), entry.linknameBytes);
  return entry.pathBytes;
}
