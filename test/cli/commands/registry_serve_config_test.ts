import { assertEquals, assertMatch } from "@std/assert";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { inWorld, type World } from "../../make/command_world.ts";
import { until } from "../../make/waiting.ts";
import { Served } from "./served.ts";

const ADDRESS = 'address: "127.0.0.1:0"\n';

async function status(url: string, init?: RequestInit): Promise<number> {
  const answer = await fetch(url, init);
  await answer.body?.cancel();
  return answer.status;
}

/** Serves with a file of these lines while `work` runs, and returns the log. */
async function serving(
  world: World,
  start: { config: string; words?: readonly string[]; environment?: Record<string, string> },
  work: (url: string, served: Served) => Promise<void>,
): Promise<string> {
  const file = world.write("registry.yaml", ADDRESS + start.config);
  const served = new Served([...start.words ?? [], "--config", file], start.environment);
  try {
    await work(await served.url(), served);
  } finally {
    assertEquals(await served.interrupt(), 0);
  }
  return served.log();
}

const push = (url: string) => status(`${url}/v2/app/blobs/uploads/`, { method: "POST" });

describe("gcrane registry serve --config", () => {
  it("reads flags of every type by their names", () =>
    inWorld(async (world: World) => {
      const config = `# of the team
disk: ${world.path("disk")}
read-only: true
drain: 5
metrics: false
cors:
  - https://app.example.com
  - https://other.example.com
`;
      const log = await serving(world, { config }, async (url) => {
        assertEquals([await push(url), await status(`${url}/metrics`)], [405, 404]);
        const headers = { Origin: "https://other.example.com" };
        const answer = await fetch(`${url}/v2/`, { headers });
        await answer.body?.cancel();
        assertEquals(answer.headers.get("Access-Control-Allow-Origin"), "https://other.example.com");
      });
      assertMatch(log, new RegExp(`^Info: serving from ${world.path("disk")} at `));
    }));

  it("counts less than the environment, and that less than the command line", () =>
    inWorld(async (world: World) => {
      const config = "read-only: true\nmetrics: false\nlog-format: json\n";
      const environment = { GCRANE_REGISTRY_METRICS: "true", GCRANE_REGISTRY_LOG_FORMAT: "json" };
      const words = ["--no-read-only", "--log-format", "text"];
      const log = await serving(world, { config, words, environment }, async (url) => {
        assertEquals([await push(url), await status(`${url}/metrics`)], [202, 200]);
      });
      assertMatch(log, /^Info: /);
    }));

  it("may be named by the environment, and may be empty", () =>
    inWorld(async (world: World) => {
      const environment = { GCRANE_REGISTRY_CONFIG: world.write("empty.yaml", "# nothing yet\n") };
      const served = new Served(["--address", "127.0.0.1:0"], environment);
      assertEquals(await status(`${await served.url()}/v2/`), 200);
      assertEquals(await served.interrupt(), 0);
    }));

  const cases: [config: string, code: number, message: string][] = [
    ["adress: x", 2, 'there is no flag "adress" — did you mean address?'],
    ["readOnly: true", 2, 'there is no flag "readOnly" — did you mean read-only?'],
    ["config: other.yaml", 2, 'there is no flag "config"'],
    ["read-only: yes please", 2, "read-only must be true or false, not text"],
    ["drain: '5'", 2, "drain must be a number, not text"],
    ["drain: -1", 2, 'drain must be a whole number of at least 0, not "-1"'],
    ["gc-every: 0", 2, "gc-every must be text, in quotes where YAML reads something else, not 0"],
    ["cors: https://app.example.com", 2, "cors must be a list of texts, not text"],
    ["allow: [1]", 2, "allow must be a list of texts, not a list of other values"],
    ["disk:", 2, "disk must be text, in quotes where YAML reads something else, not empty"],
    ["log-format: xml", 2, 'log-format must be one of text, json, not "xml"'],
  ];
  for (const [config, code, message] of cases) {
    it(`refuses ${config}`, () =>
      inWorld(async (world: World) => {
        const file = world.write("registry.yaml", config);
        const served = new Served(["--config", file]);
        served.url().catch(() => {});
        assertEquals([await served.code, served.io.err.split("\n")[0]], [code, `Error: ${file}: ${message}`]);
      }));
  }

  it("refuses a file that is away, or has something else in it", () =>
    inWorld(async (world: World) => {
      const others: [file: string, code: number, message: RegExp][] = [
        [world.path("none.yaml"), 1, /^Error: can't read .*none.yaml: no such file/],
        [world.write("bad.yaml", "a: [\n"), 2, /^Error: .*bad.yaml is not YAML: /],
        [
          world.write("list.yaml", "- disk\n"),
          2,
          /^Error: .*list.yaml must be a mapping of flags to values, not a list/,
        ],
      ];
      for (const [file, code, message] of others) {
        const served = new Served(["--config", file]);
        served.url().catch(() => {});
        assertEquals(await served.code, code);
        assertMatch(served.io.err, message);
        const helped = new Served(["--config", file, "--help"]);
        helped.url().catch(() => {});
        assertEquals([await helped.code, helped.io.err], [0, ""]);
      }
    }));

  it("is read again on SIGHUP: permissions change, other settings are named, a wrong file changes nothing", () =>
    inWorld(async (world: World) => {
      const environment = { GCRANE_REGISTRY_USERS: "ann:secret" };
      const config = "allow: ['anonymous=open:pull']\n";
      await serving(world, { config, environment }, async (url, served) => {
        const file = world.path("registry.yaml");
        const reload = async (text: string, answer: string) => {
          const before = served.io.err.length;
          writeFileSync(file, ADDRESS + text);
          served.io.hangUp();
          await until(() => served.io.err.slice(before).includes(answer), { what: answer });
        };
        const open = async () => [await status(`${url}/v2/open/tags/list`), await status(`${url}/v2/free/tags/list`)];
        assertEquals(await open(), [404, 401]);
        await reload("allow: ['anonymous=free:pull']\n", "reloaded");
        assertEquals(await open(), [401, 404]);
        await reload("allow: ['anonymous=open:pull']\nread-only: true\nproxy-ttl: 9\n", "Warning: only a restart");
        assertMatch(
          served.io.err,
          /Warning: only a restart changes --proxy-ttl, --read-only\n|--read-only, --proxy-ttl\n/,
        );
        assertEquals([...await open(), await push(url)], [404, 401, 401]);
        await reload("alow: ['anonymous=free:pull']\n", "Warning: can't reload");
        assertMatch(served.io.err, /there is no flag "alow" — did you mean allow\?\n/);
        assertEquals(await open(), [404, 401]);
      });
    }));
});

describe("gcrane registry serve --log-format", () => {
  it("json has an object with time and level for each line", () =>
    inWorld(async (world: World) => {
      const words = ["--address", "127.0.0.1:0", "--log-format", "json", "--disk", world.path("disk"), "--token-auth"];
      const served = new Served(words, { GCRANE_REGISTRY_USERS: "ann:secret" });
      const url = await served.url();
      assertEquals(await status(`${url}/v2/`), 401);
      assertEquals(await served.interrupt(), 0);
      const lines = served.io.err.trim().split("\n").map((line) => JSON.parse(line));
      assertEquals(lines.map(({ level }) => level), ["warn", "info"]);
      for (const { time } of lines) assertEquals(new Date(time).toISOString(), time);
      const { time: _, ...started } = lines[1];
      const store = world.path("disk");
      assertEquals(started, {
        level: "info",
        message: `serving from ${store} at ${url} (sign-in is required)`,
        store,
        url,
      });
    }));

  it("text has the time and the level of each line", async () => {
    const served = new Served(["--address", "127.0.0.1:0"]);
    await served.url();
    assertEquals(await served.interrupt(), 0);
    assertMatch(
      served.io.err,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z Info: serving from memory at http:\S+ \(.+\)\n$/,
    );
  });
});
