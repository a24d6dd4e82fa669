/** Query parameters of the distribution-spec and of token requests that are no secrets. */
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

/** The longest text of a server that an error repeats. */
const LONGEST_TEXT = 500;

/**
 * Writes a URL as it may be shown: without user and password, and without the values of all but well-known parameters.
 * A parameter that is a name only may be a secret too, and so may a name with unusual characters.
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
  return parameters.length === 0 ? shown.href : `${shown.href}?${parameters.join("&")}`;
}

/** Redacts every URL in a text. */
export function redactUrlsIn(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"'<>]+/gi, (url) => {
    const [, bare, rest] = /^(.*?)([).,;:]*)$/.exec(url)!;
    return redactUrl(bare) + rest;
  });
}

/** Writes the text of a server on one line, without control characters, which could steer a terminal. */
export function plainText(text: string, longest: number = LONGEST_TEXT): string {
  // deno-lint-ignore no-control-regex
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
