import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { fakeFetch, json } from "../fakes/mod.ts";
import { inWorld } from "../make/command_world.ts";

const file = (name: string) => fileURLToPath(new URL(`../testdata/network/${name}`, import.meta.url));

describe("the flags of certificates", () => {
  it("are refused without what they name", async () => {
    const [cert, key] = [file("client.pem"), file("client.key")];
    const cases: [string[], number, RegExp][] = [
      [["--ca-cert", key], 2, /--ca-cert names .*client\.key, which holds no certificate/],
      [["--ca-cert", "/nonexistent.pem"], 1, /can't read \/nonexistent\.pem/],
      [["--client-cert", cert], 2, /without a private key — name its file with --client-key/],
      [["--client-key", key], 2, /--client-key is given without --client-cert/],
      [["--client-cert", cert, "--client-key", cert], 2, /--client-key names .*, which holds no private key/],
    ];
    await inWorld(async (world) => {
      for (const [flags, wanted, words] of cases) {
        const { code, err } = await world.gcrane(["digest", ...flags, "registry.example.com/app:v1"]);
        assertMatch(err, words);
        assertEquals(code, wanted);
      }
    });
  });
});

describe("--allow-redirect (security rule 3)", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const headers = { "docker-content-digest": digest, "content-length": "2", "content-type": "application/json" };
  const { fetch } = fakeFetch({
    "https://registry.example.com": ({ url }) =>
      url.pathname === "/v2/" ? json(200, {}) : { status: 307, headers: { location: "https://10.0.0.1:8443/m" } },
    "https://10.0.0.1:8443": () => ({
      status: 200,
      headers: { ...headers, "content-type": "application/vnd.oci.image.manifest.v1+json" },
    }),
  });

  it("is named by the error, and lets the request go on", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane("digest registry.example.com/app:v1", { fetch });
      assertEquals(code, 1);
      const [, flag] = /private address 10\.0\.0\.1:8443, .*allow it with (--allow-redirect \S+)/.exec(err)!;
      assertEquals(await world.data(`digest ${flag} registry.example.com/app:v1`, { fetch }), `${digest}\n`);
      const flags = "--allow-redirect 10.0.0.2 --allow-redirect 10.0.0.1";
      assertEquals(await world.data(`digest ${flags} registry.example.com/app:v1`, { fetch }), `${digest}\n`);
    }));

  it("refuses what is no host", () =>
    inWorld(async (world) => {
      for (const value of ["https://10.0.0.1", "10.0.0.1:x", "10.0.0.1/x", "", "a b"]) {
        const line = ["digest", "--allow-redirect", value, "registry.example.com/app:v1"];
        const { code, err } = await world.gcrane(line, { fetch });
        assertEquals(code, 2, value);
        assertMatch(err, /--allow-redirect .*is neither HOST nor HOST:PORT/);
      }
    }));
});
