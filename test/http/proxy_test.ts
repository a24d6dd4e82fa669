import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { NetworkError } from "../../src/errors.ts";
import { proxyRules } from "../../src/http/proxy.ts";

const rulesOf = (variables: Record<string, string>) => proxyRules((name) => variables[name]);

/** The URL of the proxy that the variables give for a URL. */
function proxyFor(url: string, variables: Record<string, string>): string | undefined {
  const proxy = rulesOf(variables)?.(new URL(url));
  return typeof proxy === "object" ? proxy.url : proxy;
}

const P = "http://proxy.test:3128/";

describe("the variables of proxies", () => {
  it("name a proxy for each scheme, in upper or lower case, the upper first", () => {
    assertEquals(rulesOf({}), undefined);
    assertEquals(rulesOf({ NO_PROXY: "*", HTTP_PROXY: "" }), undefined);
    assertEquals(proxyFor("http://a.test/", { HTTP_PROXY: P }), P);
    assertEquals(proxyFor("https://a.test/", { HTTP_PROXY: P }), "none");
    assertEquals(proxyFor("https://a.test/", { https_proxy: P }), P);
    assertEquals(proxyFor("https://a.test/", { HTTPS_PROXY: P, https_proxy: "http://other.test" }), P);
    assertEquals(proxyFor("http://a.test/", { ALL_PROXY: P }), P);
    assertEquals(proxyFor("https://a.test/", { all_proxy: "http://other.test", HTTPS_PROXY: P }), P);
    const rules = rulesOf({ https_proxy: P })!;
    assertEquals(rules(new URL("https://a.test")), { url: P, source: "https_proxy" });
  });

  it("are read with or without a scheme, and with credentials", () => {
    assertEquals(proxyFor("http://a.test/", { HTTP_PROXY: "proxy.test:3128" }), P);
    assertEquals(
      proxyFor("http://a.test/", { HTTP_PROXY: "ann:pw@proxy.test:3128" }),
      "http://ann:pw@proxy.test:3128/",
    );
    assertEquals(proxyFor("http://a.test/", { HTTP_PROXY: "https://proxy.test:3128" }), "https://proxy.test:3128/");
  });

  it("are not read from the header of a CGI request", () => {
    assertEquals(proxyFor("http://a.test/", { HTTP_PROXY: P, REQUEST_METHOD: "GET" }), undefined);
  });

  it("may name a SOCKS 5 proxy", () => {
    for (const url of ["socks5://ann:pw@proxy.test:1080", "socks5h://proxy.test"]) {
      assertEquals(proxyFor("https://a.test/", { ALL_PROXY: url }), url);
    }
  });

  it("are refused without their value if they do not name a proxy", () => {
    for (
      const value of ["http://ann:s3cret@:x", "socks4://ann:s3cret@proxy.test:1080", "socks5:s3cret", "ftp://s3cret"]
    ) {
      const error = assertThrows(() => rulesOf({ HTTPS_PROXY: value }), NetworkError, "HTTPS_PROXY");
      assertStringIncludes(error.hint ?? "", "set HTTPS_PROXY to http://HOST:PORT");
      assertEquals(error.message.includes("s3cret"), false);
    }
  });

  it("never hold for loopback (rule 24)", () => {
    const loopback = [
      "localhost",
      "LOCALHOST:5000",
      "a.localhost",
      "localhost.",
      "127.0.0.1",
      "127.9.8.7:1",
      "[::1]:5000",
    ];
    for (const host of [...loopback, "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]) {
      for (const scheme of ["http", "https"]) {
        assertEquals(proxyFor(`${scheme}://${host}/`, { HTTP_PROXY: P, HTTPS_PROXY: P, ALL_PROXY: P }), "none", host);
      }
    }
    for (const host of ["128.0.0.1", "localhost.test", "notlocalhost", "[::2]", "[7f00::]", "127.0.0.1.test"]) {
      assertEquals(proxyFor(`http://${host}/`, { HTTP_PROXY: P }), P, host);
    }
  });
});

describe("a metadata server", () => {
  it("is never asked through a proxy, which has another one", () => {
    const hosts = [
      "169.254.169.254",
      "169.254.170.2",
      "[fe80::a9fe:a9fe]",
      "[fd00:ec2::254]",
      "metadata.google.internal",
    ];
    for (const host of hosts) {
      assertEquals(proxyFor(`http://${host}/`, { HTTP_PROXY: P, ALL_PROXY: P }), "none", host);
    }
    assertEquals(proxyFor("http://169.253.169.254/", { HTTP_PROXY: P }), P);
  });
});

describe("NO_PROXY", () => {
  const cases: [noProxy: string, direct: string[], proxied: string[]][] = [
    ["*", ["a.test", "10.0.0.1", "[fd00::1]"], []],
    ["", [], ["a.test"]],
    ["a.test", ["a.test", "A.TEST:8080", "b.a.test", "a.test."], ["ba.test", "test", "a.test.b"]],
    [".a.test", ["b.a.test", "c.b.a.test"], ["a.test", "ba.test"]],
    ["*.a.test", ["b.a.test"], ["a.test", "ba.test"]],
    ["a.test:8080", ["a.test:8080", "b.a.test:8080"], ["a.test", "a.test:8081"]],
    ["a.test:80", ["a.test"], ["a.test:8080"]],
    [" b.test , a.test ", ["a.test", "b.test"], ["c.test"]],
    ["10.1.2.3", ["10.1.2.3", "10.1.2.3:5000"], ["10.1.2.4", "a.10.1.2.3.test"]],
    ["10.1.2.3:5000", ["10.1.2.3:5000"], ["10.1.2.3"]],
    ["10.1.0.0/16", ["10.1.2.3", "10.1.255.255:5000", "[::ffff:10.1.2.3]"], ["10.2.0.0", "[a01::]"]],
    ["10.128.0.0/9", ["10.200.0.1"], ["10.127.0.1"]],
    ["0.0.0.0/0", ["8.8.8.8"], ["[2001:db8::1]", "a.test"]],
    ["2001:db8::/32", ["[2001:db8::1]", "[2001:db8:ffff::]"], ["[2001:db9::1]", "10.0.0.1"]],
    ["2001:db8::1", ["[2001:db8::1]", "[2001:db8::1]:5000"], ["[2001:db8::2]"]],
    ["[2001:db8::1]:5000", ["[2001:db8:0::1]:5000"], ["[2001:db8::1]"]],
    ["10.0.0.0/33,a.test/8,300.1.1.1", [], ["10.0.0.1", "a.test"]],
  ];
  for (const [noProxy, direct, proxied] of cases) {
    it(`${JSON.stringify(noProxy)} covers what Go's programs cover`, () => {
      const chosen = (host: string) => proxyFor(`http://${host}/`, { HTTP_PROXY: P, NO_PROXY: noProxy });
      assertEquals(direct.filter((host) => chosen(host) !== "none"), []);
      assertEquals(proxied.filter((host) => chosen(host) !== P), []);
      assertEquals(
        proxyFor(`http://${direct[0] ?? "x.test"}/`, { http_proxy: P, no_proxy: noProxy }),
        direct[0] ? "none" : P,
      );
    });
  }
});
