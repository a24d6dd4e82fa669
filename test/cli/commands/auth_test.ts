import { assertEquals, assertMatch } from "@std/assert";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fakeFetch, FakeRegistry } from "../../fakes/mod.ts";
import type { LineResult } from "../../make/command_line.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const host = "registry.example.com";
const notFound = { code: 1, out: "credentials not found in native keychain\n", err: "" };

/** The code and the output of a line. */
function said({ code, out, err }: LineResult): { code: number; out: string; err: string } {
  return { code, out, err };
}

function configFile(world: World): string {
  return world.path("docker/config.json");
}

function writeConfig(world: World, config: object): void {
  mkdirSync(world.path("docker"));
  writeFileSync(configFile(world), JSON.stringify(config));
}

async function login(world: World): Promise<void> {
  const line = `auth login ${host} -u ann --password-stdin --no-check`;
  assertEquals((await world.gcrane(line, { stdin: "s3cret\n" })).code, 0);
}

/** A registry at `host`, where ann's password is `s3cret`. */
function fakes(auth?: "basic" | "bearer"): { registry: FakeRegistry; fetch: typeof fetch } {
  const registry = new FakeRegistry({ auth });
  return { registry, fetch: fakeFetch({ [`https://${host}`]: registry.handle }).fetch };
}

