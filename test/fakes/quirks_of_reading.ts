// Quirks of manifests, lists, referrers and blobs that are read.

import { gzipSync } from "node:zlib";
import type { Bytes } from "../../src/runtime/mod.ts";
import { utf8 } from "./messages.ts";
import { askedOf, inMemory } from "./registry_front.ts";
import {
  allOf,
  matches,
  type Quirk,
  type QuirkRequest,
  refusing,
  type Which,
  withBody,
  withHeaders,
  withStatus,
} from "./quirky_registry.ts";

const manifests: Which = { asked: "manifest" };
const blobs: Which = { asked: "blob" };
const readManifests: Which = { method: "GET", asked: "manifest" };
const readBlobs: Which = { method: "GET", asked: "blob" };
const zeros = `sha256:${"0".repeat(64)}`;

/** Headers of the answers for manifests. */
const DIGESTS: Readonly<Record<string, (digest: string) => string | undefined>> = {
  "no digest": () => undefined,
  "the digest in capitals": (digest) => digest.toUpperCase(),
  "the digest in quotes": (digest) => `"${digest}"`,
  "another digest": () => zeros,
  "a digest of md5": () => "md5:abc",
};

const TYPES: Readonly<Record<string, (type: string) => string | undefined>> = {
  "a charset": (type) => `${type}; charset=utf-8`,
  "no type": () => undefined,
  "application/json": () => "application/json",
  "text/plain": () => "text/plain; charset=utf-8",
  "application/octet-stream": () => "application/octet-stream",
  "the type of schema 1": () => "application/vnd.docker.distribution.manifest.v1+prettyjws",
  "the type of an index": () => "application/vnd.oci.image.index.v1+json",
};

/** Forms of the link to the next page, which `next` leads to. */
const LINKS: Readonly<Record<string, (next: string, host: string, last: string) => string>> = {
  "as specified": (next) => `<${next}>; rel="next"`,
  "rel without quotes": (next) => `<${next}>; rel=next`,
  "no angle brackets": (next) => `${next}; rel="next"`,
  "a whole URL": (next, host) => `<http://${host}${next}>; rel="next"`,
  "another host": (next) => `<http://internal.invalid${next}>; rel="next"`,
  "https": (next, host) => `<https://${host}${next}>; rel="next"`,
  "capitals": (next) => `<${next}>; Rel="Next"`,
  "after another link": (next) => `</v2/x>; rel="prev", <${next}>; rel="next"`,
  "a comma in the URL": (next) => `<${next}&x=a,b>; rel="next"`,
  "a title with a semicolon": (next) => `<${next}>; title="a;b"; rel="next"`,
  "a title with a comma": (next) => `<${next}>; title="a, b"; rel="next"`,
  "a query alone": (_next, _host, last) => `<?last=${last}&n=2>; rel="next"`,
  "relative": (_next, _host, last) => `<list?last=${last}&n=2>; rel="next"`,
  "no rel": (next) => `<${next}>`,
  "single quotes": (next) => `<${next}>; rel='next'`,
  'rel="last next"': (next) => `<${next}>; rel="last next"`,
  'rel="next last"': (next) => `<${next}>; rel="next last"`,
  "no closing bracket": (next) => `<${next}; rel="next"`,
  "no semicolon": (next) => `<${next}> rel="next"`,
  "without /v2": (next) => `<${next.slice(3)}>; rel="next"`,
  "to the first page again": () => '</v2/app/tags/list?n=2&last=>; rel="next"',
};

/** Gives tags in pages of two, with a link of this form. */
function paged(link: (next: string, host: string, last: string) => string): Quirk {
  return {
    before(request) {
      if (request.asked !== "tags" || request.url.searchParams.get("n") === "2") return undefined;
      const url = new URL(request.url);
      url.searchParams.set("n", "2");
      return { instead: { ...request, url } };
    },
    after(answer, { asked, host }) {
      if (asked !== "tags" || answer.headers.link === undefined) return answer;
      const { tags } = JSON.parse(new TextDecoder().decode(answer.body));
      const last = tags.at(-1);
      return {
        ...answer,
        headers: { ...answer.headers, link: link(`/v2/app/tags/list?last=${last}&n=2`, host, last) },
      };
    },
  };
}

