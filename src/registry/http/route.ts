/** What a URL under `/v2/` asks for. The parts are as they stand in the URL, not yet checked. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly name: string }
  | { readonly kind: "manifest"; readonly name: string; readonly reference: string }
  | { readonly kind: "referrers"; readonly name: string; readonly digest: string }
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly name: string }
  | { readonly kind: "upload"; readonly name: string; readonly id: string };

/** The name of a repository (distribution-spec, "Pulling manifests"). */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const NAME_LENGTH = 255;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/**
 * Reads the path of a URL from its end, since the name of a repository may itself have a segment `blobs` or `tags`.
 * `undefined` when nothing is there.
 */
export function parseRoute(pathname: string): Route | undefined {
  if (pathname === "/v2" || pathname === "/v2/") return { kind: "base" };
  if (pathname === "/v2/_catalog") return { kind: "catalog" };
  if (!pathname.startsWith("/v2/")) return undefined;
  const segments = pathname.slice("/v2/".length).split("/");
  const last = segments.pop()!;
  const noun = segments.pop();
  if (last === "uploads" && noun === "blobs") return { kind: "uploads", name: segments.join("/") };
  if (noun === "uploads" && segments.at(-1) === "blobs") {
    const name = segments.slice(0, -1).join("/");
    return last === "" ? { kind: "uploads", name } : { kind: "upload", name, id: last };
  }
  const name = segments.join("/");
  switch (noun) {
    case "tags":
      return last === "list" ? { kind: "tags", name } : undefined;
    case "manifests":
      return { kind: "manifest", name, reference: withColon(last) };
    case "referrers":
      return { kind: "referrers", name, digest: withColon(last) };
    case "blobs":
      return { kind: "blob", name, digest: withColon(last) };
  }
}

/** Whether a text is the name of a repository. */
export function isRepositoryName(text: string): boolean {
  return text.length <= NAME_LENGTH && NAME.test(text);
}

/** Whether a text is a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Some clients write the colon of a digest as `%3A`, as a URL allows. Nothing else in a path is ever decoded. */
function withColon(segment: string): string {
  return segment.replace(/%3a/i, ":");
}
