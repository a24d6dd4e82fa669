import { LockError } from "../../errors.ts";
import type { Fields } from "./fields.ts";

/**
 * Parses yarn.lock of yarn 1: lines with a key and a value, or a key with a colon and lines with more indentation.
 * Keys and values are bare or in double quotes.
 *
 * @throws {LockError} if a line is neither.
 */
export function parseYarnText(text: string, file: string): Fields {
  const root: Record<string, unknown> = {};
  const open: { indent: number; fields: Record<string, unknown> }[] = [{ indent: -1, fields: root }];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const content = line.trim();
    if (content === "" || content.startsWith("#")) continue;
    const wrong = () =>
      new LockError(`${file} has a line ${at + 1} that is not of a yarn.lock`, {
        hint: /^[<=>|]{7}/.test(content) ? "it has unresolved conflicts of a merge" : 'run "yarn install"',
      });
    const indent = line.length - line.trimStart().length;
    while (open.at(-1)!.indent >= indent) open.pop();
    const { fields } = open.at(-1)!;
    if (content.endsWith(":")) {
      const key = unquoteList(content.slice(0, -1));
      const inner: Record<string, unknown> = {};
      define(fields, key, inner);
      open.push({ indent, fields: inner });
      continue;
    }
    const parts = /^("(?:[^"\\]|\\.)*"|[^\s"]+)\s+(.+)$/.exec(content);
    if (parts === null) throw wrong();
    define(fields, unquote(parts[1]), unquote(parts[2]));
  }
  return root;
}

/** Sets a member, also one named `__proto__`. */
function define(fields: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Takes away the quotes of each part of a list with commas. */
function unquoteList(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => inner);
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}