/** Redirects blobs to a place that takes no credentials. */
function redirecting(base: (host: string) => string, status = 307): Quirk {
  return {
    before: ({ asked, headers }) => asked === "cdn" && headers.has("authorization") ? inMemory(400) : undefined,
    after(answer, { asked, url, host }) {
      if (asked !== "blob" || answer.status >= 300) return answer;
      return inMemory(status, { location: `${base(host)}/cdn${url.pathname}?X-Amz-Signature=a%2Bb%2F` });
    },
  };
}

/** Cuts the body of a blob with the connection. */
function cut(times: number, ranges: boolean): Quirk {
  return {
    before(request) {
      if (ranges || !matches(readBlobs, request)) return undefined;
      const headers = new Headers(request.headers);
      headers.delete("range");
      return { instead: { ...request, headers } };
    },
    after: (answer, request) =>
      matches({ ...readBlobs, times }, request) && answer.body.length > 200 ? { ...answer, cutAfter: 100 } : answer,
  };
}

function noRange(request: QuirkRequest): { instead: QuirkRequest } | undefined {
  if (request.asked !== "blob") return undefined;
  const headers = new Headers(request.headers);
  headers.delete("range");
  return { instead: { ...request, headers } };
}

const gzip = (bytes: Bytes): Bytes => new Uint8Array(gzipSync(bytes));
const named = (prefix: string, entries: [string, Quirk][]) =>
  Object.fromEntries(entries.map(([name, quirk]) => [`${prefix}: ${name}`, quirk]));

