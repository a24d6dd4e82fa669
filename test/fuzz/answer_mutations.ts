// Changes to what a registry answers: status, headers, body, and the connection.

import { gzipSync } from "node:zlib";
import type { Bytes } from "../../src/runtime/mod.ts";
import { CUT, type FakeAnswer, type FakeOutcome, STALL, utf8, type WholeAnswer } from "../fakes/mod.ts";
import type { Random } from "../make/random.ts";

/** A change, and its name. */
export interface AnswerMutation {
  readonly name: string;
  /** Whether the result may be a well-formed answer with other content, which no client can tell from the truth. */
  readonly lies: boolean;
  readonly apply: (answer: WholeAnswer) => FakeOutcome;
}

const STATUSES = [
  ...[200, 201, 202, 203, 204, 205, 206, 207, 299, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404],
  ...[405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 418, 422, 425, 429, 431, 451, 499],
  ...[500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599, 600, 999],
];
const PLACES = [
  "",
  "/",
  "//",
  "http://",
  "https://[::1",
  "file:///etc/passwd",
  "data:text/plain,x",
  "javascript:alert(1)",
  "http://169.254.169.254/latest/meta-data",
  "http://10.0.0.1:1/x",
  "http://[fe80::1]/",
  "http://0.0.0.0:1/",
  "http://localhost:1/x?X-Amz-Signature=signed-secret-url",
  "http://127.0.0.1:1/x?sig=signed-secret-url",
  "https://registry.invalid/x?token=signed-secret-url",
  "http://user:signed-secret-url@127.0.0.1:1/",
  "?last=zzz&n=2",
  "/v2/",
  "/v2/team/app/tags/list",
  "x".repeat(9000),
  "/\u00e9/\u00ff",
];
const NUMBERS = [
  "",
  "0",
  "1",
  "-1",
  "7",
  "999999999999999999999",
  "9007199254740993",
  "1e3",
  "0x10",
  "NaN",
  "abc",
  "1, 1",
  " 5 ",
];
const DIGESTS = [
  "",
  "sha256:",
  "sha256:0",
  `sha256:${"0".repeat(64)}`,
  `SHA256:${"A".repeat(64)}`,
  `"sha256:${"0".repeat(64)}"`,
  `sha512:${"0".repeat(128)}`,
  `md5:${"0".repeat(32)}`,
  `sha256:${"z".repeat(64)}`,
  "../../../etc/passwd",
  "sha256:\u00e9",
];
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "content-type": [
    "",
    "text/html; charset=utf-8",
    "application/octet-stream",
    "application/json",
    "text/plain",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    'application/vnd.docker.distribution.manifest.v2+json; charset="utf-8"',
    ";",
    "x".repeat(5000),
  ],
  "content-length": NUMBERS,
  "docker-content-digest": DIGESTS,
  "content-encoding": ["gzip", "br", "zstd", "deflate", "identity", "gzip, gzip", "nonsense"],
  "www-authenticate": [
    "",
    "Basic",
    "Bearer",
    "Bearer realm=",
    'Bearer realm="http://169.254.169.254/token"',
    'Bearer realm="http://10.0.0.1/token",service="x"',
    'Bearer realm="ftp://x/token"',
    'Bearer realm="/token"',
    'Bearer realm="https://registry.invalid/token"',
    'Negotiate, Basic realm="a, b"',
    'Bearer realm="unclosed',
    `Basic ${"x=y,".repeat(3000)}`,
    "\u00e9",
  ],
  "link": [
    "",
    "<>; rel=next",
    '</v2/team/app/tags/list?last=zzz>; rel="next"',
    '<https://registry.invalid/v2/x>; rel="next"',
    '<http://169.254.169.254/>; rel="next"',
    "<unclosed; rel=next",
    "<x>; rel='next'",
    'nothing; rel="next"',
    `<${"x".repeat(9000)}>; rel="next"`,
    '<?a>; rel="last next", <?b>; rel="next"',
  ],
  "location": PLACES,
  "retry-after": [...NUMBERS, "Fri, 31 Dec 1999 23:59:59 GMT", "Wed, 21 Oct 2099 07:28:00 GMT"],
  "range": ["", "0-0", "0--1", "bytes=0-5", "5-2", "0-99999999999999999999", "x"],
  "content-range": ["", "bytes 0-1/2", "bytes */5", "bytes 5-2/1", "bytes 0-99999999999999999999/*", "x"],
  "oci-chunk-min-length": NUMBERS,
  "oci-filters-applied": ["artifactType", "", "x,y"],
  "oci-subject": DIGESTS,
  "docker-upload-uuid": ["", "../..", "x".repeat(3000)],
  "set-cookie": ["a=b; Path=/", ""],
  "transfer-encoding": ["chunked", "gzip, chunked", "identity", "x"],
  "connection": ["close", "upgrade", "x"],
};

