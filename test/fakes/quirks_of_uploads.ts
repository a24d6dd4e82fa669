// Quirks of uploads and mounts.

import { CUT, type FakeOutcome } from "./messages.ts";
import { askedOf, inMemory } from "./registry_front.ts";
import {
  matches,
  type Quirk,
  type QuirkRequest,
  refusing,
  type Which,
  withHeaders,
  withStatus,
} from "./quirky_registry.ts";

const patches: Which = { method: "PATCH", asked: "upload" };
const puts: Which = { method: "PUT", asked: "upload" };
const posts: Which = { method: "POST", asked: "upload" };

/** Forms of an upload's `Location`, by its path, and what a request must have to be understood. */
const LOCATIONS: Readonly<Record<string, { form: (path: string, host: string) => string; wanted?: RegExp }>> = {
  "a query": { form: (path) => `${path}?_state=a%2Fb%2Bc%3D%3D&x=1`, wanted: /[?&]_state=a%2Fb%2Bc%3D%3D(&|$)/ },
  "plus signs in the query": { form: (path) => `${path}?_state=a+b/c==`, wanted: /[?&]_state=a\+b\/c==(&|$)/ },
  "a fragment": { form: (path) => `${path}?a=1#frag` },
  "a path parameter": { form: (path) => `${path};jsessionid=1?x=%20y`, wanted: /;jsessionid=1\?.*x=(%20|\+)y/ },
  "brackets in the query": { form: (path) => `${path}?x[]=1&y={z}|`, wanted: /[?&]x/ },
  "a whole URL": { form: (path, host) => `http://${host}${path}` },
  "a URL without scheme": { form: (path, host) => `//${host}${path}` },
  "the last part alone": { form: (path) => path.slice(path.lastIndexOf("/") + 1) },
  "https": { form: (path, host) => `https://${host}${path}` },
  "localhost": { form: (path, host) => `http://${host.replace("127.0.0.1", "localhost")}${path}` },
};

/** Gives uploads such a `Location`, and refuses requests to another one. */
function located({ form, wanted }: typeof LOCATIONS[string]): Quirk {
  return {
    before(request) {
      if (!isInSession(request)) return undefined;
      if (wanted !== undefined && !wanted.test(request.url.pathname + request.url.search)) return inMemory(400);
      const url = new URL(request.url.pathname.replace(/;.*$/, ""), request.url);
      const digest = request.url.searchParams.get("digest");
      if (digest !== null) url.searchParams.set("digest", digest);
      return { instead: { ...request, url, asked: askedOf({ url }) } };
    },
    after(answer, { asked, host }) {
      const { location } = answer.headers;
      if (asked !== "upload" || answer.status !== 202 || location === undefined) return answer;
      const { pathname } = new URL(location, `http://${host}`);
      return { ...answer, headers: { ...answer.headers, location: form(pathname, host) } };
    },
  };
}

function isInSession({ asked, url }: QuirkRequest): boolean {
  return asked === "upload" && !url.pathname.endsWith("/uploads/");
}

/** Refuses what a condition on a request of an upload refuses. */
function refusingIf(condition: (request: QuirkRequest) => boolean, status: number): Quirk {
  return { before: (request) => isInSession(request) && condition(request) ? inMemory(status) : undefined };
}

const isChunked = ({ headers }: QuirkRequest) => headers.get("transfer-encoding")?.includes("chunked") === true;

/** Takes the bytes of the first request, and cuts the connection in place of an answer. */
function droppingAnswer(which: Which): Quirk {
  return { after: (answer, request): FakeOutcome => matches({ ...which, times: 1 }, request) ? CUT : answer };
}

/** Answers a mount. */
function mounting(outcome: FakeOutcome): Quirk {
  return {
    before: (request) => matches(posts, request) && request.url.searchParams.has("mount") ? outcome : undefined,
  };
}

/** Quirks of uploads, by name. */
export const UPLOAD_QUIRKS: Readonly<Record<string, Quirk>> = {
  ...Object.fromEntries(Object.entries(LOCATIONS).map(([name, location]) => [`Location: ${name}`, located(location)])),
  "Location: none": withHeaders(posts, () => ({ location: undefined })),
  "Location: none after PATCH": withHeaders(patches, () => ({ location: undefined })),
  "mount: no digest": withHeaders(posts, () => ({ "docker-content-digest": undefined })),
  "mount: 200": mounting(inMemory(200)),
  "mount: 202 without Location": mounting(inMemory(202)),
  "mount: 404": mounting(inMemory(404)),
  "mount: 405": mounting(inMemory(405)),
  "mount: 500": mounting(inMemory(500)),
  "POST: 200": withStatus(posts, 200),
  "POST: 201": withStatus(posts, 201),
  "POST: a smallest chunk": withHeaders(posts, () => ({ "oci-chunk-min-length": "100000" })),
  "POST: another Range": withHeaders(posts, () => ({ range: "0--1" })),
  "PATCH: another Range": withHeaders(patches, () => ({ range: "bytes=0-5" })),
  "PATCH: 200": withStatus(patches, 200),
  "PATCH: 204": withStatus(patches, 204),
  "PATCH: 405": refusing(patches, 405),
  "PATCH: no chunked bodies, 411": refusingIf(isChunked, 411),
  "PATCH: no chunked bodies, 400": refusingIf(isChunked, 400),
  "PATCH: at most 20,000 bytes": refusingIf(({ bytes }) => bytes.length > 20_000, 413),
  "PATCH: the connection cut once": droppingAnswer(patches),
  "PATCH: no state of uploads": refusing({ method: "GET", asked: "upload" }, 404),
  "PUT: the connection cut once": droppingAnswer(puts),
  "PUT: no body": refusingIf(({ method, bytes }) => method === "PUT" && bytes.length > 0, 400),
  "PUT: 200": withStatus(puts, 200),
  "PUT: 204": withStatus(puts, 204),
  "PUT: 500 the first time": refusing({ ...puts, times: 1 }, 500),
};
