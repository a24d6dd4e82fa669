import { HEX_LENGTH, isAlgorithm } from "../spec/internal.ts";
import { type Hash, isHash } from "../spec/mod.ts";
import { quote, type Span } from "./span.ts";

const LONGEST_REPOSITORY = 255;
const LONGEST_TAG = 128;
/** The form of a digest, for hints. */
const DIGEST_FORM = "a digest is sha256: and 64 hex digits, or sha512: and 128";

/** One character of a host name: those of RFC 3986 and, for international names, letters, marks and digits. */
const HOST_CHARACTER = /[\w.~!$&'()*+,;=\p{L}\p{M}\p{N}-]/u;
const HOST = new RegExp(`^(?:${HOST_CHARACTER.source}|:)*$`, "u");
const BRACKETED = /^\[[0-9A-Fa-f:.]+\](?::\d*)?$/;
const PORT = /:\d*$/;

/** Rejects a text that is not the host, with or without a port, of a URL (RFC 3986, section 3.2). */
export function checkRegistry(span: Span): void {
  const { value } = span;
  const slash = value.indexOf("/");
  if (slash >= 0) {
    throw span.refuse(`a registry has no path, ${quote(value.slice(slash))}`, {
      at: slash,
      hint: `the registry alone is ${quote(value.slice(0, slash))}`,
    });
  }
  // Only the beginning of a URL has this form. "http:" is a host with an empty port, as in references.jsonl and in
  // crane.
  if (/^https:$/i.test(value)) throw span.refuse("it is a URL");
  if (value.startsWith("[")) {
    if (!BRACKETED.test(value)) throw span.refuse("its host is not an IPv6 address in brackets");
    return;
  }
  if (!HOST.test(value)) {
    const at = [...value].findIndex((character) => character !== ":" && !HOST_CHARACTER.test(character));
    const bad = [...value][at];
    throw span.refuse(`a host can't have ${quote(bad)}`, { at: value.indexOf(bad), hint: hintAt(bad) });
  }
  if (value.includes(":") && !PORT.test(value)) {
    throw span.refuse("the port is not a number", {
      at: value.lastIndexOf(":") + 1,
      hint: "the text before the first slash is HOST:PORT; a tag comes last",
    });
  }
}

/** Rejects a text that is not a repository path: 1 to 255 characters of a small set. */
export function checkRepository(span: Span): void {
  const { value } = span;
  if (value === "") throw span.refuse("the repository is missing", { hint: "a name looks like host/path:tag" });
  const at = value.search(/[^a-z0-9_.\/-]/);
  if (at >= 0) {
    const bad = characterAt(value, at);
    throw span.refuse(`a repository can't have ${quote(bad)}, only a-z 0-9 _ - . /`, {
      at,
      hint: /^[A-Z]$/.test(bad) ? `write it in lower case: ${quote(value.toLowerCase())}` : hintAt(bad),
    });
  }
  if (value.length > LONGEST_REPOSITORY) {
    throw span.refuse(`the repository has ${value.length} characters, more than ${LONGEST_REPOSITORY}`);
  }
  // A URL parser resolves these segments, so the request would go to another repository.
  const dots = /(?:^|\/)\.{1,2}(?:\/|$)/.exec(value);
  if (dots) throw span.refuse(`a repository can't have a part that is "." or ".."`, { at: dots.index });
}

/** Rejects a text that is not a tag: 1 to 128 characters of a small set. */
export function checkTag(span: Span): void {
  const { value } = span;
  if (value === "") {
    throw span.refuse("the tag after the colon is missing", { hint: "name a tag or leave out the colon" });
  }
  const at = value.search(/[^\w.-]/);
  if (at >= 0) {
    const bad = characterAt(value, at);
    throw span.refuse(`a tag can't have ${quote(bad)}, only a-z A-Z 0-9 _ - .`, { at, hint: hintAt(bad) });
  }
  if (value.length > LONGEST_TAG) {
    throw span.refuse(`the tag has ${value.length} characters, more than ${LONGEST_TAG}`);
  }
  // A URL parser resolves these segments, as in a repository path.
  if (value === "." || value === "..") throw span.refuse(`a tag can't be ${quote(value)}`);
}

/** Rejects a text that is not a digest of a supported algorithm. */
export function checkDigest(span: Span): Hash {
  const { value } = span;
  if (isHash(value)) return value;
  const colon = value.indexOf(":");
  const algorithm = value.slice(0, Math.max(colon, 0));
  const digits = value.slice(colon + 1);
  if (!isAlgorithm(algorithm)) {
    const bare = Object.entries(HEX_LENGTH).find(([, length]) => /^[0-9a-f]*$/.test(value) && value.length === length);
    throw span.refuse(value === "" ? "the digest after @ is missing" : "the digest is neither sha256 nor sha512", {
      hint: bare ? `write ${bare[0]}: in front of the digits` : `${DIGEST_FORM}; a tag comes after a colon`,
    });
  }
  const length = HEX_LENGTH[algorithm];
  if (/^[0-9a-f]*$/i.test(digits) && digits.length !== length) {
    throw span.refuse(`the digest has ${digits.length} hex digits instead of ${length}`, {
      at: colon + 1,
      hint: digits.length < length ? "copy all of it: a short form is not enough" : undefined,
    });
  }
  const at = colon + 1 + digits.search(/[^0-9a-f]/);
  const bad = characterAt(value, at);
  throw span.refuse(`a digest can't have ${quote(bad)}, only 0-9 a-f`, {
    at,
    hint: /^[A-F]$/.test(bad) ? "write it in lower case" : DIGEST_FORM,
  });
}

function hintAt(bad: string): string | undefined {
  if (/\s/.test(bad)) return "remove the white space";
  if (bad === ":") return "a tag comes last, after one colon; a digest comes after @";
  return undefined;
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at)!);
}
