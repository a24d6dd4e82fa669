import { ManifestError, UsageError, ValidationError } from "../src/errors.ts";
import { fileFailure, Limits, readAll } from "../src/io/mod.ts";
import {
  type Bytes,
  forgetTemporary,
  joinPath,
  platformOs,
  readFile,
  remove,
  runOnTerminal,
  temporaryDirectory,
  writeFileAtomic,
} from "../src/runtime/mod.ts";
import { parseJsonObject } from "../src/spec/internal.ts";
import type { Context } from "./command.ts";

type EditContext = Pick<Context, "ask" | "stdin" | "environment" | "signal" | "note">;

/** The text to edit. */
export interface Editing {
  /** Its name in messages: `config`. */
  readonly what: string;
  /** The file name for the editor, which selects the syntax: `config.json`. */
  readonly fileName: string;
  /** Validates the edited text. @throws if it is invalid */
  readonly check?: (text: Bytes) => void;
}

/**
 * Lets the user edit a text in `$EDITOR` if standard input is a terminal, and otherwise replaces it with standard
 * input. If the work on the result then fails, the edited text is saved to a file, so that it is not lost.
 */
export async function withEdited<T>(
  editing: Editing,
  context: EditContext,
  work: (edit: (bytes: Bytes) => Promise<Bytes>) => Promise<T>,
): Promise<T> {
  let edited: Bytes | undefined;
  const edit = async (bytes: Bytes) => {
    const text = context.ask() === undefined ? await fromInput(context) : await inEditor(bytes, editing, context);
    edited = text;
    editing.check?.(text);
    return text;
  };
  try {
    return await work(edit);
  } catch (error) {
    // An empty text is not worth saving.
    if (edited === undefined || edited.every((byte) => byte <= 0x20)) throw error;
    const path = await keep(edited, editing);
    if (!(error instanceof ManifestError)) {
      context.note(`the edited ${editing.what} is saved in ${path}`);
      throw error;
    }
    throw new ManifestError(error.message, { cause: error, hint: `the text is saved in ${path}` });
  }
}

/** Returns a name for a file of an image on this machine: its last name, without what a file system may refuse. */
export function editorFileName(path: string): string {
  const name = path.split("/").findLast((name) => name !== "" && name !== "..") ?? "file";
  // deno-lint-ignore no-control-regex -- Windows refuses these
  return name.replaceAll(/[\x00-\x1f<>:"|?*\\]/g, "_");
}

async function fromInput({ stdin, signal }: EditContext): Promise<Bytes> {
  return await readAll(stdin(), { limit: Limits.manifest, what: "standard input", signal });
}

async function inEditor(bytes: Bytes, { fileName }: Editing, { environment, signal }: EditContext): Promise<Bytes> {
  const editor = environment("EDITOR") || (platformOs() === "windows" ? "notepad" : "vi");
  const [program, ...args] = editor.trim().split(/\s+/);
  const directory = await temporaryDirectory("gcrane-edit-");
  try {
    const path = joinPath(directory, fileName);
    await writeFileAtomic(path, bytes, { mode: 0o600 });
    const code = await runOnTerminal(program, [...args, path], { signal }).catch((error) => {
      throw error.code === "ENOENT" ? missing(editor, error) : error;
    });
    if (code !== 0) {
      throw new ValidationError(`the editor ${editor} ended with exit code ${code}`, { hint: "nothing was changed" });
    }
    return await readFile(path);
  } finally {
    await remove(directory, { recursive: true });
    forgetTemporary(directory);
  }
}

function missing(editor: string, cause: unknown): UsageError {
  return new UsageError(`there is no editor ${editor}`, {
    cause,
    hint: "set EDITOR to one, or give the new text on standard input",
  });
}

/** Saves the text to a file that stays when the program ends. */
async function keep(text: Bytes, { what, fileName }: Editing): Promise<string> {
  const directory = await temporaryDirectory("gcrane-edit-");
  const path = joinPath(directory, fileName);
  try {
    await writeFileAtomic(path, text, { mode: 0o600 });
  } catch (error) {
    throw fileFailure(`can't save the edited ${what} in ${path}`, error);
  }
  forgetTemporary(directory);
  return path;
}

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
