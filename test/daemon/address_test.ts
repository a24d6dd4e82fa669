import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { DockerEngine } from "../../src/daemon/mod.ts";
import { engineAddress } from "../../src/daemon/address.ts";
import { UnsupportedError, UsageError } from "../../src/errors.ts";

const withVariables = (variables: Record<string, string>) => ({ environment: (name: string) => variables[name] });

describe("engineAddress", () => {
  it("is docker's socket when nobody says anything", () => {
    assertEquals(engineAddress(withVariables({})), {
      name: "unix:///var/run/docker.sock",
      base: "http://localhost",
      unixSocket: "/var/run/docker.sock",
      verify: true,
    });
  });

  it("is what DOCKER_HOST says, and before that what the caller says", () => {
    const environment = withVariables({ DOCKER_HOST: " unix:///run/a.sock\n" });
    assertEquals(engineAddress(environment).unixSocket, "/run/a.sock");
    assertEquals(engineAddress({ ...environment, host: "unix:///run/b.sock" }).unixSocket, "/run/b.sock");
    assertEquals(engineAddress(withVariables({ DOCKER_HOST: "" })).unixSocket, "/var/run/docker.sock");
  });

  it("speaks plain HTTP over TCP, on docker's port", () => {
    for (
      const [host, base] of [
        ["tcp://127.0.0.1:1234", "http://127.0.0.1:1234"],
        ["tcp://engine.example.com", "http://engine.example.com:2375"],
        ["tcp://[::1]:80", "http://[::1]"],
        ["tcp://[::1]", "http://[::1]:2375"],
        ["tcp://engine.example.com:1234/docker/", "http://engine.example.com:1234/docker"],
        ["tcp://engine.example.com/docker", "http://engine.example.com:2375/docker"],
        ["http://engine.example.com", "http://engine.example.com"],
      ]
    ) assertEquals([host, engineAddress({ ...withVariables({}), host }).base], [host, base]);
  });

  it("speaks TLS where the variables ask for it, or the address does", () => {
    const both = withVariables({ DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" });
    const of = ({ base, certificates, verify }: ReturnType<typeof engineAddress>) => ({ base, certificates, verify });
    assertEquals(of(engineAddress({ ...both, host: "tcp://a.example.com" })), {
      base: "https://a.example.com:2376",
      certificates: "/certs",
      verify: true,
    });
    const anyCertificate = withVariables({ DOCKER_CERT_PATH: "/certs" });
    assertEquals(of(engineAddress({ ...anyCertificate, host: "tcp://a.example.com:443" })), {
      base: "https://a.example.com",
      certificates: "/certs",
      verify: false,
    });
    const noFolder = withVariables({ DOCKER_TLS_VERIFY: "1", DOCKER_CONFIG: "/config" });
    assertEquals(engineAddress({ ...noFolder, host: "tcp://a.example.com" }).certificates, "/config");
    assertMatch(
      engineAddress({ ...withVariables({ DOCKER_TLS_VERIFY: "1" }), host: "tcp://a.example.com" }).certificates ?? "",
      /[/\\]\.docker$/,
    );
    assertEquals(of(engineAddress({ ...withVariables({}), host: "https://a.example.com" })), {
      base: "https://a.example.com",
      certificates: undefined,
      verify: true,
    });
    assertEquals(engineAddress({ ...both, host: "http://a.example.com" }).base, "http://a.example.com");
    assertEquals(engineAddress({ ...both, host: "unix:///a.sock" }).base, "http://localhost");
  });

  it("refuses what is no address", () => {
    for (
      const [host, why] of [
        ["docker.sock", "no scheme"],
        ["/var/run/docker.sock", "no scheme"],
        ["ftp://a.example.com", "no scheme"],
        ["unix://docker.sock", "starts with a slash"],
        ["tcp://", "no host"],
        ["tcp://a.example.com:x", "no host"],
        ["tcp://a.example.com?x=1", "a ? or a #"],
      ]
    ) {
      const error = assertThrows(() => engineAddress({ host }), UsageError, why);
      assertStringIncludes(error.message, JSON.stringify(host));
      assertStringIncludes(error.hint ?? "", "unix:///");
    }
  });

  it("refuses what it can't connect to, with a way out", () => {
    for (const host of ["ssh://me@example.com", "SSH://example.com", "npipe:////./pipe/docker_engine", "fd://"]) {
      const error = assertThrows(() => new DockerEngine({ host }), UnsupportedError);
      assertStringIncludes(error.hint ?? "", "DOCKER_HOST");
    }
  });

  it("never repeats a password", () => {
    for (
      const host of ["tcp://me:secret@example.com", "ftp://me:secret@example.com", "tcp://me:secret@example.com:x"]
    ) {
      const { message, hint } = assertThrows(() => engineAddress({ host }), UsageError);
      assertEquals(`${message} ${hint}`.includes("secret"), false);
    }
  });
});
