import { assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { CATALOG_SCOPE, parseReference, parseRepository, pullScope, schemes, scope } from "../../src/name/mod.ts";

const HTTPS = ["https"] as const;
const BOTH = ["https", "http"] as const;

describe("schemes", () => {
  it("are https alone for a public name", () => {
    for (const host of ["gcr.io", "index.docker.io", "gcr.io:5000", "8.8.8.8", "foo:1234"]) {
      assertEquals(schemes(host), HTTPS, host);
    }
  });

  it("are https, then http for the machine itself", () => {
    const hosts = ["localhost:5000", "LOCALHOST:5000", "a.localhost", "a.localhost:5000", "127.0.0.1", "127.0.0.1:80"];
    for (const host of [...hosts, "::1", "[::1]", "[::1]:80"]) assertEquals(schemes(host), BOTH, host);
  });

  it("are https, then http for RFC 1918", () => {
    for (const host of ["10.0.0.1", "10.255.255.255:80", "172.16.0.1", "172.31.9.9", "192.168.0.1:5000"]) {
      assertEquals(schemes(host), BOTH, host);
    }
    for (const host of ["11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "10.0.0.256", "10.0.0.01", "10.0.0"]) {
      assertEquals(schemes(host), HTTPS, host);
    }
  });

  it("are https alone for *.local and names that only begin with an address (rule 12)", () => {
    const hosts = ["my.local", "my.local:5000", "127.0.0.1.evil.com", "127.0.0.1.evil.com:80", "10.0.0.1.evil.com"];
    for (const host of [...hosts, "localhost.evil.com:80", "127.1.2.3", "localhost", "evillocalhost", "x127.0.0.1"]) {
      assertEquals(schemes(host), HTTPS, host);
    }
  });

  it("are https, then http for any registry marked insecure", () => {
    assertEquals(schemes("gcr.io", { insecure: true }), BOTH);
    assertEquals(parseReference("gcr.io/app", { insecure: true }).registry.schemes, BOTH);
    assertStrictEquals(parseReference("gcr.io/app", { insecure: true }).registry.insecure, true);
    assertEquals(parseReference("gcr.io/app").registry.schemes, HTTPS);
  });
});

describe("scope", () => {
  it("names the repository by its path and keeps the order of the actions", () => {
    assertEquals(pullScope(parseReference("ubuntu").repository), "repository:library/ubuntu:pull");
    assertEquals(scope(parseRepository("gcr.io/a/b"), ["push", "pull", "delete"]), "repository:a/b:push,pull,delete");
    assertEquals(CATALOG_SCOPE, "registry:catalog:*");
  });
});
