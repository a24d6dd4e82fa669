import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { fetchFor } from "../../src/http/mod.ts";
import { tokens } from "../project/lexer.ts";
import { typescript } from "../project/tree.ts";

describe("fetchFor", () => {
  it("gives one fetch, with its connections, for the same way to reach servers", () => {
    assertStrictEquals(fetchFor(), fetchFor({ insecureTls: false }));
    assertStrictEquals(fetchFor({ insecureTls: true }), fetchFor({ insecureTls: true }));
    assertNotStrictEquals(fetchFor({ insecureTls: true }), fetchFor());
    assertNotStrictEquals(fetchFor({ unixSocket: "/a" }), fetchFor({ unixSocket: "/b" }));
  });

  it("is the only maker of one: no other room takes the runtime's", () => {
    const wrong = [...typescript()].filter(([path, source]) => {
      if (!/^(src|gcr|cli)\//.test(path) || /^src\/(http|runtime)\//.test(path)) return false;
      const all = tokens(source);
      const isGlobal = all.some(({ kind, value }, at) =>
        kind === "name" && value === "fetch" && all[at - 1]?.value === "." && all[at - 2]?.value === "globalThis" &&
        all[at - 3]?.value !== "typeof"
      );
      return isGlobal || all.some(({ kind, value }) => kind === "name" && value === "runtimeFetch");
    });
    assertEquals(wrong.map(([path]) => path), []);
  });
});
