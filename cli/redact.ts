const placeholder = "REDACTED";
const secretHeader = /authorization|cookie|token|secret|password|api-?key/i;
const secretParameter =
  /^(?:x-amz-.*|x-goog-.*|sig|.*signature|.*token.*|.*secret.*|.*password.*|.*credential.*|policy|code|key)$/i;

/**
 * Returns the value of a header, or a placeholder where it holds a secret. The kind of an authorization stays readable.
 */
export function redactHeader(name: string, value: string): string {
  if (!secretHeader.test(name)) return redactText(value);
  const kind = /^(Basic|Bearer)\s/i.exec(value)?.[1];
  return kind === undefined ? placeholder : `${kind} ${placeholder}`;
}

/** Returns a URL without its user, its password and the values of parameters that grant access. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${placeholder}@`)
    .replace(
      /([?&;#])([^=&;#]+)=([^&;#]+)/g,
      (whole, mark, name) => secretParameter.test(decoded(name)) ? `${mark}${name}=${placeholder}` : whole,
    );
}

/** Any text, with its URLs and what looks like an authorization made harmless. */
export function redactText(text: string): string {
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, redactUrl)
    // Words after the name of the scheme, as in "basic authentication", are no secret.
    .replace(/\b([Bb]asic|[Bb]earer)\s+(?![a-z]+(?![\w.~+/=-]))[\w.~+/=-]{6,}/g, `$1 ${placeholder}`);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
