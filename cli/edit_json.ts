import { UsageError } from "../src/errors.ts";
import type { Bytes } from "../src/runtime/mod.ts";
import { parseJsonObject } from "../src/spec/mod.ts";
import type { Editing } from "./edit_text.ts";

/** Returns the editing of JSON, whose result must be a non-empty object. */
export function jsonEditing(what: string): Editing {
  const check = (text: Bytes) => {
    if (text.every((byte) => byte <= 0x20)) {
      throw new UsageError(`the edited ${what} is empty`, { hint: "nothing was changed" });
    }
    parseJsonObject(text, `the edited ${what}`);
  };
  return { what, fileName: `${what}.json`, check };
}
