import { oneLine } from "./terminal_text.ts";

/** Formats a step of an image's history as one line, without the shell that builders add. */
export function stepText(createdBy: string): string {
  const step = createdBy.replace(/\s+# buildkit$/, "").replace(/^(RUN )?(\|\d+ .*?)?\/bin\/sh -c /, "");
  return oneLine(step.replace(/^#\(nop\)\s+/, ""));
}

/** Shortens a digest for display. */
export function shortDigest(digest: string): string {
  return oneLine(digest.slice(0, digest.indexOf(":") + 13));
}
