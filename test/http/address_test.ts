import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { isLocalHost } from "../../src/http/mod.ts";

/** The hosts, each as the URL parser gives it. */
const local = (hosts: string[]) => hosts.filter((host) => isLocalHost(new URL(`http://${host}/`).hostname));

describe("isLocalHost", () => {
  it("takes this machine under all its names, and metadata servers", () => {
    const hosts = [
      "localhost:8080",
      "LOCALHOST.",
      "a.localhost",
      "127.0.0.1",
      "127.1:80",
      "0x7f.1",
      "2130706433",
      "[::1]:80",
      "[::ffff:127.0.0.1]",
      "169.254.169.254",
      "169.254.170.2",
      "[fe80::1]",
      "[febf::1]",
      "[fd00:ec2::254]",
      "[fd00:ec2::23]",
      "metadata.google.internal",
    ];
    assertEquals(local(hosts), hosts);
  });

  it("takes no other host", () => {
    const hosts = [
      "example.com",
      "localhost.example.com",
      "notlocalhost",
      "127.0.0.1.example.com",
      "169.254.1.1.evil.example.com",
      "a.metadata.google.internal",
      "10.0.0.1",
      "126.0.0.1",
      "128.0.0.1",
      "169.253.169.254",
      "169.255.169.254",
      "1.169.254.1",
      "[::2]",
      "[7f00::]",
      "[fe00::1]",
      "[fec0::1]",
      "[fd00:ec3::254]",
      "[fd00::1]",
    ];
    assertEquals(local(hosts), []);
  });
});
