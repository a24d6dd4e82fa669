import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { UnsafeUrlError } from "../../src/errors.ts";
import {
  checkForeignUrl,
  checkLink,
  checkRealm,
  checkRedirect,
  hostAndPort,
  isPrivateHost,
  mayAuthorize,
  redactUrl,
} from "../../src/transport/internal.ts";

const PRIVATE = [
  ["loopback", "127.0.0.1", "127.1", "127.255.255.254", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "[::1]"],
  ["the machine itself by name", "localhost", "LOCALHOST.", "registry.localhost", "a.b.localhost."],
  ["loopback in disguise", "127.0.0.1.", "%31%32%37.0.0.1", "１２７.0.0.1", "[::ffff:127.0.0.1]", "[::127.0.0.1]"],
  ["link-local", "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "[febf::1]", "[::ffff:169.254.1.1]"],
  ["RFC 1918", "10.0.0.1", "10.255.255.255", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257"],
  ["RFC 1918 in IPv6", "[::ffff:10.0.0.1]", "[::ffff:a00:1]", "[0:0:0:0:0:ffff:c0a8:101]", "[::10.0.0.1]"],
  ["RFC 1918 through NAT64", "[64:ff9b::10.0.0.1]", "[64:ff9b::7f00:1]"],
  ["unique-local", "[fc00::1]", "[fd00::]", "[fd00:ec2::254]"],
  ["carrier-grade NAT", "100.64.0.1", "100.127.255.255", "1681915905"],
  ["unspecified", "0.0.0.0", "0", "0.1.2.3", "[::]", "[::0.0.0.0]"],
] as const;

const PUBLIC = [
  [
    "names",
    "registry.example.com",
    "localhost.example.com",
    "mylocalhost",
    "10.0.0.1.example.com",
    "127.0.0.1.evil.com",
    "a.local",
  ],
  ["IPv4", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "169.253.0.1", "172.15.0.1"],
  ["more IPv4", "172.32.0.1", "192.167.1.1", "192.169.0.1", "128.0.0.1", "126.255.255.255"],
  ["IPv6", "[2001:db8::1]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "[fec0::1]", "[fe00::1]", "[::2:0:1]"],
] as const;

const https = new URL("https://registry.example.com/v2/");
const http = new URL("http://10.1.2.3:5000/v2/");

describe("isPrivateHost", () => {
  for (const [kind, ...hosts] of PRIVATE) {
    it(`catches ${kind}`, () => {
      assertEquals(hosts.filter((host) => !isPrivateHost(new URL(`https://${host}/`).hostname)), []);
    });
  }

  for (const [kind, ...hosts] of PUBLIC) {
    it(`lets ${kind} be`, () => {
      assertEquals(hosts.filter((host) => isPrivateHost(new URL(`https://${host}/`).hostname)), []);
    });
  }
});

describe("hostAndPort", () => {
  it("fills in the default port", () => {
    const urls = ["https://a.example/x", "http://a.example", "https://a.example:80", "http://[::1]:5000"];
    assertEquals(urls.map((url) => hostAndPort(new URL(url))), [
      "a.example:443",
      "a.example:80",
      "a.example:80",
      "[::1]:5000",
    ]);
  });
});

describe("mayAuthorize", () => {
  const may = (url: string, place: string) => mayAuthorize(new URL(url), new URL(place));

  it("wants the same host and port", () => {
    assertEquals(may("https://a.example:443/x?y", "https://a.example/v2/"), true);
    assertEquals(may("https://a.example:8443/", "https://a.example/"), false);
    assertEquals(may("https://b.a.example/", "https://a.example/"), false);
    assertEquals(may("http://a.example/", "https://a.example/"), false);
  });

  it("never goes from TLS to plain text, not on the same port either", () => {
    assertEquals(may("http://a.example:443/", "https://a.example/"), false);
    assertEquals(may("http://a.example:8443/", "https://a.example:8443/"), false);
    assertEquals(may("https://a.example:80/", "http://a.example/"), true);
  });
});

/** Places of each class, and of them some that are the same host. */
const PLACES = {
  public: ["https://registry.example.com/", "https://8.8.8.8/", "https://[2001:db8::1]/"],
  loopback: ["http://localhost:5000/", "http://127.0.0.1:6000/", "http://[::1]/", "http://a.localhost./", "http://0/"],
  network: ["http://10.1.2.3:5000/", "http://192.168.0.1/", "https://172.16.0.9/", "http://[fd00::1]/"],
  shared: ["http://100.64.0.1/", "http://100.127.0.1:5000/"],
  linkLocal: ["http://169.254.169.254/", "http://169.254.1.1:80/", "http://[fe80::1]/", "http://[::ffff:169.254.1.1]/"],
} as const;

describe("security rule 3: checkRedirect", () => {
  const check = (from: string, to: string, allowRedirects?: readonly string[]) =>
    checkRedirect(new URL(from), new URL(to, from), { allowRedirects });
  const kinds = Object.keys(PLACES) as (keyof typeof PLACES)[];

  it("lets a redirect go to public places, and to places of the same class", () => {
    for (const kind of kinds) {
      for (const from of PLACES[kind]) {
        for (const to of PLACES.public) check(from, to);
        for (const to of kind === "linkLocal" ? [] : PLACES[kind]) check(from, to);
        check(from, "/elsewhere");
      }
    }
  });

  it("refuses a private place of another class, and names the option", () => {
    for (const from of kinds) {
      for (const to of kinds.filter((to) => to !== from && to !== "public" && to !== "linkLocal")) {
        for (const place of PLACES[to]) {
          const { host } = new URL(place);
          const error = assertThrows(() => check(PLACES[from][0], place), UnsafeUrlError, `private address ${host}`);
          assertEquals(error.hint?.includes(`--allow-redirect ${host} (the option allowRedirects)`), true);
        }
      }
    }
  });

  it("refuses link-local addresses always, but for a registry on that very host", () => {
    for (const from of Object.values(PLACES).flat()) {
      for (const to of PLACES.linkLocal) {
        const { hostname } = new URL(to);
        if (new URL(from).hostname === hostname) {
          check(from, `http://${hostname}:8080/`);
        } else {
          const error = assertThrows(() => check(from, to, [hostname]), UnsafeUrlError, "link-local address");
          assertEquals(error.hint, undefined);
        }
      }
    }
  });

  it("lets a redirect go to what is allowed: a host, or one port of it", () => {
    for (const allowed of ["10.1.2.3", "10.1.2.3:5000", "0x0a.1.2.3:5000"]) {
      check(PLACES.public[0], "http://10.1.2.3:5000/", ["other.example.com", allowed]);
    }
    check(PLACES.public[0], "http://10.1.2.3/", ["10.1.2.3:80"]);
    check(PLACES.public[0], "https://[fd00::1]:5000/", ["[fd00::1]:5000"]);
    check(PLACES.public[0], "https://LOCALHOST/", ["localhost"]);
    for (const allowed of ["10.1.2.3:5001", "10.1.2.3:443", "10.1.2.4", "0.1.2.3", ""]) {
      assertThrows(() => check(PLACES.public[0], "http://10.1.2.3:5000/", [allowed]), UnsafeUrlError, "private");
    }
  });

  it("refuses other schemes", () => {
    for (const to of ["file:///etc/passwd", "ftp://a.example/", "javascript:alert(1)", "data:,x"]) {
      assertThrows(() => check(PLACES.public[0], to), UnsafeUrlError, "only https and http are");
    }
  });
});

describe("security rules 1 and 3: checkRealm", () => {
  const check = (realm: string, registry: URL, allowRedirects?: readonly string[]) =>
    checkRealm(new URL(realm), registry, { allowRedirects });

  it("lets https through, and http for an http registry", () => {
    check("https://auth.example.com/token", https);
    check("https://auth.example.com/token", http);
    check("http://auth.example.com/token", http);
    check("http://10.1.2.3:5000/token", http);
  });

  it("refuses http for an https registry, also at its own host, and where the host is allowed", () => {
    assertThrows(() => check("http://auth.example.com/token", https), UnsafeUrlError, "not https");
    assertThrows(() => check("http://registry.example.com/token", https), UnsafeUrlError, "not https");
    assertThrows(() => check("http://10.0.0.1/token", https, ["10.0.0.1"]), UnsafeUrlError, "not https");
  });

  it("lets a private registry name a place of the same class", () => {
    check("http://localhost:5001/token", new URL("http://127.0.0.1:5000/v2/"));
    check("https://127.0.0.1:5001/token", new URL("https://registry.localhost/v2/"));
    check("http://10.1.2.3:6000/token", http);
    check("http://192.168.0.1/token", http);
  });

  it("refuses other private hosts, and names the option", () => {
    for (
      const [realm, registry] of [
        ["https://localhost:5000/token", https],
        ["http://localhost:5000/token", http],
        ["http://127.0.0.1:5000/token", http],
        ["http://100.64.0.1/token", http],
      ] as const
    ) {
      const { host } = new URL(realm);
      const error = assertThrows(() => check(realm, registry), UnsafeUrlError, `token server at the private address`);
      assertEquals(error.hint?.includes(`--allow-redirect ${host}`), true);
      check(realm, registry, [host]);
    }
    assertThrows(() => check("https://169.254.169.254/token", https), UnsafeUrlError, "link-local");
  });
});

describe("checkForeignUrl", () => {
  const check = (url: string, registry: URL) => checkForeignUrl(new URL(url), registry);

  it("refuses plain http for an https registry, and private hosts always", () => {
    check("https://layers.example.com/x", https);
    check("http://layers.example.com/x", http);
    assertThrows(() => check("http://layers.example.com/x", https), UnsafeUrlError, "not https");
    assertThrows(() => check("https://10.0.0.1/x", https), UnsafeUrlError, "private");
    assertThrows(() => check("http://10.1.2.3:5000/x", http), UnsafeUrlError, "private");
    assertThrows(() => check("file:///x", https), UnsafeUrlError);
  });
});

describe("checkLink", () => {
  it("refuses what leaves scheme, host or port", () => {
    const check = (link: string) => checkLink(new URL(link, https), https);
    check("/v2/_catalog?last=a");
    check("https://registry.example.com:443/v2/_catalog");
    for (
      const link of [
        "http://registry.example.com/v2/_catalog",
        "//evil.example.com/v2/_catalog",
        "https://registry.example.com:444/v2/_catalog",
        "https://registry.example.com@evil.example.com/",
      ]
    ) assertThrows(() => check(link), UnsafeUrlError, "elsewhere");
  });
});

describe("redactUrl", () => {
  it("keeps what is known to be no secret", () => {
    const url = "https://a.example/v2/x/blobs/uploads/?mount=sha256:ab&from=team/app&n=10&last=v1";
    assertEquals(redactUrl(url), url);
  });

  it("leaves out passwords, signatures, sessions and fragments", () => {
    assertEquals(
      redactUrl("https://ann:s3cret@a.example:8443/x?X-Amz-Signature=abc&_state=def&digest=sha256:ab#s3cret"),
      "https://a.example:8443/x?X-Amz-Signature=REDACTED&_state=REDACTED&digest=sha256:ab",
    );
  });

  it("leaves out a parameter that is all name, or whose name is no name", () => {
    assertEquals(redactUrl("https://a.example/?s3cret"), "https://a.example/?REDACTED");
    assertEquals(redactUrl("https://a.example/?s3cret%0Ax=1&n="), "https://a.example/?REDACTED&n=");
  });

  it("cuts what a server makes too long to read", () => {
    const shown = redactUrl(`https://a.example/${"x".repeat(9000)}?s3cret`);
    assertEquals(shown, `https://a.example/${"x".repeat(1982)}…`);
    assertEquals(redactUrl(`https://a.example/${"x".repeat(1982)}`), `https://a.example/${"x".repeat(1982)}`);
  });

  it("shows nothing of what is no URL", () => assertEquals(redactUrl("s3cret"), "(invalid URL)"));
});
