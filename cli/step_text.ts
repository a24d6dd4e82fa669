import { oneLine } from "./terminal_text.ts";

/** Returns a step of an image's history as one line, without the shell that builders write around it. */
export function stepText(createdBy: string): string {
  const step = createdBy.replace(/\s+# buildkit$/, "").replace(/^(RUN )?(\|\d+ .*?)?\/bin\/sh -c /, "");
  return oneLine(step.replace(/^#\(nop\)\s+/, ""));
}

/** Returns a digest as short as people need it to tell it from others. */
export function shortDigest(digest: string): string {
  return oneLine(digest.slice(0, digest.indexOf(":") + 13));
}
