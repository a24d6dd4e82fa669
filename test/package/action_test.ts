import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, before, describe } from "node:test";
import { makeAction } from "../../tools/action/make.ts";
import { mainFile, withFolder } from "../make/gcrane_process.ts";
import { Running } from "../make/processes.ts";
import { until } from "../make/waiting.ts";
import { pathOf, peerIt } from "../peers/mod.ts";
import { top } from "../project/tree.ts";

const VERSION = "1.2.3-test.1";

describe("the GitHub action", { skip: "Deno" in globalThis ? false : "Deno makes it" }, () => {
  const made = mkdtempSync(join(tmpdir(), "gcrane_action_"));
  before(() => makeAction(top, VERSION, made), { timeout: 120_000 });
  after(() => rmSync(made, { recursive: true }));

  /** A job of a runner: its files, and the steps of the action. */
  function job(folder: string) {
    const file = (name: string) => join(folder, name);
    const names = ["GITHUB_PATH", "GITHUB_STATE", "GITHUB_OUTPUT"];
    for (const name of names) writeFileSync(file(name), "");
    mkdirSync(file("temp"));
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      DOCKER_CONFIG: file("docker"),
      RUNNER_TEMP: file("temp"),
      ...Object.fromEntries(names.map((name) => [name, file(name)])),
    };
    return {
      lines: (name: string) => readFileSync(file(name), "utf8").trimEnd().split("\n"),
      step(more: Record<string, string>) {
        const words = ["--no-warnings", join(made, "main.js")];
        const { status, stdout, stderr } = spawnSync(pathOf("node 24"), words, {
          encoding: "utf8",
          env: { ...env, ...more },
        });
        return { status, stdout, stderr };
      },
      shell(line: string) {
        const PATH = `${readFileSync(file("GITHUB_PATH"), "utf8").trim()}${delimiter}${env.PATH}`;
        const { status, stdout, stderr } = spawnSync("sh", ["-c", line], { encoding: "utf8", env: { ...env, PATH } });
        return { status, stdout, stderr };
      },
    };
  }

  /** Serves a registry whose only user is ann. */
  async function withSignIn(work: (host: string, folder: string) => void): Promise<void> {
    await withFolder(async (folder) => {
      const words = ["registry", "serve", "--address", "127.0.0.1:0"];
      const server = new Running(mainFile, words, { env: { GCRANE_REGISTRY_USERS: "ann:s3cret" } });
      try {
        await until(() => /http:\/\/127/.test(server.err), { what: "the address of the registry" });
        work(/http:\/\/(127\.0\.0\.1:\d+)/.exec(server.err)![1], folder);
      } finally {
        server.signal("SIGTERM");
        await server.ended();
      }
    });
  }

  peerIt(
    "puts gcrane on PATH, signs in, and signs out after the job",
    ["node 24", "npm"],
    () =>
      withSignIn((host, folder) => {
        const { lines, shell, step } = job(folder);
        const inputs = { INPUT_REGISTRY: host, INPUT_USERNAME: "ann", INPUT_PASSWORD: "s3cret" };
        const main = step(inputs);
        assertEquals([main.status, main.stdout.includes("::error::")], [0, false], main.stdout);
        assertEquals(lines("GITHUB_OUTPUT"), [`version=${VERSION}`]);
        assertEquals(lines("GITHUB_STATE"), ["isPost=true", `registry=${host}`]);
        assertEquals(shell("gcrane version").stdout, `${VERSION}\n`);
        assertEquals(shell(`gcrane catalog ${host}`), { status: 0, stdout: "", stderr: "" });

        assertEquals(step({ ...inputs, STATE_isPost: "true", STATE_registry: host }).status, 0);
        const { status, stderr } = shell(`gcrane catalog ${host}`);
        assertEquals(status, 1);
        assertStringIncludes(stderr, "401 Unauthorized");
      }),
    { timeout: 60_000 },
  );

  peerIt(
    "fails with a line of the runner that has no password in it",
    ["node 24", "npm"],
    () =>
      withSignIn((host, folder) => {
        const { status, stdout, stderr } = job(folder).step({
          INPUT_REGISTRY: host,
          INPUT_USERNAME: "ann",
          INPUT_PASSWORD: "wr0ng",
        });
        assertEquals(status, 1);
        assertMatch(stdout, /^::error::127.*status 401 .*\n$/);
        assert(!`${stdout}${stderr}`.includes("wr0ng"));
      }),
    { timeout: 60_000 },
  );

  peerIt("signs in nowhere without a registry", ["node 24", "npm"], () =>
    withFolder((folder) => {
      const { lines, step } = job(folder);
      assertEquals(step({ INPUT_REGISTRY: "", INPUT_PASSWORD: "token" }).status, 0);
      assertEquals(lines("GITHUB_STATE"), ["isPost=true"]);
    }), { timeout: 60_000 });

  peerIt("has the licences of all that it contains", ["npm"], () => {
    assertEquals(readdirSync(made).sort(), [
      "LICENSE",
      "THIRD_PARTY_NOTICES",
      "action.yml",
      "gcrane.js",
      "main.js",
      "package.json",
    ]);
    const notices = readFileSync(join(made, "THIRD_PARTY_NOTICES"), "utf8");
    const { dependencies } = JSON.parse(readFileSync(`${top}package.json`, "utf8"));
    for (const name of Object.keys(dependencies).filter((name) => name !== "deno-std")) {
      assertStringIncludes(notices, `This action contains ${name}:`);
    }
  });
});
