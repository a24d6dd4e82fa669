import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError, NetworkError, NotFoundError } from "../../src/errors.ts";
import { runtimeFetch } from "../../src/runtime/mod.ts";
import {
  discard,
  parseRetryAfter,
  readBody,
  requestError,
  responseError,
  send,
  type Shown,
} from "../../src/transport/internal.ts";
import { CUT, fakeServer } from "../fakes/mod.ts";

const REQUEST = { method: "PUT", url: "https://ann:s3cret@registry.example.com/v2/x/blobs/uploads/1?_state=s3cret" };

async function messageOf(status: number, body: BodyInit | null, headers?: HeadersInit): Promise<string> {
  return (await responseError(new Response(body, { status, headers }), REQUEST)).message;
}

/** What a failed fetch becomes. */
function failed(cause: unknown): NetworkError {
  const error = requestError(cause, REQUEST);
  assertInstanceOf(error, NetworkError);
  return error;
}

describe("responseError", () => {
  it("says what was asked, the status and the registry's own words", async () => {
    const errors = [{ code: "DENIED", message: "no\n way", detail: 1 }, { code: "TOOMANYREQUESTS" }];
    const headers = { "retry-after": "3" };
    const error = await responseError(new Response(JSON.stringify({ errors }), { status: 403, headers }), REQUEST);
    assertInstanceOf(error, HttpError);
    assertEquals(
      error.message,
      "PUT https://registry.example.com/v2/x/blobs/uploads/1?_state=REDACTED: 403 Forbidden: DENIED: no way; TOOMANYREQUESTS",
    );
    assertEquals([error.status, error.method, error.retryAfter], [403, "PUT", 3000]);
    assertEquals(error.url, "https://registry.example.com/v2/x/blobs/uploads/1?_state=REDACTED");
    assertEquals(error.diagnostics, [{ code: "DENIED", message: "no way", detail: 1 }, { code: "TOOMANYREQUESTS" }]);
  });

  it("takes a short line of text for the registry's words, but no page and no other JSON", async () => {
    const start = "PUT https://registry.example.com/v2/x/blobs/uploads/1?_state=REDACTED: 500 Internal Server Error";
    assertEquals(await messageOf(500, "the disk is full\nat line 1"), `${start}: the disk is full`);
    assertEquals(await messageOf(500, "<html>a page</html>"), start);
    assertEquals(await messageOf(500, '{"message":"x"}'), start);
    assertEquals(await messageOf(500, '{"errors":"x"}'), start);
    assertEquals(await messageOf(500, '{"errors":[null,1,{"message":"no code"}]}'), start);
    assertEquals(await messageOf(500, null), start);
    assertEquals(await messageOf(500, "x".repeat(300)), start);
  });

  it("reads no more than 64 KiB", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(16384).fill(97));
      },
    }, { highWaterMark: 0 });
    assertMatch(await messageOf(500, endless), /500 Internal Server Error$/);
    assert(pulled <= 6);
  });

  it("is one line that steers no terminal and shows no signed URL, whatever the registry says", async () => {
    const errors = [{
      code: "A\nB",
      message: "\u001b[31mred\u0007 see https://cdn.example.com/x?sig=s3cret, (http://u:s3cret@a.example/) " +
        "y".repeat(999),
    }];
    const message = await messageOf(400, JSON.stringify({ errors }));
    // deno-lint-ignore no-control-regex
    assertEquals(/[\u0000-\u001f\u007f-\u009f]/.test(message), false);
    assertEquals(message.includes("s3cret"), false);
    assertMatch(
      message,
      /A B: \[31mred see https:\/\/cdn\.example\.com\/x\?sig=REDACTED, \(http:\/\/a\.example\/\) y+…$/,
    );
    assert(message.length < 700);
  });

  it("hints at what to do", async () => {
    const hint = async (status: number, code = "X", shown?: Shown) => {
      const response = new Response(JSON.stringify({ errors: [{ code }] }), { status });
      return (await responseError(response, { ...REQUEST, shown })).hint;
    };
    const login = "gcrane auth login registry.example.com";
    for (const status of [401, 403]) {
      assertEquals(await hint(status, "X", "nothing"), `if the name is right, sign in with: ${login}`);
      const other = `if the name is right, sign in as a user with the permission: ${login}`;
      assertEquals(await hint(status, "X", "token"), other);
      assertEquals(await hint(status, "X", "credentials"), status === 401 ? `sign in again with: ${login}` : other);
      // No sign-in helps with the server of a foreign layer.
      assertEquals(await hint(status), undefined);
    }
    assertMatch((await hint(404, "NAME_UNKNOWN"))!, /spelling/);
    assertMatch((await hint(404, "MANIFEST_UNKNOWN"))!, /spelling/);
    assertEquals(await hint(404, "BLOB_UNKNOWN"), undefined);
    assertEquals(await hint(429, "X", "token"), "the registry limits the rate: wait");
    assertEquals(await hint(429, "X", "nothing"), `the registry limits the rate: wait, or sign in with: ${login}`);
    assertEquals(await hint(500), undefined);
  });

  it("repeats a wait that is longer than a retry makes", async () => {
    const hint = async (status: number, wait: string) =>
      (await responseError(new Response("", { status, headers: { "retry-after": wait } }), REQUEST)).hint;
    assertEquals(await hint(429, "3600"), "the registry asks to wait 3600 s before the next request");
    assertEquals(await hint(503, "61"), "the registry asks to wait 61 s before the next request");
    assertEquals(await hint(503, "60"), undefined);
  });
});