describe("gcrane auth get", () => {
  it("prints what a credential helper would", () =>
    inWorld(async (world) => {
      writeConfig(world, {
        auths: { [host]: { auth: btoa("ann:s3cret") }, "token.example.com": { identitytoken: "abc" } },
      });
      assertEquals(await world.data(`auth get ${host}`), '{"Username":"ann","Secret":"s3cret"}\n');
      assertEquals(await world.data("auth get token.example.com"), '{"Username":"<token>","Secret":"abc"}\n');
    }));

  it("says in docker's words that there are none", () =>
    inWorld(async (world) => {
      assertEquals(said(await world.gcrane(`auth get ${host}`)), notFound);
      writeConfig(world, { auths: { "other.example.com": { auth: btoa("ann:s3cret") } } });
      assertEquals(said(await world.gcrane(`auth get ${host}`)), notFound);
    }));

  it("reads the host from standard input, as docker writes it there", () =>
    inWorld(async (world) => {
      writeConfig(world, {
        auths: { [host]: { auth: btoa("ann:s3cret") }, "https://index.docker.io/v1/": { auth: btoa("bob:hub") } },
      });
      const get = (stdin: string) => world.data("auth get", { stdin });
      assertEquals(await get(`${host}\n`), '{"Username":"ann","Secret":"s3cret"}\n');
      assertEquals(await get(`https://${host}`), '{"Username":"ann","Secret":"s3cret"}\n');
      assertEquals(await get("https://index.docker.io/v1/\n"), '{"Username":"bob","Secret":"hub"}\n');
    }));

  it("wants a host", () =>
    inWorld(async (world) => {
      for (const options of [{ stdin: "" }, { stdin: "\n" }, { answers: ["nobody asks"] }]) {
        const { code, out, err } = await world.gcrane("auth get", options);
        assertEquals([code, out, err.split("\n")[0]], [
          2,
          "",
          "Error: no registry is given — name one, or pipe its host in",
        ]);
      }
    }));

  it("says which config it can't read, and none of its secrets", () =>
    inWorld(async (world) => {
      mkdirSync(world.path("docker"));
      writeFileSync(configFile(world), `{"auths": {"${host}": {"auth": "${btoa("ann:s3cret")}`);
      const { code, out, err } = await world.gcrane(`auth get ${host}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^Error: .*docker\/config\.json.*\n$/);
      assertEquals(err.includes(btoa("ann:s3cret")), false);
    }));
});

describe("gcrane auth login", () => {
  it("takes the password from standard input and keeps it in a file for the user alone (rule 15)", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`auth login ${host} -u ann --password-stdin`, {
        stdin: "s3cret\r\n",
        fetch: fakes("basic").fetch,
      });
      assertEquals([code, out], [0, ""]);
      assertEquals(err.split("\n"), [
        `Warning: the password is in ${configFile(world)} without encryption`,
        `signed in to ${host}; the credentials are in ${configFile(world)}`,
        "",
      ]);
      assertEquals(statSync(configFile(world)).mode & 0o777, 0o600);
      assertEquals(JSON.parse(readFileSync(configFile(world), "utf8")), {
        auths: { [host]: { auth: btoa("ann:s3cret") } },
      });
      assertEquals(await world.data(`auth get ${host}`), '{"Username":"ann","Secret":"s3cret"}\n');
    }));

  it("asks on the terminal for what is not given, the password hidden", () =>
    inWorld(async (world) => {
      const both = await world.gcrane(`auth login ${host}`, {
        answers: ["ann", "s3cret"],
        fetch: fakes("bearer").fetch,
      });
      assertEquals([both.code, both.out], [0, ""]);
      assertEquals(both.io.asked, [
        { question: "Username: ", secret: false },
        { question: "Password: ", secret: true },
      ]);
      assertEquals(await world.data(`auth get ${host}`), '{"Username":"ann","Secret":"s3cret"}\n');
      const one = await world.gcrane(`auth login --no-check --username bob ${host}`, { answers: ["other"] });
      assertEquals(one.io.asked.map(({ question }) => question), ["Password: "]);
      assertEquals(await world.data(`auth get ${host}`), '{"Username":"bob","Secret":"other"}\n');
      assertEquals([both.err, one.err].some((text) => /s3cret|other/.test(text.replaceAll(world.folder, ""))), false);
    }));

  it("keeps Docker Hub's by the key that docker uses", () =>
    inWorld(async (world) => {
      await world.gcrane("auth login docker.io -u ann --password-stdin --no-check", { stdin: "s3cret" });
      const { auths } = JSON.parse(readFileSync(configFile(world), "utf8"));
      assertEquals(Object.keys(auths), ["https://index.docker.io/v1/"]);
      assertEquals(await world.data("auth get docker.io"), '{"Username":"ann","Secret":"s3cret"}\n');
    }));

  for (const auth of ["basic", "bearer"] as const) {
    it(`stores nothing that the registry refuses (rule 25): ${auth}`, () =>
      inWorld(async (world) => {
        const line = `auth login ${host} -u ann --password-stdin`;
        const refused = await world.gcrane(line, { stdin: "wrong-pass", fetch: fakes(auth).fetch });
        assertEquals([refused.code, refused.out, existsSync(configFile(world))], [1, "", false]);
        assertMatch(refused.err, /^Error: registry\.example\.com refuses these credentials with status 401 — .*\n$/);
        assertEquals(refused.err.includes("wrong-pass"), false);
        const right = await world.gcrane(line, { stdin: "s3cret", fetch: fakes(auth).fetch });
        assertEquals([right.code, existsSync(configFile(world))], [0, true]);
      }));
  }

  it("stores nothing for a host that does not exist, except with --no-check (rule 25)", () =>
    inWorld(async (world) => {
      const options = { stdin: "s3cret", fetch: fakeFetch({}).fetch };
      const { code, err } = await world.gcrane(`auth login ${host} -u ann --password-stdin`, options);
      assertEquals([code, existsSync(configFile(world))], [1, false]);
      assertMatch(err, /the host name does not resolve/);
      const offline = await world.gcrane(`auth login ${host} -u ann --password-stdin --no-check`, options);
      assertEquals([offline.code, offline.err.split("\n")[1]], [
        0,
        `stored the credentials for ${host} in ${configFile(world)}`,
      ]);
    }));

  it("warns where a registry asks for no credentials, since nothing proves them", () =>
    inWorld(async (world) => {
      const options = { stdin: "s3cret", fetch: fakes().fetch };
      const { code, err } = await world.gcrane(`auth login ${host} -u ann --password-stdin`, options);
      assertEquals([code, err.split("\n")[0]], [
        0,
        `Warning: ${host} asks for no credentials, so these were not checked`,
      ]);
    }));

  it("leaves the rest of the file as it is", () =>
    inWorld(async (world) => {
      writeConfig(world, { psFormat: "x", auths: { "other.example.com": { auth: "YTpi" } } });
      chmodSync(configFile(world), 0o644);
      await login(world);
      assertEquals(JSON.parse(readFileSync(configFile(world), "utf8")), {
        psFormat: "x",
        auths: { "other.example.com": { auth: "YTpi" }, [host]: { auth: btoa("ann:s3cret") } },
      });
      assertEquals(statSync(configFile(world)).mode & 0o777, 0o600);
    }));

  for (
    const [line, options, message] of [
      [
        `${host} -u ann --password=s3cret --password-stdin`,
        { stdin: "s3cret" },
        "-p and --password-stdin exclude each other — leave out one",
      ],
      [`${host} --password-stdin`, { stdin: "s3cret" }, "no user is given — give one with -u"],
      [`${host} -u ann --password-stdin`, { stdin: "\n" }, "the password is empty"],
      [`${host} -u ann`, {}, "there is no terminal to ask on — use -u and --password-stdin"],
      [host, { answers: [""] }, "no user is given — give one with -u"],
    ] as const
  ) {
    it(`refuses: ${line} ${JSON.stringify(options)}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`auth login ${line}`, options as { stdin?: string });
        assertEquals([code, out, err.split("\n")[0]], [2, "", `Error: ${message}`]);
        assertEquals([existsSync(configFile(world)), err.includes("s3cret")], [false, false]);
      }));
  }
});

