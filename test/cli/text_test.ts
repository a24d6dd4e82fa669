import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { redactHeader, redactText, redactUrl } from "../../cli/redact.ts";
import { formatRequest } from "../../cli/request_log.ts";
import { nearest } from "../../cli/suggest.ts";
import { oneLine, truncate, wrap } from "../../cli/terminal_text.ts";
import { formatBytes, formatDuration, parseBytes } from "../../cli/units.ts";

describe("formatBytes", () => {
  for (
    const [bytes, text] of [
      [0, "0 B"],
      [999, "999 B"],
      [1000, "1.0 kB"],
      [1234, "1.2 kB"],
      [99_949, "99.9 kB"],
      [99_950, "100 kB"],
      [999_499, "999 kB"],
      [999_500, "1.0 MB"],
      [305_000_000, "305 MB"],
      [2 * 1024 ** 3, "2.1 GB"],
      [5e18, "5000 PB"],
      [-1, "0 B"],
    ] as const
  ) {
    it(text, () => assertEquals(formatBytes(bytes), text));
  }
});

describe("parseBytes", () => {
  for (
    const [text, bytes] of [
      ["20MB", 20e6],
      ["20 MB", 20e6],
      ["1.5k", 1500],
      ["64KiB", 65536],
      ["2GiB", 2 ** 31],
      ["7", 7],
      ["7B", 7],
      ["1TB", 1e12],
      ["fast", undefined],
      ["-1MB", undefined],
      ["1XB", undefined],
      ["", undefined],
    ] as const
  ) it(`reads ${JSON.stringify(text)} as ${bytes}`, () => assertEquals(parseBytes(text), bytes));

  it("reads what formatBytes writes", () => {
    for (const bytes of [0, 999, 1200, 45_600_000, 305_000_000]) assertEquals(parseBytes(formatBytes(bytes)), bytes);
  });
});

describe("formatDuration", () => {
  for (
    const [ms, text] of [
      [0, "0ms"],
      [33.6, "34ms"],
      [999.6, "1.0s"],
      [9949, "9.9s"],
      [9950, "10s"],
      [59_499, "59s"],
      [59_500, "1m00s"],
      [200_000, "3m20s"],
      [3_600_000, "1h00m"],
      [7_500_000, "2h05m"],
    ] as const
  ) {
    it(text, () => assertEquals(formatDuration(ms), text));
  }
});

describe("redaction", () => {
  it("takes the user and the password out of a URL", () => {
    assertEquals(redactUrl("https://u:p@ss@example.com/a@b"), "https://REDACTED@example.com/a@b");
    assertEquals(redactUrl("https://example.com/a@sha256:0"), "https://example.com/a@sha256:0");
  });

  it("takes out parameters that grant access", () => {
    for (
      const name of [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "x-amz-security-token",
        "X-Goog-Signature",
        "Signature",
        "sig",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "password",
        "code",
        "X%2DAmz%2DSignature",
      ]
    ) {
      const url = redactUrl(`https://example.com/b?a=1&${name}=s3cret&z=2#${name}=s3cret`);
      assertEquals(url, `https://example.com/b?a=1&${name}=REDACTED&z=2#${name}=REDACTED`);
    }
  });

  it("leaves the others", () => {
    const url = "https://example.com/v2/?n=100&last=a&scope=repository:a/b:pull&digest=sha256:00&_state=&%zz=1";
    assertEquals(redactUrl(url), url);
  });

  it("finds URLs and authorizations in text", () => {
    assertEquals(
      redactText(
        'GET "https://a:b@example.com/?sig=1" with Basic dXNlcjpwYXNz, then Bearer eyJ.a-b_c== (see http://x/)',
      ),
      'GET "https://REDACTED@example.com/?sig=REDACTED" with Basic REDACTED, then Bearer REDACTED (see http://x/)',
    );
    const harmless = "basic authentication and bearer tokens for me@example.com";
    assertEquals(redactText(harmless), harmless);
  });

  it("takes out headers that hold a secret", () => {
    assertEquals(redactHeader("Authorization", "Bearer abc"), "Bearer REDACTED");
    assertEquals(redactHeader("authorization", "AWS4-HMAC-SHA256 Credential=x"), "REDACTED");
    for (const name of ["Cookie", "Set-Cookie", "X-Registry-Auth-Token", "X-Api-Key", "Proxy-Authorization"]) {
      assertEquals(redactHeader(name, "abc"), "REDACTED");
    }
    assertEquals(redactHeader("Location", "https://x/?sig=1"), "https://x/?sig=REDACTED");
    assertEquals(redactHeader("Accept", "a/b"), "a/b");
  });
});

describe("formatRequest", () => {
  it("is one line without secrets", () => {
    const event = {
      method: "PUT",
      url: "https://u:p@example.com/v2/a/blobs/uploads/1?_state=x&token=t",
      status: 201,
      ms: 1234,
      headers: new Headers({ Authorization: "Basic dXNlcjpwYXNz", Accept: "a/b" }),
    };
    assertEquals(
      formatRequest(event),
      "PUT https://REDACTED@example.com/v2/a/blobs/uploads/1?_state=x&token=REDACTED 201 1.2s " +
        "(accept: a/b; authorization: Basic REDACTED)",
    );
  });

  it("shows why there was no answer, and can't move the cursor", () => {
    assertEquals(
      formatRequest({ method: "GET", url: "https://x/\x1b[2J\n", ms: 5, error: new DOMException("", "AbortError") }),
      "GET https://x/\\x1b[2J AbortError 5ms",
    );
    assertEquals(formatRequest({ method: "GET", url: "https://x/", ms: 5 }), "GET https://x/ failed 5ms");
  });
});

describe("text for a terminal", () => {
  it("oneLine escapes what moves the cursor or turns text round", () => {
    assertEquals(oneLine("  a\r\n  b\tc\x07\x9b\u202e  "), "a b\\x09c\\x07\\x9b\\x202e");
  });

  it("truncate", () => {
    assertEquals([truncate("abcdef", 6), truncate("abcdef", 4), truncate("abc", 1), truncate("abc", 0)], [
      "abcdef",
      "abc…",
      "a",
      "",
    ]);
  });

  it("wrap breaks between words and leaves long ones whole", () => {
    assertEquals(wrap("a bb  ccc\ndddddddddd e", 6), ["a bb", "ccc", "dddddddddd", "e"]);
    assertEquals(wrap("", 6), []);
  });
});

describe("nearest", () => {
  const names = [
    "append",
    "auth",
    "blob",
    "catalog",
    "config",
    "copy",
    "cp",
    "delete",
    "digest",
    "export",
    "ls",
    "tag",
  ];
  for (
    const [typed, expected] of [
      ["cpoy", "copy"],
      ["digset", "digest"],
      ["Digest", "digest"],
      ["del", "delete"],
      ["catalogue", "catalog"],
      ["sl", "ls"],
      ["conf", "config"],
      ["rm", undefined],
      ["x", undefined],
      ["serve", undefined],
    ] as const
  ) {
    it(`${typed} → ${expected}`, () => assertEquals(nearest(typed, names), expected));
  }
});
