import { assertEquals, assertInstanceOf, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { NetworkError, NotFoundError } from "../../src/errors.ts";
import { fetchFor, networkError, readFailure } from "../../src/http/mod.ts";
import { CUT, fakeServer } from "../fakes/mod.ts";

/** An error as `fetch` of Node.js throws it. */
const ofNode = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
/** An error as `fetch` of Deno throws it. */
const ofDeno = (text: string) =>
  new TypeError(`error sending request for url (https://registry.example.com/v2/): ${text}`);
/** An error as `fetch` of Bun throws it. */
const ofBun = (code: string, text: string) => Object.assign(new Error(text), { code });

const FAILURES = {
  unresolved: [
    ofNode("ENOTFOUND"),
    ofNode("EAI_AGAIN"),
    ofDeno("client error (Connect): dns error: failed to lookup address information"),
    new TypeError("net::ERR_NAME_NOT_RESOLVED"),
  ],
  refused: [
    ofNode("ECONNREFUSED"),
    ofDeno("client error (Connect): tcp connect error: Connection refused (os error 111)"),
    ofBun("ConnectionRefused", "Unable to connect. Is the computer able to access the url?"),
  ],
  untrusted: [
    ofNode("DEPTH_ZERO_SELF_SIGNED_CERT"),
    ofNode("ERR_TLS_CERT_ALTNAME_INVALID"),
    ofNode("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    ofDeno("client error (Connect): invalid peer certificate: UnknownIssuer"),
  ],
  "not-tls": [
    ofNode("EPROTO"),
    ofNode("ERR_SSL_WRONG_VERSION_NUMBER"),
    ofDeno("client error (Connect): received corrupt message of type InvalidContentType"),
  ],
  "not-http": [ofNode("HPE_INVALID_CONSTANT"), ofDeno("invalid HTTP version parsed")],
  timeout: [
    ofNode("ETIMEDOUT"),
    ofNode("UND_ERR_CONNECT_TIMEOUT"),
    ofDeno("client error (Connect): operation timed out"),
    new DOMException("Signal timed out.", "TimeoutError"),
  ],
  unreachable: [ofNode("ENETUNREACH"), ofNode("EHOSTUNREACH"), ofDeno("Network is unreachable (os error 101)")],
  cut: [
    ofNode("ECONNRESET"),
    ofNode("EPIPE"),
    ofNode("UND_ERR_SOCKET: other side closed"),
    ofDeno("connection closed before message completed"),
    ofBun("ECONNRESET", "The socket connection was closed unexpectedly."),
    new Error("Network connection lost."),
    new TypeError("error reading a body from connection"),
  ],
  "no-socket": [ofNode("ENOENT")],
  denied: [ofNode("EACCES"), ofBun("EACCES", "Was there a typo in the url or port?")],
} as const;

describe("what a runtime says of a broken network", () => {
  for (const [reason, errors] of Object.entries(FAILURES)) {
    it(`is read: ${reason}`, () => {
      for (const error of errors) assertEquals(readFailure(error).reason, reason, error.message);
    });
  }

  it("in a browser, which gives no reason, comes with what a server has to allow", () => {
    const ofBrowsers = ["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed"];
    for (const words of ofBrowsers) {
      const { reason, text, hint } = readFailure(new TypeError(words));
      assertEquals([reason, text], [undefined, "the browser does not get a response, and gives no reason"]);
      assertStringIncludes(hint!, "lets pages of this origin in (CORS): it has to send Access-Control-Allow-Origin");
    }
    assertEquals(readFailure(new Error("the load failed")).hint, undefined);
  });

  it("is read by what broke, and not by the names of hosts", () => {
    const error = new TypeError("error for url (https://certificate.dns-error.example/timed%20out): EPIPE");
    assertEquals(readFailure(error).reason, "cut");
  });

  it("is repeated where it is not known, on one line and without the secrets of URLs", () => {
    const { reason, text } = readFailure(new Error("odd\n\u001b[31m https://ann:s3cret@example.com/?sig=s3cret"));
    assertEquals([reason, text], [undefined, "odd [31m https://example.com/?sig=REDACTED"]);
    assertEquals(readFailure(new Error("")).text, "the request failed");
    assertEquals(readFailure("thrown text").text, "thrown text");
  });

  it("is read of this runtime's own errors", async () => {
    const reasonOf = async (url: string) => {
      const error = await fetchFor()(url, { redirect: "manual" }).then(() => undefined, (error) => error);
      return readFailure(error).reason;
    };
    const server = await fakeServer(() => CUT);
    try {
      assertEquals(await reasonOf(`http://${server.host}/`), "cut");
      assertEquals(await reasonOf(`https://${server.host}/`), "not-tls");
    } finally {
      await server.close();
    }
    assertEquals(await reasonOf(`http://${server.host}/`), "refused");
  });
});

describe("networkError", () => {
  it("makes one of what a room says of the failure, and keeps the cause without secrets", () => {
    const cause = new TypeError("fetch failed", {
      cause: Object.assign(new Error("connect ECONNREFUSED https://ann:s3cret@example.com/?sig=s3cret"), {
        code: "ECONNREFUSED",
      }),
    });
    const error = networkError(
      cause,
      ({ reason, text, code }) => ({ message: `${reason} ${text} ${code}`, hint: "h" }),
    );
    assertInstanceOf(error, NetworkError);
    assertEquals([error.message, error.hint, error.reason], [
      "refused connection refused ECONNREFUSED",
      "h",
      "refused",
    ]);
    const { message, code } = error.cause as Error & { code: string };
    assertEquals([message, code], [
      "fetch failed: connect ECONNREFUSED https://example.com/?sig=REDACTED",
      "ECONNREFUSED",
    ]);
  });

  it("leaves errors of the package as they are", () => {
    const own = new NotFoundError("x");
    assertStrictEquals(networkError(own, () => ({ message: "y" })), own);
  });
});
