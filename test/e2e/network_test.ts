import { assertEquals, assertMatch } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { randomImage } from "../../src/image/mod.ts";
import * as crane from "../../src/crane/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { serveFetch, type Server } from "../../src/runtime/mod.ts";
import { closedPort, type ForwardProxy, forwardProxy, type Listening, tlsFront } from "../fakes/forward_proxy.ts";
import { gcraneWords, mainFile, withFolder } from "../make/gcrane_process.ts";
import { describePeer, pathOf } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";

const testdata = fileURLToPath(new URL("../testdata/network/", import.meta.url));
const file = (name: string) => join(testdata, name);
const text = (name: string) => readFileSync(file(name), "utf8");
const server = { key: text("server.key"), cert: text("server.pem") };
const demanding = { ...server, ca: text("ca.pem"), requestCert: true, rejectUnauthorized: true };

const TLS = "registry.example.test";
const MTLS = "mtls.example.test";

/** The end of one command line. */
interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let registry: Server;
let digest = "";
let front: Listening;
let demandingFront: Listening;
let proxy: ForwardProxy;
let strictProxy: ForwardProxy;
const requests: string[] = [];

before(async () => {
  const handler = createRegistry().fetch;
  registry = await serveFetch((request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    // As registries without chunked uploads do, so that the blob is sent in one PUT.
    const isRefused = request.method === "PATCH" && request.url.includes("/v2/chunkless/");
    return isRefused ? new Response(null, { status: 405 }) : handler(request);
  }, { hostname: "127.0.0.1", port: 0 });
  front = await tlsFront(registry.port, server);
  demandingFront = await tlsFront(registry.port, demanding);
  const ports = {
    [`${TLS}:443`]: front.port,
    [`${MTLS}:443`]: demandingFront.port,
    [`plain.example.test:80`]: registry.port,
  };
  proxy = await forwardProxy({ ports });
  strictProxy = await forwardProxy({ ports, credentials: "ann:p@ss" });
  const image = `127.0.0.1:${registry.port}/app:v1`;
  await crane.push(await randomImage({ layers: 2, size: 200_000 }), image);
  digest = await crane.digest(image);
});

after(async () => {
  for (const each of [proxy, strictProxy, front, demandingFront]) await each?.close();
  await registry?.close();
});

const none = Object.fromEntries(
  ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()])
    .concat("SSL_CERT_FILE", "SSL_CERT_DIR").map((name) => [name, undefined]),
);

