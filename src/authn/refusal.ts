import { isObject } from "../io/mod.ts";
import { plainText } from "../http/mod.ts";

/** The maximum length of a server's text, and of a word in it: a longer one may be a token. */
const LONGEST_TEXT = 300;
const LONGEST_WORD = 40;

/**
 * Returns a server's error message on one line and without secrets: OAuth's `error` and `error_description`
 * (RFC 6749, section 5.2), Google's `error.message`, AWS's `__type` and `message` or its XML, a registry's `errors`.
 * Returns "" for any other body.
 */
export function refusalWords(text: string, secrets: readonly string[]): string {
  const parts = partsOf(text).filter((part) => part !== "");
  return withoutSecrets([...new Set(parts)].join(": "), secrets);
}

/** Formats a text on one line without control characters, secrets, and words that may be secrets. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) if (secret !== "") safe = safe.replaceAll(secret, "REDACTED");
  const words = plainText(safe, Infinity).split(" ");
  return plainText(words.map((word) => word.length > LONGEST_WORD ? "…" : word).join(" "), LONGEST_TEXT);
}

function partsOf(text: string): string[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return [inXml(text, "Code"), inXml(text, "Message")];
  }
  if (!isObject(answer)) return [];
  const { error, errors } = answer;
  if (isObject(error)) return [textOf(error.status), textOf(error.message)];
  if (Array.isArray(errors)) {
    return errors.filter(isObject).flatMap((each) => [textOf(each.code), textOf(each.message)]);
  }
  const type = textOf(answer.__type).replace(/^.*#/, "");
  return [textOf(error), textOf(answer.error_description), type, textOf(answer.message) || textOf(answer.Message)];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function inXml(text: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1].trim() ?? "";
}
