import { assertEquals } from "@std/assert";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, it } from "node:test";
import { eraseCredentials, storeCredentials } from "../../src/authn/mod.ts";
import { runFile } from "../make/processes.ts";
import { FakeHome } from "./config_files.ts";

const servers = Array.from({ length: 8 }, (_, i) => `r${i}.example.com`);

/** A home with a config file that has two logins and something else. */
async function withHome(work: (home: FakeHome) => Promise<void>): Promise<void> {
  const home = new FakeHome();
  try {
    home.write(".docker/config.json", {
      auths: { "old.example.com": { auth: "b2xkOm9sZA==" }, "kept.example.com": {} },
    });
    await work(home);
    assertEquals(readdirSync(home.path(".docker")), ["config.json"]);
    assertEquals(statSync(home.path(".docker/config.json")).mode & 0o777, 0o600);
  } finally {
    home.remove();
  }
}

function namesIn(home: FakeHome): string[] {
  return Object.keys(JSON.parse(readFileSync(home.path(".docker/config.json"), "utf8")).auths).sort();
}

describe("logins and logouts at the same time", () => {
  it("lose none in one process", () =>
    withHome(async (home) => {
      await Promise.all([
        ...servers.map((server) => storeCredentials(server, { username: "ann", password: "1" }, home.options)),
        eraseCredentials("old.example.com", home.options),
      ]);
      assertEquals(namesIn(home), ["kept.example.com", ...servers]);
    }));

  it("lose none in processes of their own", { timeout: 120_000 }, () =>
    withHome(async (home) => {
      const env = { DOCKER_CONFIG: home.path(".docker"), HOME: home.home };
      const login = (server: string) =>
        runFile("cli/main.ts", ["auth", "login", server, "-u", "ann", "--password-stdin", "--no-check"], {
          env,
          input: "s3cret",
        });
      const results = await Promise.all([
        ...servers.map(login),
        runFile("cli/main.ts", ["auth", "logout", "old.example.com"], { env }),
      ]);
      assertEquals(results.filter(({ code }) => code !== 0), []);
      assertEquals(namesIn(home), ["kept.example.com", ...servers]);
    }));
});
