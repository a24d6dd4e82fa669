/** Query parameters of the distribution-spec and of token requests that are not secret. */
const PUBLIC_PARAMETERS = new Set([
  "n",
  "last",
  "digest",
  "from",
  "mount",
  "origin",
  "scope",
  "service",
  "artifactType",
]);

/** The maximum length of a server's text in an error. */
const LONGEST_TEXT = 500;
/** The maximum length of a URL, to which a server may redirect. */
const LONGEST_URL = 2000;

/**
 * Formats a URL for display, without user, password and the values of all but well-known parameters. A parameter
 * without a value, or with unusual characters in its name, is redacted as a whole. A long URL is cut.
 */
export function redactUrl(url: URL | string): string {
  let shown: URL;
  try {
    shown = new URL(url);
  } catch {
    return "(invalid URL)";
  }
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  const parameters = [...shown.searchParams].map(([name, value]) =>
    PUBLIC_PARAMETERS.has(name)
      ? `${name}=${encodeURIComponent(value).replace(/%(3A|2F|2C)/g, decodeURIComponent)}`
      : /^[\w.-]{1,40}$/.test(name) && value !== ""
      ? `${name}=REDACTED`
      : "REDACTED"
  );
  shown.search = "";
  return cut(parameters.length === 0 ? shown.href : `${shown.href}?${parameters.join("&")}`, LONGEST_URL);
}

/** Redacts every URL in a text. */
export function redactUrlsIn(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"'<>]+/gi, (url) => {
    const [, bare, rest] = /^(.*?)([).,;:]*)$/.exec(url)!;
    return redactUrl(bare) + rest;
  });
}

/** Formats a server's text on one line, without control characters, which could change a terminal. */
export function plainText(text: string, longest: number = LONGEST_TEXT): string {
  // deno-lint-ignore no-control-regex
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return cut(line, longest);
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