/** The tests, for the words that run gcrane. */
function networkTests(words: () => readonly string[]): void {
  const test = (name: string, work: () => Promise<void>) => it(name, { timeout: 120_000 }, work);

  /** Runs gcrane with variables. */
  const gcrane = (args: readonly string[], variables: Record<string, string> = {}): Promise<Result> => {
    requests.length = proxy.requests.length = strictProxy.requests.length = 0;
    // Deno's own downloads and checks are not those of gcrane.
    const deno = { DENO_NO_UPDATE_CHECK: "1", DENO_DIR: process.env.DENO_DIR ?? join(homedir(), ".cache/deno") };
    const env = { ...process.env, ...none, ...deno, ...variables } as NodeJS.ProcessEnv;
    for (const key of Object.keys(env)) if (env[key] === undefined) delete env[key];
    const [command, ...first] = words();
    return new Promise((resolve) => {
      execFile(command, [...first, ...args], { env, timeout: 60_000 }, (error, out, err) => {
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err });
      });
    });
  };
  const at = (port: number, credentials = "") => `http://${credentials}127.0.0.1:${port}`;
  const trusted = () => ({ HTTPS_PROXY: at(proxy.port), SSL_CERT_FILE: file("ca.pem") });

  test("is a proxy for https, with the authorities of SSL_CERT_FILE", async () => {
    const { code, out, err } = await gcrane(["digest", `${TLS}/app:v1`], trusted());
    assertEquals([code, out, err], [0, `${digest}\n`, ""]);
    assertEquals(new Set(proxy.requests), new Set([`CONNECT ${TLS}:443`]));
  });

  test("is a proxy for plain http, also by ALL_PROXY", async () => {
    for (const variable of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
      const variables = { [variable]: at(proxy.port) };
      const { code, out, err } = await gcrane(["digest", "--insecure", "plain.example.test/app:v1"], variables);
      assertEquals([code, out, err], [0, `${digest}\n`, ""], variable);
      assertEquals(proxy.requests.includes("HEAD http://plain.example.test/v2/app/manifests/v1"), true);
    }
  });

  test("is the same for --insecure, for all requests of a copy", async () => {
    const copy = `copy${words().length}`;
    const line = ["copy", "--insecure", `${TLS}/app:v1`, `plain.example.test/${copy}:v1`];
    const { code, err } = await gcrane(line, { HTTPS_PROXY: at(proxy.port), HTTP_PROXY: at(proxy.port) });
    assertEquals([code, err], [0, ""]);
    assertEquals(requests.includes(`PUT /v2/${copy}/manifests/v1`), true);
  });

  test("is the same for what is pushed and pulled", async () => {
    await withFolder(async (folder) => {
      const pulled = await gcrane(["pull", `${TLS}/app:v1`, join(folder, "app.tar")], trusted());
      assertEquals(pulled.code, 0, pulled.err);
      for (const [flag, name] of [["", "pushed"], ["", "chunkless"], ["--insecure", "chunkless/insecure"]]) {
        const line = ["push", flag, join(folder, "app.tar"), `${TLS}/${name}:v1`].filter((word) => word !== "");
        const pushed = await gcrane(line, trusted());
        assertEquals(pushed.code, 0, pushed.err);
        assertEquals(requests.includes(`PUT /v2/${name}/manifests/v1`), true);
      }
      assertEquals(new Set(proxy.requests), new Set([`CONNECT ${TLS}:443`]));
    });
  });

  test("sends credentials of the proxy's URL", async () => {
    for (const host of [`${TLS}/app:v1`, "plain.example.test/app:v1"]) {
      const url = at(strictProxy.port, "ann:p%40ss@");
      const variables = { HTTP_PROXY: url, HTTPS_PROXY: url, SSL_CERT_FILE: file("ca.pem") };
      const flags = host.startsWith("plain") ? ["--insecure"] : [];
      const { code, out, err } = await gcrane(["digest", ...flags, host], variables);
      assertEquals([code, out, err], [0, `${digest}\n`, ""]);
    }
  });

  test("never is a proxy for loopback (rule 24), nor for a host in NO_PROXY", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      for (const flags of [[], ["--insecure"]]) {
        const dead = at(await closedPort());
        const variables = { HTTP_PROXY: dead, HTTPS_PROXY: dead, ALL_PROXY: dead };
        const { code, out, err } = await gcrane(["digest", ...flags, `${host}:${registry.port}/app:v1`], variables);
        assertEquals([code, out, err], [0, `${digest}\n`, ""]);
      }
    }
    const { err } = await gcrane(["digest", `${TLS}/app:v1`], {
      ...trusted(),
      NO_PROXY: ".other.test,example.test:443",
    });
    assertMatch(err, /registry\.example\.test.*does not resolve/);
    assertEquals(proxy.requests, []);
  });

  test("trusts the authorities of SSL_CERT_DIR, --ca-cert and the certs.d of podman", async () => {
    await withFolder(async (folder) => {
      const HTTPS_PROXY = at(proxy.port);
      const certs = join(folder, ".config/containers/certs.d", TLS);
      mkdirSync(certs, { recursive: true });
      writeFileSync(join(certs, "a.crt"), text("ca.pem"));
      const ways: [string[], Record<string, string>][] = [
        [[], { SSL_CERT_DIR: `/nonexistent:${testdata}` }],
        [["--ca-cert", file("ca.pem")], {}],
        [[], { HOME: folder }],
      ];
      for (const [flags, variables] of ways) {
        const { code, out, err } = await gcrane(["digest", ...flags, `${TLS}/app:v1`], { HTTPS_PROXY, ...variables });
        assertEquals([code, out, err], [0, `${digest}\n`, ""]);
      }
    });
  });

  test("shows the certificate of a client, from flags and from certs.d", async () => {
    await withFolder(async (folder) => {
      const certs = join(folder, ".config/containers/certs.d", MTLS);
      mkdirSync(certs, { recursive: true });
      writeFileSync(join(certs, "client.cert"), text("client.pem"));
      writeFileSync(join(certs, "client.key"), text("client.key"));
      const flags = ["--client-cert", file("client.pem"), "--client-key", file("client.key")];
      const ways: [string[], Record<string, string>][] = [[flags, {}], [[], { HOME: folder }]];
      for (const [flags, variables] of ways) {
        const { code, out, err } = await gcrane(["digest", ...flags, `${MTLS}/app:v1`], {
          ...trusted(),
          ...variables,
        });
        assertEquals([code, out, err], [0, `${digest}\n`, ""]);
      }
    });
  });

  test("names what is wrong: a dead proxy, its 407, an authority, a client certificate", async () => {
    const port = await closedPort();
    const SSL_CERT_FILE = file("ca.pem");
    const cases: [string, Record<string, string>, RegExp][] = [
      [TLS, { HTTPS_PROXY: at(port) }, /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses.* — check HTTPS_PROXY/],
      ["plain.example.test:80", { HTTP_PROXY: at(port) }, /the proxy \S+ \(HTTP_PROXY\) refuses.*— check HTTP_PROXY/],
      [TLS, { https_proxy: at(strictProxy.port) }, /\(https_proxy\) demands credentials \(407\) — set https_proxy/],
      [TLS, { HTTPS_PROXY: at(strictProxy.port, "ann:bad@") }, /\(HTTPS_PROXY\) refuses the credentials \(407\)/],
      ["plain.example.test:80", { HTTP_PROXY: at(strictProxy.port) }, /demands credentials \(407\) — set HTTP_PROXY/],
      ["other.example.test", { HTTPS_PROXY: at(proxy.port) }, /\(HTTPS_PROXY\) opens no connection .*— check/],
      [TLS, { HTTPS_PROXY: at(proxy.port) }, /can't be trusted — .*--ca-cert or SSL_CERT_FILE.*--insecure/],
      [MTLS, { HTTPS_PROXY: at(proxy.port), SSL_CERT_FILE }, /client certificate.*--client-cert/],
    ];
    for (const [host, variables, wanted] of cases) {
      const flags = host.startsWith("plain") ? ["--insecure"] : [];
      const { code, err } = await gcrane(["digest", ...flags, `${host}/app:v1`], variables);
      assertMatch(err, wanted);
      assertEquals([code, err.includes("ann"), err.includes("bad@")], [1, false, false]);
    }
  });
}

describe("the network of gcrane on this runtime", () => networkTests(() => gcraneWords));

describePeer("the network of gcrane on Node.js", ["node 22.18"], () => {
  networkTests(() => [pathOf("node 22.18"), "--no-warnings", "--import", standardModules(), mainFile]);
});
