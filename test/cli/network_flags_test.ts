import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
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
