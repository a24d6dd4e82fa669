const placeholder = "REDACTED";
const secretHeader = /authorization|cookie|token|secret|password|api-?key/i;
const secretParameter =
  /^(?:x-amz-.*|x-goog-.*|sig|.*signature|.*token.*|.*secret.*|.*password.*|.*credential.*|policy|code|key)$/i;

/** Returns the value of a header, or a placeholder if it is secret. The scheme of an authorization is kept. */
export function redactHeader(name: string, value: string): string {
  if (!secretHeader.test(name)) return redactText(value);
  const kind = /^(Basic|Bearer)\s/i.exec(value)?.[1];
  return kind === undefined ? placeholder : `${kind} ${placeholder}`;
}

/** Removes the user, the password and the values of parameters that grant access from a URL. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${placeholder}@`)
    .replace(
      /([?&;#])([^=&;#]+)=([^&;#]+)/g,
      (whole, mark, name) => secretParameter.test(decoded(name)) ? `${mark}${name}=${placeholder}` : whole,
    );
}

/** Redacts the URLs and authorizations in a text. */
export function redactText(text: string): string {
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, redactUrl)
    // Plain words after the name of the scheme, as in "basic authentication", are not a secret.
    .replace(/\b([Bb]asic|[Bb]earer)\s+(?![a-z]+(?![\w.~+/=-]))[\w.~+/=-]{6,}/g, `$1 ${placeholder}`);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