describe("gcrane auth logout", () => {
  it("forgets, and says whether there was something to forget", () =>
    inWorld(async (world) => {
      assertEquals(said(await world.gcrane(`auth logout ${host}`)), {
        code: 0,
        out: "",
        err: `not signed in to ${host}\n`,
      });
      await login(world);
      assertEquals(said(await world.gcrane(`auth logout ${host}`)), {
        code: 0,
        out: "",
        err: `signed out of ${host}\n`,
      });
      assertEquals(said(await world.gcrane(`auth get ${host}`)), notFound);
      assertEquals(readFileSync(configFile(world), "utf8").includes(btoa("ann:s3cret")), false);
    }));
});

describe("gcrane auth token", () => {
  const repository = `${host}/team/app`;

  it("prints a token as JSON, or as a header", () =>
    inWorld(async (world) => {
      const { fetch, registry } = fakes("bearer");
      assertEquals(await world.data(`auth token ${repository}`, { fetch }), '{"token":"token-1"}\n');
      assertEquals(await world.data(`auth token -H ${repository}`, { fetch }), "Authorization: Bearer token-2\n");
      assertEquals(registry.tokens.asked, [["repository:team/app:pull"], ["repository:team/app:pull"]]);
    }));

  it("--push and --mount ask for more, with the credentials that are there", () =>
    inWorld(async (world) => {
      const { fetch, registry } = fakes("bearer");
      await login(world);
      await world.data(`auth token --push -m ${host}/base,${host}/other ${repository}`, { fetch });
      assertEquals(registry.tokens.asked, [
        ["repository:team/app:push,pull", "repository:base:pull", "repository:other:pull"],
      ]);
      assertEquals(registry.tokens.allows("Bearer token-1", "repository:team/app:push"), true);
    }));

  it("says when credentials are refused, and not what they are", () =>
    inWorld(async (world) => {
      const { fetch } = fakes("bearer");
      await world.gcrane(`auth login ${host} -u ann --password-stdin --no-check`, { stdin: "wrong-pass\n" });
      const { code, out, err } = await world.gcrane(`auth token -v ${repository}`, { fetch });
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /\nError: .*401.* — .*gcrane auth login registry\.example\.com\n/);
      assertEquals([err.includes("wrong-pass"), err.includes(btoa("ann:wrong-pass"))], [false, false]);
    }));

  it("says so where a registry gives none", () =>
    inWorld(async (world) => {
      for (const flag of ["", "-H"]) {
        const { code, out, err } = await world.gcrane(`auth token ${flag} ${repository}`, { fetch: fakes().fetch });
        assertEquals([code, out], [1, ""]);
        assertMatch(err, /^Error: the registry of registry\.example\.com\/team\/app issues no tokens — .*\n$/);
      }
      await login(world);
      const { fetch } = fakes("basic");
      assertEquals((await world.gcrane(`auth token ${repository}`, { fetch })).code, 1);
      assertEquals(
        await world.data(`auth token -H ${repository}`, { fetch }),
        `Authorization: Basic ${btoa("ann:s3cret")}\n`,
      );
    }));

  it("prints a secret on standard output alone", () =>
    inWorld(async (world) => {
      const { out, err } = await world.gcrane(`auth token --verbose ${repository}`, { fetch: fakes("bearer").fetch });
      assertEquals([out, err.includes("token-1")], ['{"token":"token-1"}\n', false]);
    }));
});
