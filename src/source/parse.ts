/** A parsed source: an image in a registry, in a file or directory, on standard input or output, or in an engine. */
export type NamedSource =
  | { readonly kind: "reference"; readonly text: string }
  | { readonly kind: "path"; readonly text: string; readonly format?: PathFormat }
  | { readonly kind: "stdio" }
  | { readonly kind: "engine"; readonly name: string };

/** The format that a path's prefix gives: a layout, a layout in a tar archive, a tarball of `docker save`. */
export type PathFormat = "oci" | "oci-archive" | "docker-archive";

/** The beginnings of a path that can't be a reference: `/`, `./`, `../`, `~/`, a drive letter. */
const PATH = /^(?:\.{0,2}[/\\]|~[/\\]|[A-Za-z]:[/\\]|\.{1,2}$)/;
const PREFIX = /^(oci|oci-archive|docker-archive):(.+)$/s;

/**
 * Parses a source by its form alone, regardless of the files on the disk:
 *
 * | Form | Is |
 * |---|---|
 * | begins with `/`, `./`, `../`, `~/` or a drive letter; or `oci:`, `oci-archive:`, `docker-archive:` and a path | a path, with or without `:NAME` after it |
 * | `-` | an archive on standard input or output |
 * | `daemon://NAME` | an image of the Docker Engine or podman |
 * | `docker://X` | the reference X |
 * | everything else | a reference |
 */
export function parseSource(text: string): NamedSource {
  if (text === "-") return { kind: "stdio" };
  if (text.startsWith("daemon://")) return { kind: "engine", name: text.slice("daemon://".length) };
  if (text.startsWith("docker://")) return { kind: "reference", text: text.slice("docker://".length) };
  const prefixed = PREFIX.exec(text);
  if (prefixed) return { kind: "path", text: prefixed[2], format: prefixed[1] as PathFormat };
  return PATH.test(text) ? { kind: "path", text } : { kind: "reference", text };
}
