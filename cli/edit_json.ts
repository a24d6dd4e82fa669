import { ManifestError, UsageError, ValidationError } from "../src/errors.ts";
import { fileFailure, Limits, readAll } from "../src/io/mod.ts";
import {
  type Bytes,
  forgetTemporary,
  joinPath,
  readFile,
  remove,
  runOnTerminal,
  temporaryDirectory,
  writeFileAtomic,
} from "../src/runtime/mod.ts";
import { parseJsonObject } from "../src/spec/mod.ts";
import type { Context } from "./command.ts";

type EditContext = Pick<Context, "ask" | "stdin" | "environment" | "signal" | "note">;

/**
 * Has JSON edited: in `$EDITOR` where somebody sits at the terminal, else it is replaced by standard input. When the
 * work that needs it fails then, the text is kept in a file, for it may have cost its author some time.
 */
export async function withEditedJson<T>(
  what: string,
  context: EditContext,
  work: (edit: (bytes: Bytes) => Promise<Bytes>) => Promise<T>,
): Promise<T> {
  let edited: Bytes | undefined;
  const edit = async (bytes: Bytes) => {
    const text = context.ask() === undefined ? await fromInput(context) : await inEditor(bytes, what, context);
    if (text.every((byte) => byte <= 0x20)) {
      throw new UsageError(`the edited ${what} is empty`, { hint: "nothing was changed" });
    }
    edited = text;
    parseJsonObject(text, `the edited ${what}`);
    return text;
  };
  try {
    return await work(edit);
  } catch (error) {
    if (edited === undefined) throw error;
    const path = await keep(edited, what);
    if (!(error instanceof ManifestError)) {
      context.note(`the edited ${what} is kept in ${path}`);
      throw error;
    }
    throw new ManifestError(error.message, { cause: error, hint: `the text is kept in ${path}` });
  }
}

async function fromInput({ stdin, signal }: EditContext): Promise<Bytes> {
  return await readAll(stdin(), { limit: Limits.manifest, what: "standard input", signal });
}

async function inEditor(bytes: Bytes, what: string, { environment, signal }: EditContext): Promise<Bytes> {
  const editor = environment("EDITOR") || "vi";
  const [program, ...args] = editor.trim().split(/\s+/);
  const directory = await temporaryDirectory("gcrane-edit-");
  try {
    const path = joinPath(directory, `${what}.json`);
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

/** Writes the text to a file that stays when the program ends. */
async function keep(text: Bytes, what: string): Promise<string> {
  const directory = await temporaryDirectory("gcrane-edit-");
  const path = joinPath(directory, `${what}.json`);
  try {
    await writeFileAtomic(path, text, { mode: 0o600 });
  } catch (error) {
    throw fileFailure(`can't keep the edited ${what} in ${path}`, error);
  }
  forgetTemporary(directory);
  return path;
}
