import { ConflictError } from "../../errors.ts";

/** What a store throws when another server went on with an upload, or ended it. */
export function uploadConflict(id: string): ConflictError {
  return new ConflictError(`another server went on with upload ${id}, or ended it`, {
    hint: "ask how far it is, and go on from there",
  });
}
