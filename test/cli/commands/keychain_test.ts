import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { join } from "node:path";
import { runProgram } from "../../../cli/run_program.ts";
import { gcrane } from "../../../cli/table.ts";
import { FakeIo } from "../../fakes/fake_io.ts";
import { keychainNames } from "../../../cli/global_flags.ts";
import { randomImage } from "../../../src/image/mod.ts";
import { FakeHelpers } from "../../fakes/fake_credential_helpers.ts";
import { inCluster, pullSecret } from "../../fakes/fake_cluster.ts";
import { runLine } from "../../make/command_line.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const host = "registry.example.com";

function docker(world: World, config: object): void {
  mkdirSync(world.path("docker"), { recursive: true });
  world.write("docker/config.json", JSON.stringify(config));
}

const auths = (users: Record<string, string>) =>
  Object.fromEntries(Object.entries(users).map(([key, user]) => [key, { auth: btoa(`${user}:p`) }]));

/** Returns the user that `auth get` prints. */
async function who(world: World, line: string, environment: Record<string, string> = {}): Promise<string> {
  const { out, err } = await world.gcrane(`auth get ${line}`, { environment });
  assertEquals(err, "", line);
  return out.startsWith("{") ? JSON.parse(out).Username : out.trim();
}

const NOBODY = "credentials not found in native keychain";

describe("the keychains by default", () => {
  it("are Google's for its registries, then docker's config, then the other clouds", () =>
    inWorld(async (world) => {
      const environment = { GITHUB_TOKEN: "ghs_x", GITHUB_ACTOR: "octocat" };
      assertEquals(await who(world, host, environment), NOBODY);
      assertEquals(await who(world, "ghcr.io", environment), "octocat");
      docker(world, { auths: auths({ "ghcr.io": "ann", "gcr.io": "ann" }) });
      assertEquals(await who(world, "ghcr.io", environment), "ann");
      assertEquals(await who(world, "gcr.io", environment), "ann");
      const key = { type: "authorized_user", client_id: "i", client_secret: "s", refresh_token: "r" };
      const GOOGLE_APPLICATION_CREDENTIALS = world.write("adc.json", JSON.stringify(key));
      const tokens = (() =>
        Promise.resolve(Response.json({ access_token: "ya29", expires_in: 3600 }))) as unknown as typeof fetch;
      const { out } = await world.gcrane("auth get gcr.io", {
        environment: { GOOGLE_APPLICATION_CREDENTIALS },
        fetch: tokens,
      });
      assertEquals(out, '{"Username":"_token","Secret":"ya29"}\n');
    }));

  it("are what GCRANE_KEYCHAIN says, if it is set", () =>
    inWorld(async (world) => {
      docker(world, { auths: auths({ "ghcr.io": "ann" }) });
      const environment = { GITHUB_TOKEN: "ghs_x", GCRANE_KEYCHAIN: "github,docker" };
      assertEquals(await who(world, "ghcr.io", environment), "unset");
      assertEquals(await who(world, "--keychain docker ghcr.io", environment), "ann");
    }));
});

