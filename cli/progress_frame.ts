import type { ProgressView, TransferView } from "./progress_state.ts";
import { oneLine, truncate } from "./terminal_text.ts";
import { formatBytes, formatDuration } from "./units.ts";

/** The size and the characters of a frame. */
export interface FrameOptions {
  /** The terminal's width. */
  readonly columns: number;
  /** The terminal's height. */
  readonly rows: number;
  /** Whether the terminal supports Unicode. */
  readonly unicode: boolean;
}

/** After this many milliseconds without a byte a transfer is shown as stalled. */
const SILENCE = 10_000;

const nameWidth = 21;
const amountWidth = 17;
const rateWidth = 10;
const timeLeftWidth = 13;

/** Returns the lines of a progress display: one for each active transfer that fits, and one for the total. */
export function progressFrame(view: ProgressView, options: FrameOptions): string[] {
  // Keeps the last column free, since some terminals wrap there, and one row for the cursor.
  const width = Math.max(10, options.columns - 1);
  const room = Math.max(0, options.rows - 2);
  const shown = view.active.length <= room ? view.active : view.active.slice(0, Math.max(0, room - 1));
  const hidden = view.active.length - shown.length;
  const lines = shown.map((transfer) => transferLine(transfer, { ...options, width }));
  if (hidden > 0 && room > 0) lines.push(`  and ${hidden} more`);
  lines.push(totalLine(view, { ...options, width }));
  return lines.map((line) => truncate(line.trimEnd(), width));
}

interface LineOptions {
  width: number;
  unicode: boolean;
}

function transferLine(transfer: TransferView, options: LineOptions): string {
  const arrow = options.unicode ? { read: "↓", write: "↑" } : { read: "<", write: ">" };
  return line(`${arrow[transfer.kind]} ${shortLabel(transfer.label)}`, transfer, paceText(transfer), options);
}

/** Returns the rate, or how long there was no byte: of the transfer, or of the answer to all of it. */
function paceText({ rate, silent, complete, total }: TransferView): string {
  if (silent < SILENCE) return rateText(rate);
  return `${complete === total ? "waiting" : "stalled"} ${timeText(Math.floor(silent / 1000))}`;
}

function totalLine(view: ProgressView, options: LineOptions): string {
  const { complete, total, rate, reused } = view;
  const left = total === undefined || !rate || total <= complete ? "" : `  ${timeText((total - complete) / rate)} left`;
  const name = `Total, ${view.settled} of ${view.objects} done`;
  const text = line(name, view, `${rateText(rate).padEnd(rateWidth)}${left}`, options).trimEnd();
  const note = `  ${reused} there already`;
  return reused === 0 || text.length + note.length > options.width ? text : text + note;
}

function line(
  label: string,
  { complete, total }: { complete: number; total: number | undefined },
  details: string,
  { width, unicode }: LineOptions,
): string {
  const name = truncate(label, nameWidth).padEnd(nameWidth);
  const amount = total === undefined ? formatBytes(complete) : `${formatBytes(complete)} / ${formatBytes(total)}`;
  const rest = `${amount.padStart(amountWidth)}  ${details}`;
  // All lines reserve the same width after the bar, so that the bars are aligned.
  const room = width - nameWidth - amountWidth - rateWidth - timeLeftWidth - "  [] ".length;
  return room < 6
    ? `${name} ${rest}`
    : `${name} ${bar(complete, total, { width: Math.min(40, room), unicode })} ${rest}`;
}

function bar(complete: number, total: number | undefined, { width, unicode }: LineOptions): string {
  const [full, empty] = unicode ? ["█", "░"] : ["#", "."];
  const portion = total === undefined || total === 0 ? 0 : Math.min(1, complete / total);
  const filled = Math.floor(portion * width);
  return `[${full.repeat(filled)}${empty.repeat(width - filled)}]`;
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? "" : `${formatBytes(rate)}/s`;
}

function timeText(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)}s` : formatDuration(seconds * 1000);
}

/** Shortens a digest to its first twelve digits; returns any other label as it is. */
function shortLabel(label: string): string {
  const digest = /^([a-z0-9]+:[0-9a-f]{12})[0-9a-f]{20,}$/.exec(label);
  return digest === null ? oneLine(label) : digest[1];
}