/** Values of other types and sizes. */
function odd(random: Random): unknown {
  return random.pick<unknown>([
    null,
    true,
    0,
    -1,
    1e300,
    1.5,
    "",
    "x",
    "../..",
    "\u001b[31mred\n",
    "a".repeat(100_000),
    [],
    {},
    [[]],
    [null],
    [1, "a", {}],
    { a: 1 },
    { digest: "sha256:0" },
    random.pick(DIGESTS),
    Array.from({ length: 2000 }, (_, i) => `v${i}`),
    Array.from({ length: 3000 }, () => ({ mediaType: "x", digest: `sha256:${"1".repeat(64)}`, size: 1 })),
  ]);
}

/** Chooses a change. */
export function chooseMutation(random: Random): AnswerMutation {
  const truth = { lies: false };
  switch (random.integer(0, 15)) {
    case 0: {
      const status = random.pick(STATUSES);
      return { ...truth, name: `status ${status}`, apply: (answer) => ({ ...answer, status }) };
    }
    case 1: {
      const status = random.pick(STATUSES.filter((status) => status >= 400));
      const after = random.pick(HEADERS["retry-after"]);
      const name = `status ${status} with a body of errors, Retry-After ${after}`;
      const body = utf8(
        JSON.stringify({ errors: random.chance(0.5) ? [{ code: "DENIED", message: "no" }] : odd(random) }),
      );
      return {
        ...truth,
        name,
        apply: ({ headers }) => ({ status, headers: { ...pruned(headers), "retry-after": after }, body }),
      };
    }
    case 2: {
      const place = random.pick(PLACES);
      const status = random.pick([301, 302, 303, 307, 308]);
      const name = `redirect ${status} to ${place.slice(0, 60)}`;
      // The end of a list in place of its beginning can't be known from a whole list.
      return { name, lies: place.includes("last="), apply: () => ({ status, headers: { location: place } }) };
    }
    case 3: {
      const dropped = random.pick(Object.keys(HEADERS));
      return {
        name: `no ${dropped}`,
        lies: dropped === "link",
        apply: (answer) => ({
          ...answer,
          headers: { ...answer.headers, [dropped]: undefined },
          ...(dropped === "content-length" && { length: "chunked" }),
        }),
      };
    }
    case 4:
    case 5:
    case 6: {
      const [header, values] = random.pick(Object.entries(HEADERS));
      const value = random.pick(values);
      return {
        name: `${header}: ${value.slice(0, 60)}`,
        lies: header === "link" || header === "docker-content-digest",
        apply: (answer) => ({ ...answer, headers: { ...answer.headers, [header]: value } }),
      };
    }
    case 7: {
      const part = random.next();
      return {
        ...truth,
        name: "a body that is cut, with the length of the rest",
        lies: true,
        apply: (answer) => whole(answer, answer.body.slice(0, Math.floor(answer.body.length * part))),
      };
    }
    case 8: {
      const part = random.next();
      return {
        ...truth,
        name: "a body that is cut with the connection",
        apply: (answer) => ({
          ...answer,
          length: answer.body.length,
          cutAfter: Math.floor(answer.body.length * part),
        }),
      };
    }
    case 9: {
      const [at, bit] = [random.next(), random.integer(0, 7)];
      return {
        name: "a bit of the body",
        lies: true,
        apply: (answer) => {
          const copy = answer.body.slice();
          if (copy.length > 0) copy[Math.floor(at * copy.length)] ^= 1 << bit;
          return { ...answer, body: copy };
        },
      };
    }
    case 10:
    case 11:
    case 12: {
      const steps = Array.from({ length: 4 }, () => random.next());
      const value = random.chance(0.2) ? undefined : odd(random);
      return {
        name: `JSON with ${JSON.stringify(value)?.slice(0, 60)} at ${steps.map((step) => step.toFixed(2))}`,
        lies: true,
        apply: (answer) => whole(answer, edited(answer.body, steps, value)),
      };
    }
    case 13: {
      const [name, body] = random.pick(BODIES);
      return { name: `the body ${name}`, lies: true, apply: (answer) => whole(answer, body()) };
    }
    case 14: {
      const compressed = random.chance(0.5);
      return {
        ...truth,
        name: compressed ? "compressed on the way" : "a length and encoding that is chunked",
        apply: (answer) =>
          compressed
            ? {
              ...whole(answer, new Uint8Array(gzipSync(answer.body))),
              headers: { ...pruned(answer.headers), "content-encoding": "gzip" },
            }
            : { ...answer, headers: pruned(answer.headers), length: "chunked" },
      };
    }
    default: {
      if (random.chance(0.4)) return { ...truth, name: "the connection cut", apply: () => CUT };
      if (random.chance(0.4)) return { ...truth, name: "no answer", apply: () => STALL };
      return {
        ...truth,
        name: "a body that stalls",
        apply: (answer) => ({
          ...answer,
          body: answer.body.slice(0, answer.body.length / 2),
          length: answer.body.length,
          stalls: true,
        }),
      };
    }
  }
}