describe("--keychain", () => {
  it("narrows the search, and says in which order", () =>
    inWorld(async (world) => {
      docker(world, { auths: auths({ "ghcr.io": "ann" }) });
      const environment = { GITHUB_TOKEN: "ghs_x" };
      assertEquals(await who(world, "--keychain github ghcr.io", environment), "unset");
      assertEquals(await who(world, "--keychain github,docker ghcr.io", environment), "unset");
      assertEquals(await who(world, "--keychain docker --keychain github ghcr.io", environment), "ann");
      for (const name of ["google", "ecr", "acr", "anonymous"]) {
        assertEquals(await who(world, `--keychain ${name} ghcr.io`, environment), NOBODY);
      }
    }));

  it("takes a docker config of its own", () =>
    inWorld(async (world) => {
      const file = world.write("other.json", JSON.stringify({ auths: auths({ [host]: "bob" }) }));
      assertEquals(await who(world, `--keychain docker:${file} ${host}`), "bob");
      const { code, err } = await world.gcrane(`auth get --keychain docker:${world.path("none")} ${host}`);
      assertEquals(code, 1);
      assertMatch(err, /^Error: can't read .*none: no such file or directory.*\n$/);
    }));

  it("takes pull secrets from a manifest", () =>
    inWorld(async (world) => {
      const secret = { kind: "Secret", ...pullSecret({ "*.example.com": { username: "puller", password: "p" } }) };
      const file = world.write("secret.json", JSON.stringify(secret));
      assertEquals(await who(world, `--keychain secrets:${file} ${host}`), "puller");
      const broken = world.write("broken.yaml", "kind: Secret\ndata: 1\n");
      assertStringIncludes((await world.gcrane(`auth get --keychain secrets:${broken} ${host}`)).err, "is not text");
    }));

  it("takes a name and a password from the environment", () =>
    inWorld(async (world) => {
      const environment = { MY_USERNAME: "me", MY_PASSWORD: "s3cret" };
      assertEquals(await who(world, `--keychain env:MY ${host}`, environment), "me");
      const { code, err } = await world.gcrane(`auth get --keychain env:OTHER ${host}`, {
        environment: { OTHER_USERNAME: "me" },
      });
      assertEquals([code, err], [
        1,
        "Error: the keychain env:OTHER has no credentials: OTHER_PASSWORD is not set — export OTHER_USERNAME and OTHER_PASSWORD\n",
      ]);
    }));

  it("takes a service account of a cluster", () =>
    inCluster((cluster) =>
      inWorld(async (world) => {
        cluster.account("default", ["regcred"]);
        cluster.account("builder", ["other"]);
        cluster.secret("regcred", "ann");
        cluster.secret("other", "bob");
        const context = { name: "c", context: { cluster: "c", user: "u", namespace: "team" } };
        const KUBECONFIG = world.write(
          "kubeconfig",
          JSON.stringify({
            "current-context": "c",
            contexts: [context],
            clusters: [{
              name: "c",
              cluster: {
                server: `https://127.0.0.1:${cluster.port}`,
                "certificate-authority": cluster.path("pod/ca.crt"),
              },
            }],
            users: [{ name: "u", user: { token: "token-1" } }],
          }),
        );
        assertEquals(await who(world, `--keychain kubernetes ${host}`, { KUBECONFIG }), "ann");
        assertEquals(await who(world, `--keychain kubernetes:builder ${host}`, { KUBECONFIG }), "bob");
        const { code, err } = await world.gcrane(`auth get --keychain kubernetes:none/x ${host}`, {
          environment: { KUBECONFIG },
        });
        assertEquals([code, err], [1, "Warning: the service account none/x is not there\n"]);
      })
    ));

  it("does not take a token of a registry for a password", () =>
    inWorld(async (world) => {
      const file = world.write("c.json", JSON.stringify({ auths: { [host]: { registrytoken: "t0ken" } } }));
      const { code, out, err } = await world.gcrane(`auth get --keychain docker:${file} ${host}`);
      assertEquals([code, out], [1, ""]);
      assertMatch(
        err,
        /^Error: the credentials for registry\.example\.com are a token, .* — gcrane auth token prints it\n$/,
      );
    }));

  for (
    const [value, message] of [
      ["gogle", 'there is no keychain "gogle" — did you mean google?'],
      ["docker,kubernets", 'there is no keychain "kubernets" — did you mean kubernetes?'],
      ["", `there is no keychain "" — there are ${keychainNames.join(", ")}`],
      ["ecr:eu", "the keychain ecr takes no argument — write ecr alone"],
      ["secrets", "the keychain secrets needs more — write secrets:FILE"],
      ["env:", "the keychain env needs more — write env:PREFIX"],
    ]
  ) {
    it(`is used wrongly with ${JSON.stringify(value)}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(["auth", "get", `--keychain=${value}`, host]);
        assertEquals([code, out, err.split("\n")[0]], [2, "", `Error: ${message}`]);
      }));
  }

  it("is completed", async () => {
    const { out } = await runLine("completion bash");
    assertStringIncludes(out, `"trial --keychain") _trial_offer -W "${keychainNames.join(" ")}"`);
  });
});

describe("gcrane copy between two accounts of one registry", () => {
  /** A registry of which each team sees its own repositories alone. */
  function twoTeams(world: World): typeof fetch {
    return ((input: string | URL | Request, init?: RequestInit) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      const shown = new Headers(init?.headers).get("authorization");
      const wanted = /^\/v2\/(one|two)\//.exec(pathname)?.[1];
      if (wanted ? shown === `Basic ${btoa(`${wanted}:p`)}` : shown !== null) return world.fetch(input, init);
      const headers = { "www-authenticate": "Basic realm=x" };
      return Promise.resolve(new Response(null, { status: 401, headers }));
    }) as typeof fetch;
  }

  it("signs in to the source as one and to the destination as the other", () =>
    inWorld(async (world) => {
      const digest = await world.push(randomImage({ seed: 1 }), `${host}/one/app:v1`);
      const one = world.write("one.json", JSON.stringify({ auths: auths({ [host]: "one" }) }));
      const options = { fetch: twoTeams(world), environment: { TWO_USERNAME: "two", TWO_PASSWORD: "p" } };
      const line = `copy ${host}/one/app:v1 ${host}/two/app:v1`;
      assertEquals((await world.gcrane(`${line} --keychain docker:${one}`, options)).code, 1);
      assertEquals((await world.gcrane(`${line} --keychain env:TWO`, options)).code, 1);
      assertEquals(await world.data(`${line} --src-keychain docker:${one} --dst-keychain env:TWO`, options), "");
      assertEquals(await world.data(`digest --keychain env:TWO ${host}/two/app:v1`, options), `${digest}\n`);
      // Nothing to do, and whether there is is asked of the destination.
      const again = `copy -n ${host}/one/app:v1 ${host}/two/app:v1 --src-keychain docker:${one} --keychain env:TWO`;
      const refused = await world.gcrane(again, options);
      assertEquals([refused.code, refused.out], [1, ""]);
      assertMatch(refused.err, /two\/app:v1 exists already/);
      const second = await world.push(randomImage({ seed: 2 }), `${host}/one/app:v2`);
      const all = `copy -a -n ${host}/one/app ${host}/two/app --src-keychain docker:${one} --keychain env:TWO`;
      const { code, out, err } = await world.gcrane(all, options);
      assertEquals([code, out, err], [0, "", "copied 1 tag, 0 tags were there already, kept 1 tag\n"]);
      assertEquals(await world.data(`digest --keychain env:TWO ${host}/two/app:v2`, options), `${second}\n`);
    }));

  it("refuses an unknown keychain", () =>
    inWorld(async (world) => {
      for (const flag of ["--src-keychain", "--dst-keychain"]) {
        const { code, err } = await world.gcrane(`copy ${flag} dokcer a b`);
        assertEquals([code, err.split("\n")[0]], [2, 'Error: there is no keychain "dokcer" — did you mean docker?']);
      }
    }));
});

describe("a credential helper that fails, as the command line tells of it", () => {
  const SECRET = "s3cret-that-nobody-may-see";

  /** Runs `auth get` with a helper that runs a script. */
  async function withHelper(script: string): Promise<{ code: number; out: string; err: string }> {
    const helpers = new FakeHelpers();
    try {
      helpers.add("broken", script);
      let result = { code: -1, out: "", err: "" };
      await inWorld(async (world) => {
        docker(world, { credsStore: "broken" });
        const environment = { GCRANE_HELPER_TIMEOUT: "0.3", PATH: helpers.path };
        const { code, out, err } = await world.gcrane(`auth get ${host}`, { environment });
        result = { code, out, err };
      });
      return result;
    } finally {
      helpers.remove();
    }
  }

  for (
    const [what, script, message] of [
      [
        "prints an error",
        `echo ${SECRET} >&2; echo ${SECRET}; exit 1`,
        "docker-credential-broken get failed with exit code 1",
      ],
      [
        "prints nothing",
        "exit 0",
        "docker-credential-broken get did not answer with credentials in JSON",
      ],
    ]
  ) {
    it(`because it ${what}: a warning, and nobody is signed in`, async () => {
      assertEquals(await withHelper(script), {
        code: 1,
        out: `${NOBODY}\n`,
        err: `Warning: no credentials for ${host}: ${message}\n`,
      });
    });
  }

  it("because it never ends: an error that names it (rule 19)", async () => {
    assertEquals(await withHelper("exec sleep 600"), {
      code: 1,
      out: "",
      err: "Error: docker-credential-broken get took longer than 300 ms — " +
        "it may be waiting for an answer: run it by hand\n",
    });
  });

  it("is named on a terminal, where it may be asking (rule 19)", { timeout: 60_000 }, async () => {
    const helpers = new FakeHelpers();
    try {
      const go = join(helpers.directory, "go");
      helpers.add("slow", `while [ ! -e '${go}' ]; do sleep 0.1; done; echo '{"Username":"ann","Secret":"s"}'`);
      await inWorld(async (world) => {
        docker(world, { credsStore: "slow" });
        const onMessage = (text: string) => text.includes("docker-credential-slow get") && writeFileSync(go, "");
        const environment = { ...world.environment, PATH: helpers.path };
        const io = new FakeIo({ environment, answers: [], onMessage });
        assertEquals(await runProgram(gcrane, ["auth", "get", host], io), 0);
        assertEquals([io.out, io.err], [
          '{"Username":"ann","Secret":"s"}\n',
          "still waiting for docker-credential-slow get\n",
        ]);
      });
    } finally {
      helpers.remove();
    }
  });

  it("after a time that is no number, which is wrong usage", () =>
    inWorld(async (world) => {
      for (const GCRANE_HELPER_TIMEOUT of ["soon", "-1", "Infinity"]) {
        const { code, err } = await world.gcrane(`auth get ${host}`, { environment: { GCRANE_HELPER_TIMEOUT } });
        assertEquals([code, err.split("\n")[0]], [
          2,
          `Error: GCRANE_HELPER_TIMEOUT must be a number of seconds, not "${GCRANE_HELPER_TIMEOUT}"`,
        ]);
      }
    }));
});
