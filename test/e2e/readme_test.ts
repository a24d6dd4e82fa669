import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { mainFile, withFolder } from "../make/gcrane_process.ts";
import { Running } from "../make/processes.ts";
import { until } from "../make/waiting.ts";
import { blockRunner, blocksOf, sectionOf, withTwoRegistries, writeSite } from "./document_blocks.ts";

const LONGEST = 200;
const tasks = sectionOf("README.md", "Ten things to do");

describe("README", () => {
  it(`has at most ${LONGEST} lines`, () => {
    const lines = sectionOf("README.md").trimEnd().split("\n").length;
    assert(lines <= LONGEST, `${lines} lines`);
  });

  it("keeps both commands that do all the set-up", () => {
    const [block] = blocksOf(sectionOf("README.md", "Try it"), "console");
    const commands = block.trimEnd().split("\n").map((line) => line.split("#")[0].trimEnd());
    assertEquals(commands, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
  });

  it("installs by the lines of docs/install.md", () => {
    const blocks = blocksOf(sectionOf("README.md", "Install"), "console");
    assertEquals(blocksOf(sectionOf("docs/install.md"), "console").slice(0, blocks.length), blocks);
  });

  it("has the ratios of the table of measurements", () => {
    const rows = [...sectionOf("docs/performance.md").matchAll(/^\| (\S.*?) +\| gcrane, binary .*$/gm)];
    const measured = new Map(rows.map(([row, work]) => [work, row.split("|")[7].trim()]));
    const [, list] = /times as long as crane: (.+?), of one run/s.exec(sectionOf("README.md"))!;
    const ratios = list.split(/,\s+/).map((one) => one.split(/\s+(?=[\d.]+$)/));
    assertEquals(ratios, ratios.map(([work]) => [work, measured.get(work)]));
    assertEquals(ratios.length, 6);
  });

  it("has no blocks elsewhere that look as if they were tested", () => {
    assertEquals(blocksOf(sectionOf("README.md"), "sh"), blocksOf(tasks, "sh"));
  });
});

describe("README: ten things to do", () => {
  it("are ten", () => {
    const numbers = [...tasks.matchAll(/^\*\*(\d+)\. /gm)].map(([, number]) => Number(number));
    assertEquals(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("nine blocks run as they stand, on two registries", { timeout: 120_000 }, async () => {
    const blocks = blocksOf(tasks, "sh");
    assertEquals(blocks.length, 9);
    await withTwoRegistries(({ folder, registry, run }) => {
      writeSite(folder);
      const outputs = blocks.map((block) => {
        const { stdout, stderr } = run(block);
        assertNotMatch(stderr, /Error|Warning/, block);
        return stdout;
      });
      assertStringIncludes(outputs[0], `${registry}/site@sha256:`);
      assertStringIncludes(outputs[1], `${registry}/site:v2  image linux/amd64`);
      assertMatch(outputs[1], /^srv\/www\/index\.html$/m);
      assert(outputs[1].endsWith("<h1>hello</h1>\n"));
      assertStringIncludes(outputs[2], "v1\nv2\n");
      assertStringIncludes(outputs[3], "+ /etc/site.conf");
      assertEquals([outputs[4], outputs[7].split("@")[0]], ["", `${registry}/restored`]);
      assertStringIncludes(outputs[6], `${registry}/site@sha256:`);
      assertEquals(existsSync(join(folder, "plan.json")), true);
      const { stdout } = run("gcrane ls -r --tags mirror.example.com; gcrane config registry.example.com/site:v3");
      assertStringIncludes(stdout, "copies");
      assertStringIncludes(stdout, '"Labels":{"team":"web"}');
    });
  });

  it("the tenth serves with sign-in", { timeout: 60_000 }, async () => {
    const [serve, signIn, ...more] = blocksOf(tasks, "console")[0].trimEnd().split("\n");
    assertEquals(more, []);
    const [, users, line] = /^GCRANE_REGISTRY_USERS=(\S+) gcrane (.*?) +# http:\/\/localhost:5000$/.exec(serve)!;
    const words = [...line.split(" "), "--address", "127.0.0.1:0"];
    await withFolder(async (folder) => {
      const server = new Running(mainFile, words, { cwd: folder, env: { GCRANE_REGISTRY_USERS: users } });
      try {
        await until(() => /http:\/\/127/.test(server.err), { what: "the address of the registry" });
        const host = `localhost:${/http:\/\/127\.0\.0\.1:(\d+)/.exec(server.err)![1]}`;
        const run = blockRunner(folder, { "localhost:5000": host });
        const refused = run("gcrane catalog localhost:5000 2>&1 || true").stdout;
        assertStringIncludes(refused, "401 Unauthorized");
        assertStringIncludes(run(signIn).stderr, `signed in to ${host}`);
        assertEquals(run("gcrane catalog localhost:5000").stdout, "");
      } finally {
        server.signal("SIGTERM");
        await server.ended();
      }
    });
  });
});