/** Quirks of reading, by name. */
export const READING_QUIRKS: Readonly<Record<string, Quirk>> = {
  ...named(
    "manifest",
    Object.entries(DIGESTS).map(([name, digest]) => [
      name,
      withHeaders(manifests, ({ headers }) => ({ "docker-content-digest": digest(headers["docker-content-digest"]) })),
    ]),
  ),
  ...named(
    "manifest",
    Object.entries(TYPES).map(([name, type]) => [
      name,
      withHeaders(readManifests, ({ headers }) => ({ "content-type": type(headers["content-type"]) })),
    ]),
  ),
  ...named(
    "manifest",
    [403, 404, 405, 500].map((
      status,
    ) => [`${status} to HEAD`, refusing({ method: "HEAD", asked: "manifest" }, status)]),
  ),
  "manifest: length 0 to HEAD": withHeaders({ method: "HEAD", asked: "manifest" }, () => ({ "content-length": "0" })),
  "manifest: an ETag": withHeaders(manifests, () => ({ etag: '"x"' })),
  "manifest: compressed on the way": withBody(readManifests, gzip, { "content-encoding": "gzip" }),
  "manifest: chunked": {
    after(answer, request) {
      if (!matches(readManifests, request)) return answer;
      const { "content-length": _, ...headers } = answer.headers;
      return { ...answer, headers, length: "chunked" };
    },
  },
  "manifest: 429 the first time": refusing({ ...readManifests, times: 1 }, 429, { "retry-after": "1" }),
  "manifest: 503 the first two times": refusing({ ...readManifests, times: 2 }, 503),
  "manifest: the tag sha256-… is the subject itself, and no referrers": allOf(
    refusing({ asked: "referrers" }, 404),
    {
      before(request) {
        const path = request.url.pathname.replace(/\/manifests\/sha256-([0-9a-f]{64})$/, "/manifests/sha256:$1");
        if (path === request.url.pathname) return undefined;
        const url = new URL(path, request.url);
        return { instead: { ...request, url, asked: askedOf({ url }) } };
      },
    },
  ),
  ...named(
    "referrers",
    [400, 404, 405, 500].map((status) => [`${status}`, refusing({ asked: "referrers" }, status)]),
  ),
  "referrers: a page": withBody({ asked: "referrers" }, () => utf8("<html>hi</html>"), { "content-type": "text/html" }),
  "referrers: an empty body": withBody({ asked: "referrers" }, () => utf8(""), {}),
  "tags: null": withBody({ asked: "tags" }, () => utf8('{"name":"app","tags":null}')),
  "tags: missing": withBody({ asked: "tags" }, () => utf8('{"name":"app"}')),
  "tags: as text/plain": withHeaders({ asked: "tags" }, () => ({ "content-type": "text/plain" })),
  ...named("link", Object.entries(LINKS).map(([name, link]) => [name, paged(link)])),
  ...named(
    "blob",
    [403, 404, 405, 500].map((status) => [`${status} to HEAD`, refusing({ method: "HEAD", asked: "blob" }, status)]),
  ),
  "blob: redirected": redirecting(() => ""),
  "blob: redirected to a whole URL": redirecting((host) => `http://${host}`),
  "blob: redirected to localhost": redirecting((host) => `http://${host.replace("127.0.0.1", "localhost")}`),
  "blob: redirected with 302": redirecting(() => "", 302),
  "blob: redirected with 308": redirecting(() => "", 308),
  "blob: redirected, and 403 to HEAD there": allOf(
    refusing({ method: "HEAD", asked: "cdn" }, 403),
    redirecting(() => ""),
  ),
  "blob: Content-Encoding of its own format": withHeaders(readBlobs, () => ({ "content-encoding": "gzip" })),
  "blob: compressed on the way": allOf(
    { before: noRange },
    withBody(readBlobs, gzip, { "content-encoding": "gzip" }),
  ),
  "blob: no length": {
    after(answer, request) {
      if (!matches(readBlobs, request)) return answer;
      const { "content-length": _, ...headers } = answer.headers;
      return { ...answer, headers: { ...headers, connection: "close" }, length: "chunked" };
    },
  },
  "blob: cut once": cut(1, true),
  "blob: cut once, without ranges": cut(1, false),
  "blob: more bytes": allOf({ before: noRange }, withBody(readBlobs, (bytes) => new Uint8Array([...bytes, 1, 2, 3]))),
  "blob: fewer bytes": allOf({ before: noRange }, withBody(readBlobs, (bytes) => bytes.slice(0, -3))),
  "blob: another last byte": allOf(
    { before: noRange },
    withBody(readBlobs, (bytes) => bytes.with(bytes.length - 1, bytes[bytes.length - 1] ^ 1)),
  ),
  "blob: no digest": withHeaders(blobs, () => ({ "docker-content-digest": undefined })),
  "no catalog": refusing({ asked: "catalog" }, 405),
  "no DELETE": refusing({ method: "DELETE" }, 405),
  "an IPv6 address": { address: "::1" },
  "no other name of the host": {
    before: ({ headers, host }) => headers.get("host") === host ? undefined : inMemory(400),
  },
  "a cookie": withHeaders({}, () => ({ "set-cookie": "a=b; Path=/" })),
  "PUT of a manifest: 200": withStatus({ method: "PUT", asked: "manifest" }, 200),
  "PUT of a manifest: 202": withStatus({ method: "PUT", asked: "manifest" }, 202),
  "PUT of a manifest: no Location": withHeaders({ method: "PUT", asked: "manifest" }, () => ({ location: undefined })),
  "PUT of a manifest: another digest": withHeaders(
    { method: "PUT", asked: "manifest" },
    () => ({ "docker-content-digest": zeros }),
  ),
  "PUT of a manifest: 500 the first time": refusing({ method: "PUT", asked: "manifest", times: 1 }, 500),
};
