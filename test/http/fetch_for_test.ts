import { assertEquals, assertNotStrictEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type ConnectionOptions, fetchFor } from "../../src/http/mod.ts";
import { serveRegistry } from "../../src/registry/mod.ts";
import { inFolder } from "../make/folders.ts";
import { tokens } from "../project/lexer.ts";
import { typescript } from "../project/tree.ts";

describe("fetchFor", () => {
  it("gives one fetch, with its connections, for the same way to reach servers", () => {
    assertStrictEquals(fetchFor(), fetchFor({ insecureTls: false }));
    assertStrictEquals(fetchFor({ insecureTls: true }), fetchFor({ insecureTls: true }));
    assertNotStrictEquals(fetchFor({ insecureTls: true }), fetchFor());
    assertNotStrictEquals(fetchFor({ unixSocket: "/a" }), fetchFor({ unixSocket: "/b" }));
  });

  it("trusts the authorities of one host, given as text or as a folder", () =>
    inFolder(async (folder) => {
      const file = (name: string) => readFileSync(new URL(`../testdata/runtime/${name}`, import.meta.url), "utf8");
      const server = await serveRegistry({
        hostname: "localhost",
        port: 0,
        tls: { cert: file("localhost.pem"), key: file("localhost.key") },
      });
      try {
        const { host } = new URL(server.url);
        writeFileSync(`${folder}/own.crt`, file("ca.pem"));
        const status = async (options: ConnectionOptions) => {
          const response = await fetchFor(options)(`https://${host}/v2/`);
          await response.body?.cancel();
          return response.status;
        };
        assertEquals(await status({ hostCertificates: { [host]: { ca: file("ca.pem") } } }), 200);
        assertEquals(await status({ certificateFolders: { [host]: folder } }), 200);
        await assertRejects(() => status({ hostCertificates: { "other.example.com": { ca: file("ca.pem") } } }));
      } finally {
        await server.shutdown();
      }
    }));

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
