/** Makes the strong entity tag of content with a digest (RFC 9110, section 8.8.3). */
export function entityTag(digest: string): string {
  return `"${digest}"`;
}

/** Returns whether the client has the content already, by its `If-None-Match` (RFC 9110, section 13.1.2). */
export function isNotModified({ headers }: Request, etag: string): boolean {
  const header = headers.get("If-None-Match");
  if (header === null) return false;
  return header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

/**
 * Returns the `Range` to honour: `null` if the part that the client has is of other content, by its `If-Range` (RFC 9110,
 * section 13.1.5). The registry sends no `Last-Modified`, so a date never matches.
 */
export function rangeHeader({ headers }: Request, etag: string): string | null {
  const condition = headers.get("If-Range");
  return condition === null || condition.trim() === etag ? headers.get("Range") : null;
}
