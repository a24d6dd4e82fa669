import { cors } from "hono/cors";
import type { Middleware } from "./middleware.ts";

/** The headers of responses that scripts of another origin may read, beside those that browsers always show. */
const EXPOSED = [
  "Accept-Ranges",
  "Cache-Status",
  "Content-Length",
  "Content-Range",
  "Docker-Content-Digest",
  "Docker-Distribution-API-Version",
  "Docker-Upload-UUID",
  "ETag",
  "Link",
  "Location",
  "OCI-Filters-Applied",
  "OCI-Subject",
  "OCI-Tag",
  "Range",
  "Retry-After",
  "WWW-Authenticate",
];

/** The time for which browsers may keep the answer to a preflight request, in seconds. */
const MAX_AGE_S = 600;

/** Returns checked origins. @throws {TypeError} if one is malformed. */
export function checkOrigins(origins: readonly string[]): readonly string[] {
  for (const origin of origins) {
    if (origin === "*" || /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin) {
      continue;
    }
    throw new TypeError(`${JSON.stringify(origin)} is not an origin like https://app.example.com, nor *`);
  }
  return origins;
}

/**
 * Lets scripts of other origins use the registry (the CORS protocol of the Fetch standard). Scripts send passwords and
 * tokens themselves, so a browser's own credentials are never admitted.
 *
 * @throws {TypeError} if an origin is malformed.
 */
export function crossOrigin(origins: readonly string[]): Middleware {
  checkOrigins(origins);
  return cors({ origin: origins.includes("*") ? "*" : [...origins], exposeHeaders: EXPOSED, maxAge: MAX_AGE_S });
}
