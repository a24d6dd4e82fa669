// The settings of npm's .npmrc files that have to do with registries.

/** The settings of a file, those without a value left out. */
export type Npmrc = ReadonlyMap<string, string>;

/**
 * Parses a .npmrc file: lines `key = value`, `;` and `#` in front of comments, quotes around values, and `${NAME}` for
 * variables of the environment. A variable that is not set stays as it is written, and is empty with `${NAME?}`.
 */
export function parseNpmrc(text: string, environment: (name: string) => string | undefined): Npmrc {
  const settings = new Map<string, string>();
  const expand = (value: string) =>
    value.replace(
      /\$\{([^${}?]+)(\?)?\}/g,
      (whole, name: string, orEmpty?: string) => environment(name) ?? (orEmpty === undefined ? whole : ""),
    );
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const parts = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (parts === null) continue;
    const [, key, value] = parts;
    settings.set(expand(key), expand(unquoted(value)));
  }
  return settings;
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  // A comment may follow a value without quotes.
  return quoted === null ? value.replace(/\s+[;#].*$/, "") : quoted[2];
}
