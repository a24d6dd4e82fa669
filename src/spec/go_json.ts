/**
 * Writes documents as Go's encoding/json writes the structs of go-containerregistry, so that the same input gets the same
 * digest: the known fields in their order, without empty ones, then the unknown ones as they were; maps sorted by key.
 */

/** The form of a value. */
export type GoForm =
  /** Known fields, in order. */
  | { readonly kind: "struct"; readonly fields: readonly GoField[] }
  /** Any keys, sorted. */
  | { readonly kind: "map" }
  /** Values of one form. */
  | { readonly kind: "list"; readonly of: GoForm }
  /** A time, as RFC 3339 has it. */
  | { readonly kind: "time" };

interface GoField {
  readonly name: string;
  readonly form?: GoForm;
  /** Whether the field is left out where its value is empty. */
  readonly isOptional: boolean;
}

/** Creates a struct of fields given by name; a name that ends with `?` is left out where it is empty. */
export function goStruct(names: string, forms: Readonly<Record<string, GoForm>> = {}): GoForm {
  const fields = names.split(" ").map((text) => {
    const name = text.replace("?", "");
    return { name, form: forms[name], isOptional: name !== text };
  });
  return { kind: "struct", fields };
}

export const goMap: GoForm = { kind: "map" };

export const goTime: GoForm = { kind: "time" };

export function goList(of: GoForm): GoForm {
  return { kind: "list", of };
}

/** Writes a value of this form as compact JSON in UTF-8. */
export function goJsonBytes(value: unknown, form: GoForm): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(goText(value, form) ?? "null");
}

/** Writes a value of this form in UTF-8 with a line for each item, as Go's layouts have it. */
export function goJsonLines(value: unknown, form: GoForm): Uint8Array<ArrayBuffer> {
  const text = goText(value, form) ?? "null";
  let level = 0;
  const line = () => `\n${"   ".repeat(level)}`;
  const lines = text.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (token) => {
    if (token === ":") return ": ";
    if (token === ",") return token + line();
    if (token === "{" || token === "[") level++;
    else if (token === "}" || token === "]") level--;
    else return token;
    return "{[".includes(token) ? token + line() : line() + token;
  });
  return new TextEncoder().encode(lines);
}

/** Writes a value; `undefined` if JSON has nothing for it. */
function goText(value: unknown, form: GoForm | undefined): string | undefined {
  if (form?.kind === "list" && Array.isArray(value)) {
    return `[${value.map((item) => goText(item, form.of) ?? "null").join(",")}]`;
  }
  if (form?.kind === "time" && typeof value === "string") return escaped(JSON.stringify(timeText(value)));
  if (
    form === undefined || form.kind === "list" || form.kind === "time" || typeof value !== "object" || value === null ||
    Array.isArray(value)
  ) {
    return escaped(JSON.stringify(value));
  }
  const fields = new Map(Object.entries(value));
  const parts: string[] = [];
  const add = (name: string, item: unknown, of?: GoForm) => {
    const text = goText(item, of);
    if (text !== undefined) parts.push(`${escaped(JSON.stringify(name))}:${text}`);
  };
  if (form.kind === "map") {
    for (const name of [...fields.keys()].sort(byCodePoint)) add(name, fields.get(name));
  } else {
    for (const { name, form: of, isOptional } of form.fields) {
      const item = fields.get(name);
      if (!(isOptional && isEmpty(item, of))) add(name, item, of);
      fields.delete(name);
    }
    for (const [name, item] of fields) add(name, item);
  }
  return `{${parts.join(",")}}`;
}

/** Writes a time as Go does after reading it: nanoseconds without zeros at the end, and UTC as `Z`. */
function timeText(text: string): string {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (parts === null) return text;
  const [, seconds, digits = "", zone] = parts;
  const fraction = digits.slice(0, 9).replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}${/^[+-]00:00$/.test(zone) ? "Z" : zone}`;
}

/** Returns whether Go leaves a field with this value out. A struct in such a field is behind a pointer, so it stays. */
function isEmpty(value: unknown, form: GoForm | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object" || value === null) return !value;
  return form?.kind !== "struct" && Object.keys(value).length === 0;
}

/**
 * Writes some characters of HTML as escapes; outside of strings JSON has none of them. Halves of surrogate pairs, which
 * `JSON.stringify` escapes, become the replacement character, as where Go reads them.
 */
function escaped(json: string): string;
function escaped(json: string | undefined): string | undefined;
function escaped(json: string | undefined): string | undefined {
  return json?.replace(/\\u[dD][89a-fA-F]..|\\.|[<>&\u2028\u2029]/g, (found) => {
    if (found.length === 6) return "\ufffd";
    return found.length === 2 ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Compares as the bytes in UTF-8 compare. */
function byCodePoint(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    // The halves of a pair stand for code points behind all others.
    if (left !== right) return Number(isHalf(left)) - Number(isHalf(right)) || left - right;
  }
  return a.length - b.length;
}

function isHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
