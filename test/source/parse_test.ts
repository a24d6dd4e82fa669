import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { parseSource } from "../../src/source/mod.ts";

describe("parseSource", () => {
  it("decides by the form of a text alone (rule 18)", () => {
    for (
      const [text, wanted] of [
        ["alpine", { kind: "reference", text: "alpine" }],
        ["docker.io/library/alpine:3.20", { kind: "reference", text: "docker.io/library/alpine:3.20" }],
        ["app.tar", { kind: "reference", text: "app.tar" }],
        ["build/out", { kind: "reference", text: "build/out" }],
        ["docker://example.com/a:v1", { kind: "reference", text: "example.com/a:v1" }],
        ["-", { kind: "stdio" }],
        ["daemon://a:v1", { kind: "engine", name: "a:v1" }],
        ["/srv/a", { kind: "path", text: "/srv/a" }],
        ["./a", { kind: "path", text: "./a" }],
        ["../a:v1", { kind: "path", text: "../a:v1" }],
        ["~/a", { kind: "path", text: "~/a" }],
        [".", { kind: "path", text: "." }],
        ["..", { kind: "path", text: ".." }],
        ["C:\\images\\a.tar", { kind: "path", text: "C:\\images\\a.tar" }],
        ["C:/images/a.tar", { kind: "path", text: "C:/images/a.tar" }],
        ["oci:a", { kind: "path", text: "a", format: "oci" }],
        ["oci-archive:a.tar:v1", { kind: "path", text: "a.tar:v1", format: "oci-archive" }],
        ["docker-archive:a", { kind: "path", text: "a", format: "docker-archive" }],
      ] as const
    ) assertEquals(parseSource(text), wanted, text);
  });
});