const BODIES: readonly (readonly [string, () => Bytes])[] = [
  ["empty", () => new Uint8Array()],
  ["null", () => utf8("null")],
  ["{}", () => utf8("{}")],
  ["[]", () => utf8("[]")],
  ["a number", () => utf8("1e999")],
  ["text", () => utf8("not found")],
  ["HTML", () => utf8("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>")],
  ["nested 2,000 times", () => utf8(`${'{"manifests":['.repeat(2000)}${"]}".repeat(2000)}`)],
  ["nested 200,000 times", () => utf8("[".repeat(200_000))],
  ["a broken string", () => utf8('{"tags":["v1')],
  ["with a byte order mark", () => utf8('\ufeff{"name":"team/app","tags":["v1"]}')],
  ["not UTF-8", () => Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
  ["zeros", () => new Uint8Array(70_000)],
  ["large", () => utf8(`{"name":"x","tags":[${'"v",'.repeat(500_000)}"v"]}`)],
  ["tags with control characters", () => utf8('{"name":"team/app","tags":["\\u001b[2J","a\\nb","v1"]}')],
  ["another kind of list", () => utf8('{"repositories":["team/app"],"tags":null,"manifests":[]}')],
  ["errors", () => utf8('{"errors":[{"code":"UNAUTHORIZED","message":"\\u001b[31mx","detail":{}}]}')],
  ["a token of control characters", () => utf8('{"token":"a\\r\\nX-Injected: 1","expires_in":-5}')],
  ["a token of other types", () => utf8('{"token":{},"access_token":[1],"expires_in":"x","issued_at":5}')],
];

/** The answer with another body, and its length. */
function whole(answer: WholeAnswer, body: Bytes): FakeAnswer {
  return { ...answer, headers: pruned(answer.headers), body };
}

function pruned(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "content-length"));
}

/** Replaces, or removes, a value in JSON; `steps` lead to it. Other bytes stay. */
function edited(body: Bytes, steps: readonly number[], value: unknown): Bytes {
  try {
    const root: unknown = JSON.parse(new TextDecoder().decode(body));
    let at = root;
    for (const [depth, step] of steps.entries()) {
      if (typeof at !== "object" || at === null) break;
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      const key = keys[Math.floor(step * keys.length)];
      const inner = (at as Record<string, unknown>)[key];
      const isLast = depth === steps.length - 1 || typeof inner !== "object" || inner === null ||
        Object.keys(inner).length === 0 || step * keys.length % 1 < 0.3;
      if (!isLast) {
        at = inner;
        continue;
      }
      if (value !== undefined) (at as Record<string, unknown>)[key] = value;
      else if (Array.isArray(at)) at.splice(Number(key), 1);
      else delete (at as Record<string, unknown>)[key];
      break;
    }
    return utf8(JSON.stringify(root));
  } catch {
    return body;
  }
}