describe("requestError", () => {
  const coded = (code: string, message = "x") =>
    new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) });

  it("puts what runtimes say into words", () => {
    const text = (cause: unknown) => failed(cause).message.replace(/^.*REDACTED: /, "");
    assertEquals(text(coded("ENOTFOUND")), "the host name does not resolve");
    assertEquals(text(coded("EAI_AGAIN")), "the host name does not resolve");
    assertEquals(
      text(new TypeError("client error (Connect): dns error: failed to lookup address")),
      "the host name does not resolve",
    );
    assertEquals(text(coded("ECONNREFUSED")), "connection refused");
    assertEquals(
      text(
        Object.assign(new Error("Unable to connect. Is the computer able to access the url?"), {
          code: "ConnectionRefused",
        }),
      ),
      "connection refused",
    );
    assertEquals(
      text(new TypeError("invalid peer certificate: UnknownIssuer")),
      "the TLS certificate can't be trusted",
    );
    assertEquals(text(coded("DEPTH_ZERO_SELF_SIGNED_CERT")), "the TLS certificate can't be trusted");
    assertEquals(
      text(new TypeError("received corrupt message of type InvalidContentType")),
      "the server does not speak TLS",
    );
    assertEquals(text(coded("ETIMEDOUT")), "the connection timed out");
    assertEquals(text(coded("EHOSTUNREACH")), "the network is unreachable");
    assertEquals(text(coded("ECONNRESET")), "the connection was cut");
    assertEquals(text(coded("EPIPE")), "the connection was cut");
    assertEquals(text(new Error("something\n new")), "something new");
    assertEquals(text("thrown text"), "thrown text");
    assertEquals(text(new Error("")), "the request failed");
  });

  it("does not mind what the host is called", () => {
    const message = "error sending request for url (https://certificate.dns-error.example/timed%20out)";
    assertMatch(failed(new TypeError(message, { cause: new Error("Connection reset by peer") })).message, /was cut$/);
  });

  it("lets an abort and errors of ours through", () => {
    const own = new NotFoundError("x");
    assertStrictEquals(requestError(own, REQUEST), own);
    const reason = new Error("enough");
    assertStrictEquals(requestError(own, REQUEST, AbortSignal.abort(reason)), reason);
  });

  it("keeps the cause, without the secrets that runtimes put into it", () => {
    const inner = Object.assign(new Error("connect ECONNRESET https://a.example/?sig=s3cret"), {
      code: "ECONNRESET",
      path: "https://a.example/?sig=s3cret",
    });
    const error = failed(
      new TypeError("error sending request for url (https://u:s3cret@a.example/?sig=s3cret)", { cause: inner }),
    );
    const cause = error.cause as Error & { code: string };
    assertEquals([cause.name, cause.code], ["TypeError", "ECONNRESET"]);
    assertEquals(
      cause.message,
      "error sending request for url (https://a.example/?sig=REDACTED): connect ECONNRESET https://a.example/?sig=REDACTED",
    );
    const shown = [error, cause, inner].slice(0, 2).map((each) => `${each.stack}${JSON.stringify(each)}${each}`).join();
    assertEquals(shown.includes("s3cret"), false);
  });
});

describe("a request over the wire", () => {
  const get = (url: string) =>
    send({ method: "GET", url: new URL(url), headers: new Headers() }, { fetch: runtimeFetch() }).then(
      () => "an answer",
      (error) => error instanceof NetworkError ? error.message.replace(/^.*: /, "") : `${error}`,
    );

  it("fails in words of ours when nobody listens, hangs up, or speaks no TLS", async () => {
    const server = await fakeServer(() => CUT);
    try {
      assertEquals(await get(`http://${server.host}/`), "the connection was cut");
      assertMatch(await get(`https://${server.host}/`), /^the server does not speak TLS|^the connection was cut$/);
    } finally {
      await server.close();
    }
    assertEquals(await get(`http://${server.host}/`), "connection refused");
  });

  it("fails in words of ours when the body is cut", async () => {
    const server = await fakeServer(() => ({ status: 200, body: "0123456789", cutAfter: 5 }));
    try {
      const url = `http://${server.host}/`;
      const { response } = await send({ method: "GET", url: new URL(url), headers: new Headers() }, {
        fetch: runtimeFetch(),
      });
      const options = { limit: 100, what: "body", request: { method: "GET", url } };
      const error = await readBody(response, options).catch((error) => error);
      assertInstanceOf(error, NetworkError);
      assertMatch(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/: /);
      assertEquals(error.message.includes("\n"), false);
    } finally {
      await server.close();
    }
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  it("reads seconds and dates, and nothing else", () => {
    assertEquals(parseRetryAfter("120", now), 120_000);
    assertEquals(parseRetryAfter(" 0 ", now), 0);
    assertEquals(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
    assertEquals(parseRetryAfter("Wed, 31 Dec 2025 23:00:00 GMT", now), 0);
    for (const odd of [null, "", "soon", "1.5e", "-x"]) assertEquals(parseRetryAfter(odd, now), undefined);
  });
});

describe("discard", () => {
  it("ends quietly whatever the body does", async () => {
    await discard(new Response(null));
    await discard(new Response("short"));
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65536)),
      cancel: () => void (cancelled = true),
    });
    await discard(new Response(endless));
    assertEquals(cancelled, true);
    const failing = new ReadableStream({
      pull() {
        throw new Error("cut");
      },
    });
    await discard(new Response(failing));
  });
});
