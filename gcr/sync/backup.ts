import { HttpError } from "../../src/errors.ts";
import { parseReference, type TagReference } from "../../src/name/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import type { CopyContext } from "../copy_context.ts";
import type { SyncEntry } from "./sync_file.ts";
import { expandTemplate } from "./template.ts";

/**
 * Copies what a tag of the target points at to the entry's backup. An image that is not there any more has none, and the
 * tag is set all the same.
 */
export async function saveBackup(run: CopyContext, entry: SyncEntry, tag: TagReference, digest: Hash): Promise<void> {
  const { client, signal, options } = run;
  const { repository, identifier } = tag;
  const sync = { Source: entry.texts.source, Target: entry.texts.target, Type: entry.texts.type };
  const world = { environment: () => undefined, readFile: () => Promise.resolve("") };
  const ref = {
    Registry: repository.registry.name,
    Repository: repository.path,
    Tag: identifier,
    Digest: digest,
    CommonName: tag.name,
    Reference: tag.name,
  };
  const text = (await expandTemplate(entry.backup!, { Ref: ref, Sync: sync, Step: sync }, world)).trim();
  const backup = /[:/]/.test(text) ? parseReference(text, options) : repository.tag(text);
  // Loads the verbs only when they are needed, which keeps listings fast.
  const { copy } = await import("../../src/crane/mod.ts");
  try {
    await copy(repository.digest(digest).name, backup, { client, signal });
  } catch (error) {
    if (!(error instanceof HttpError && error.status === 404)) throw error;
    run.tell({ kind: "left", name: tag.name, reason: `its image ${digest} is not there, so it has no backup` });
  }
}
