import { assert, assertEquals, assertMatch } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { get } from "node:https";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { digestOf, encode, RegistryClient } from "../../contracts/registry_client.ts";
import { Served } from "./served.ts";
import { inWorld, type World } from "../../make/command_world.ts";
import { until } from "../../make/waiting.ts";

// htpasswd -Bbn ann "correct horse"
const HTPASSWD = "ann:$2b$04$QSVjOXg7gBz7dCpKu9ZRruMImtKOFT3CHAaibTUtJ2Cbx680slH8.\n";
const ANN = { Authorization: `Basic ${btoa("ann:correct horse")}` };
const ANYWHERE = ["--address", "127.0.0.1:0"];

/** Serves while `work` runs, and returns the standard error. */
async function serving(
  flags: readonly string[],
  work: (url: string, served: Served) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<string> {
  const served = new Served([...ANYWHERE, ...flags], environment);
  try {
    await work(await served.url(), served);
  } finally {
    assertEquals(await served.interrupt(), 0);
  }
  return served.log();
}

async function status(url: string, init?: RequestInit): Promise<number> {
  const answer = await fetch(url, init);
  await answer.body?.cancel();
  return answer.status;
}

/** Runs a command that must not start a server, and returns its output. */
async function refused(flags: readonly string[], environment: Record<string, string> = {}): Promise<[number, string]> {
  const served = new Served([...ANYWHERE, ...flags], environment);
  served.url().catch(() => {});
  return [await served.code, served.io.err.split("\n")[0]];
}

describe("gcrane registry serve: who may do what", () => {
  for (
    const [flags, text, anonymous] of [
      ["", "every client may pull and push: --htpasswd or GCRANE_REGISTRY_USERS requires sign-in", [404, 202]],
      ["--read-only", "every client may pull: --htpasswd or GCRANE_REGISTRY_USERS requires sign-in", [404, 405]],
      ["USERS", "sign-in is required", [401, 401]],
      ["USERS --token-auth", "sign-in is required", [401, 401]],
      ["USERS --anonymous-pull", "sign-in is required to push", [404, 401]],
      ["USERS --anonymous-pull --read-only", "every client may pull", [404, 401]],
      ["USERS --allow anonymous=**:pull,push", "sign-in is required, except for what is granted to anonymous", [
        404,
        202,
      ]],
    ] as const
  ) {
    it(`logs at the start what requires sign-in: ${flags || "no flags"}`, async () => {
      const words = flags.split(" ").filter((word) => word !== "" && word !== "USERS");
      const environment: Record<string, string> = flags.startsWith("USERS")
        ? { GCRANE_REGISTRY_USERS: "ann:secret" }
        : {};
      const log = await serving(words, async (url) => {
        const pull = await status(`${url}/v2/app/manifests/v1`);
        assertEquals([pull, await status(`${url}/v2/app/blobs/uploads/`, { method: "POST" })], [...anonymous]);
      }, environment);
      const started = log.split("\n").find((line) => line.startsWith("Info: serving from memory at "));
      assertEquals(started?.replace(/^.* at \S+ /, ""), `(${text})`);
    });
  }

  it("--htpasswd lets in users, as the file has them at the time", () =>
    inWorld(async (world: World) => {
      const file = world.write("htpasswd", HTPASSWD);
      await serving(["--htpasswd", file], async (url) => {
        assertEquals(await status(`${url}/v2/`), 401);
        assertEquals(await status(`${url}/v2/`, { headers: ANN }), 200);
        writeFileSync(file, "");
        // The server reads the file again within a second.
        await until(async () => await status(`${url}/v2/`, { headers: ANN }) === 401);
      });
    }));

  it("keeps the users of --htpasswd while the file is malformed or away, and warns", () =>
    inWorld(async (world: World) => {
      const file = world.write("htpasswd", HTPASSWD);
      const err = await serving(["--htpasswd", file], async (url, served) => {
        const warned = async (text: string) => {
          await until(async () => {
            assertEquals(await status(`${url}/v2/`, { headers: ANN }), 200);
            return served.io.err.includes(text);
          });
        };
        rmSync(file);
        await warned("no such file");
        writeFileSync(file, `${HTPASSWD}bob\n`);
        await warned("line 2");
      });
      assertEquals(err.match(/Warning: .*; the users of .*htpasswd stay as they were/g)?.length, 2, err);
    }));

  it("takes users from the environment, and flags too", () =>
    serving([], async (url) => {
      const bob = { Authorization: `Basic ${btoa("bob:x:y")}` };
      assertEquals(await status(`${url}/v2/open/tags/list`), 404);
      assertEquals(await status(`${url}/v2/bobs/tags/list`), 401);
      assertEquals(await status(`${url}/v2/bobs/blobs/uploads/`, { method: "POST", headers: bob }), 202);
      assertEquals(await status(`${url}/v2/open/blobs/uploads/`, { method: "POST", headers: bob }), 403);
    }, {
      GCRANE_REGISTRY_USERS: "\n bob:x:y\n",
      GCRANE_REGISTRY_ALLOW: "bob=bobs:pull,push anonymous=open:pull",
    }).then(() => {}));

  it("--token-auth gives tokens, which servers with one --token-key take from each other", () =>
    inWorld(async (world: World) => {
      const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
      const flags = ["--htpasswd", world.write("htpasswd", HTPASSWD), "--token-auth", "--anonymous-pull"];
      flags.push("--token-key", world.write("key.pem", key), "--public-url", "https://registry.example.com");
      await serving(flags, async (one) => {
        const challenge = (await fetch(`${one}/v2/`)).headers.get("WWW-Authenticate");
        assertEquals(challenge, 'Bearer realm="https://registry.example.com/token",service="gcrane"');
        const answer = await fetch(`${one}/token?scope=repository:x:push`, { headers: ANN });
        const headers = { Authorization: `Bearer ${(await answer.json()).token}` };
        await serving(flags, async (other) => {
          assertEquals(await status(`${other}/v2/`, { headers }), 200);
          assertEquals(await status(`${other}/v2/x/tags/list`), 404);
        });
        await serving(
          ["--token-realm", `${one}/token`, "--token-trust", `${one}/.well-known/jwks.json`],
          async (third) => {
            assertEquals(await status(`${third}/v2/`, { headers }), 200);
            assertEquals(await status(`${third}/token`), 404);
          },
        );
      });
    }));

  it("says what can't be", () =>
    inWorld(async (world: World) => {
      const bad = world.write("bad", "ann:secret\n");
      const cases: [flags: string[], code: number, message: RegExp][] = [
        [["--htpasswd", world.path("none")], 1, /^Error: can't read .*none: no such file or directory/],
        [
          ["--htpasswd", bad],
          1,
          /^Error: the htpasswd file, line 1: the password of ann is not hashed .* — set it with htpasswd -B/,
        ],
        [["--anonymous-pull"], 2, /^Error: there are no users: set --htpasswd or GCRANE_REGISTRY_USERS/],
        [["--allow", "x"], 2, /^Error: --allow x is not USER=REPOSITORY:ACTIONS, for example/],
        [
          ["--htpasswd", world.write("good", HTPASSWD), "--allow", "a=b:read"],
          2,
          /^Error: --allow a=b:read is not USER=/,
        ],
        [["--htpasswd", world.path("good"), "--token-key", bad], 1, /^Error: the signing key is neither JSON nor PEM/],
        [["--token-realm", "https://x.example.com"], 2, /^Error: --token-realm needs --token-trust/],
        [["--htpasswd", world.path("good"), "--token-trust", "x"], 2, /^Error: --token-trust x is not a URL/],
        [["--tls-cert", bad], 2, /^Error: --tls-cert and --tls-key require each other/],
        [["--access-log", world.path("no/such/log")], 1, /^Error: can't write the access log .*: no such file/],
        [
          ["--proxy", "http://a.example.com/b"],
          2,
          /^Error: --proxy http:.* is neither the host .* — for example docker.io/,
        ],
        [["--proxy", "https://a b"], 1, /^Error: /],
        [
          ["--proxy", "docker.io", "--proxy", "ghcr.io"],
          2,
          /^Error: --proxy is given 2 times, .* — run a server for each/,
        ],
        [["--proxy-keep", "30d"], 2, /^Error: --proxy-keep needs --proxy/],
        [["--proxy", "docker.io", "--proxy-keep", "long"], 2, /^Error: --proxy-keep/],
        [["--drain", "x"], 2, /^Error: --drain must be a whole number/],
      ];
      for (const [flags, code, message] of cases) {
        const [actual, said] = await refused(flags);
        assertEquals([actual, message.test(said)], [code, true], `${flags}: ${said}`);
        assertEquals(said.includes("secret"), false);
      }
      const [code, said] = await refused([], { GCRANE_REGISTRY_USERS: "hidden" });
      assertEquals([code, said], [2, "Error: GCRANE_REGISTRY_USERS is not lines of user:password"]);
    }));
});

describe("gcrane registry serve: running it", () => {
  it("--access-log - writes a line of JSON for each request, without secrets", async () => {
    const digest = digestOf(encode("hello"));
    const err = await serving(["--access-log", "-"], async (url) => {
      const client = new RegistryClient({ fetch, base: url });
      await client.pushBlob("a", "hello");
      await client.send("GET", `/v2/a/blobs/${digest}?token=secret`, { headers: { "User-Agent": "test/1" } });
      await client.send("HEAD", `/v2/a/blobs/${digest}`);
      await client.send("GET", "/v2/a/tags/list", { headers: { Authorization: "Basic c2VjcmV0OnNlY3JldA==" } });
    });
    const lines = err.trim().split("\n").slice(1).map((line) => JSON.parse(line));
    assertEquals(lines.map(({ method, route, status }) => [method, route, status]), [
      ["POST", "uploads", 201],
      ["GET", "blob", 200],
      ["HEAD", "blob", 200],
      ["GET", "tags", 404],
    ]);
    const { time, ms, ...rest } = lines[1];
    assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert(ms >= 0);
    assertEquals(rest, {
      method: "GET",
      path: `/v2/a/blobs/${digest}`,
      route: "blob",
      status: 200,
      bytesIn: 0,
      bytesOut: 5,
      address: "127.0.0.1",
      userAgent: "test/1",
    });
    assertEquals([lines[0].bytesIn, lines[0].bytesOut, lines[2].bytesOut], [5, 0, 0]);
    assertEquals(/secret|c2VjcmV0/.test(err), false);
  });

  it("--access-log FILE adds to a file, with the name of who signed in", () =>
    inWorld(async (world: World) => {
      const log = world.write("access.log", '{"before":true}\n');
      const flags = ["--access-log", log, "--htpasswd", world.write("htpasswd", HTPASSWD)];
      const err = await serving(flags, async (url) => {
        for (let i = 0; i < 50; i++) assertEquals(await status(`${url}/v2/`, { headers: ANN }), 200);
      });
      const lines = readFileSync(log, "utf8").trim().split("\n").map((line) => JSON.parse(line));
      assertEquals([lines.length, lines[0], lines[50].user], [51, { before: true }, "ann"]);
      assertEquals(err.split("\n").length, 2);
    }));

  it("--address-header tells clients behind a proxy apart", async () => {
    const flags = ["--address-header", "X-Forwarded-For", "--access-log", "-"];
    const err = await serving(flags, async (url) => {
      const as = (address: string, password: string) => {
        const Authorization = `Basic ${btoa(`bob:${password}`)}`;
        return status(`${url}/v2/`, { headers: { Authorization, "X-Forwarded-For": address } });
      };
      for (let i = 0; i < 10; i++) assertEquals(await as("198.51.100.1, 192.0.2.1", "wrong"), 401);
      const more = await Promise.all(Array.from({ length: 5 }, () => as("192.0.2.1", "wrong")));
      assertEquals([more.includes(429), await as("192.0.2.1, 192.0.2.2", "right")], [true, 200]);
    }, { GCRANE_REGISTRY_USERS: "bob:right" });
    assertEquals(err.includes('"address":"192.0.2.2"'), true);
  });

  it("takes the scheme of the token URL from a proxy that --address-header trusts, and warns without one", async () => {
    const realm = async (url: string) => {
      const headers = { "X-Forwarded-Proto": "http, https", "X-Forwarded-For": "192.0.2.1" };
      return (await fetch(`${url}/v2/`, { headers })).headers.get("WWW-Authenticate")!.split(",")[0];
    };
    const users = { GCRANE_REGISTRY_USERS: "ann:secret" };
    const trusting = await serving(["--token-auth", "--address-header", "X-Forwarded-For"], async (url) => {
      assertEquals(await realm(url), `Bearer realm="${url.replace("http:", "https:")}/token"`);
    }, users);
    assertEquals(trusting.includes("Warning"), false, trusting);
    const plain = await serving(["--token-auth"], async (url) => {
      assertEquals(await realm(url), `Bearer realm="${url}/token"`);
    }, users);
    assertMatch(plain, /^Warning: clients send their passwords to a token URL of plain http; .*--public-url/m);
    const named = await serving(["--token-auth", "--public-url", "https://registry.example.com"], async (url) => {
      assertEquals(await realm(url), 'Bearer realm="https://registry.example.com/token"');
    }, users);
    assertMatch(named, /^Warning: with --public-url and without --address-header, all clients .*X-Forwarded-For/m);
  });

  it("--read-only refuses what would change something", () =>
    serving(["--read-only"], async (url) => {
      assertEquals(await status(`${url}/v2/a/blobs/uploads/`, { method: "POST" }), 405);
    }).then(() => {}));

  it("--proxy makes it a cache of another registry, which it goes on without", async () => {
    const origin = new Served(ANYWHERE);
    const originUrl = await origin.url();
    const { digest } = await new RegistryClient({ fetch, base: originUrl }).pushImage("a", "one", "v1");
    await serving(["--proxy", originUrl, "--proxy-ttl", "0"], async (url) => {
      assertEquals(await status(`${url}/v2/a/manifests/v1`), 200);
      assertEquals(await status(`${url}/v2/a/blobs/uploads/`, { method: "POST" }), 405);
      await origin.interrupt();
      const answer = await fetch(`${url}/v2/a/manifests/v1`);
      await answer.body?.cancel();
      assertEquals([answer.status, answer.headers.get("Docker-Content-Digest")], [200, digest]);
      assertMatch(answer.headers.get("Warning")!, /^110 /);
    });
  });

  it("shows /healthz and, unless told not to, /metrics", async () => {
    await serving([], async (url) => {
      assertEquals(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
      await status(`${url}/v2/`);
      const text = await (await fetch(`${url}/metrics`)).text();
      assertMatch(text, /^gcrane_registry_requests_total\{method="GET",route="base",status="200"\} 1$/m);
      assertMatch(text, /^gcrane_registry_requests_in_flight 1$/m);
    });
    await serving(["--no-metrics"], async (url) => assertEquals(await status(`${url}/metrics`), 404));
  });

  it("shows a page to browsers, unless told not to", async () => {
    await serving([], async (url) => assertMatch(await (await fetch(url)).text(), /<h1>Repositories<\/h1>/));
    await serving(["--no-page"], async (url) => assertEquals(await status(url), 404));
  });

  it("serves HTTPS with --tls-cert and --tls-key", async () => {
    const place = (name: string) => fileURLToPath(new URL(`../../testdata/runtime/${name}`, import.meta.url));
    const flags = ["--tls-cert", place("localhost.pem"), "--tls-key", place("localhost.key")];
    await serving(flags, async (url) => {
      assertMatch(url, /^https:/);
      const port = new URL(url).port;
      const answer = await new Promise<number>((resolve, reject) => {
        get(`https://localhost:${port}/v2/`, { ca: readFileSync(place("ca.pem")) }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        }).on("error", reject);
      });
      assertEquals(answer, 200);
    });
  });

  it("finishes what is in flight when it is told to end, and takes nothing new", () =>
    inWorld(async (world: World) => {
      const served = new Served([...ANYWHERE, "--disk", world.path("registry"), "--access-log", world.path("log")]);
      const url = await served.url();
      const digest = digestOf(encode("hello world"));
      const upload = request(`${url}/v2/a/blobs/uploads/?digest=${digest}`, {
        method: "POST",
        headers: { "Content-Length": 11 },
      });
      upload.write("hello ");
      await until(() => existsSync(world.path("registry/uploads")));
      served.io.interrupt("SIGTERM");
      const question = () => status(`${url}/v2/`, { headers: { Connection: "close" } });
      await until(() => question().then(() => false, () => true), { what: "a refused connection" });
      const answered = once(upload, "response");
      upload.end("world");
      const [response] = await answered;
      assertEquals(response.statusCode, 201);
      response.resume();
      assertEquals([await served.code, served.io.err.split("\n").length], [0, 2]);
      assertEquals(JSON.parse(readFileSync(world.path("log"), "utf8").trim().split("\n").at(-1)!).status, 201);
    }));

  it("cuts off what takes longer than --drain", async () => {
    const served = new Served([...ANYWHERE, "--drain", "0"]);
    const upload = request(`${await served.url()}/v2/a/blobs/uploads/?digest=${digestOf(encode("x"))}`, {
      method: "POST",
      headers: { "Content-Length": 11 },
    });
    upload.write("hello ");
    await once(upload, "socket");
    const inFlight = async () =>
      /in_flight (\d+)$/m.exec(await (await fetch(`${await served.url()}/metrics`)).text())?.[1];
    await until(async () => await inFlight() === "2"); // the upload, and the question itself
    const failed = once(upload, "error");
    served.io.interrupt("SIGINT");
    await failed;
    assertEquals(await served.code, 0);
    assertMatch(served.log(), /\nWarning: aborted requests that were pending after 0 s\n$/);
  });
});
