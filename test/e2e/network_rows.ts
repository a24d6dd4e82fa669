import { assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { closedPort } from "../fakes/forward_proxy.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { certificate, MIRROR, MTLS, type NetworkWorld, pem, PLAIN, type Result, TLS } from "./network_world.ts";

/** What a row of the table is tested with. */
export interface Trial {
  readonly world: NetworkWorld;
  /** The column. */
  readonly runtime: string;
  /** Runs gcrane on that runtime. */
  readonly gcrane: (args: readonly string[], variables?: Record<string, string>) => Promise<Result>;
}

const at = (port: number, credentials = "") => `http://${credentials}127.0.0.1:${port}`;
const CA = { SSL_CERT_FILE: certificate("ca.pem") };

/** Runs `digest` of an image, which has to give its digest and no word more. */
async function reads(
  { world, gcrane }: Trial,
  host: string,
  variables: Record<string, string>,
  flags: readonly string[] = [],
): Promise<void> {
  const insecure = host.startsWith(PLAIN) ? ["--insecure"] : [];
  const { code, out, err } = await gcrane(["digest", ...insecure, ...flags, `${host}/app:v1`], variables);
  assertEquals([code, out, err], [0, `${world.digest}\n`, ""], JSON.stringify([host, variables, flags]));
}

/** Returns a runtime as a part of a repository's name, so that no column finds what another one pushed. */
const nameOf = (runtime: string) => runtime.toLowerCase().replaceAll(/[^a-z]/g, "");

/** Runs work with a home that has the files. */
function withHome(files: Record<string, string>, work: (variables: { HOME: string }) => Promise<void>): Promise<void> {
  return withFolder(async (HOME) => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(HOME, ".config", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    await work({ HOME });
  });
}

/** The rows of the table in docs/proxies.md by their first cells: each throws where the runtime can't do what it names. */
export const NETWORK_ROWS: Readonly<Record<string, (trial: Trial) => Promise<void>>> = {
  async "`HTTP_PROXY` for plain http, `ALL_PROXY`"(trial) {
    const { proxy } = trial.world;
    for (const variable of ["HTTP_PROXY", "all_proxy"]) {
      await reads(trial, PLAIN, { [variable]: at(proxy.port) });
      assertEquals(proxy.requests.includes(`HEAD http://${PLAIN}/v2/app/manifests/v1`), true);
    }
  },

  async "`HTTPS_PROXY` by `CONNECT`, for what is read and written"(trial) {
    const { world: { proxy, requests }, gcrane, runtime } = trial;
    const variables = { HTTPS_PROXY: at(proxy.port), ...CA };
    const isProxied = () => assertEquals(new Set(proxy.requests), new Set([`CONNECT ${TLS}:443`]));
    await reads(trial, TLS, variables);
    isProxied();
    await withFolder(async (folder) => {
      const tar = join(folder, "app.tar");
      const pulled = await gcrane(["pull", `${TLS}/app:v1`, tar], variables);
      assertEquals([pulled.code, pulled.err], [0, ""]);
      isProxied();
      for (const path of [`pushed/${nameOf(runtime)}`, `chunkless/${nameOf(runtime)}`]) {
        const pushed = await gcrane(["push", tar, `${TLS}/${path}:v1`], variables);
        assertEquals([pushed.code, pushed.err], [0, ""]);
        assertEquals(requests.includes(`PUT ${TLS}/v2/${path}/manifests/v1`), true);
        isProxied();
      }
    });
  },

  async "Credentials for the proxy"(trial) {
    const url = at(trial.world.strictProxy.port, "ann:p%40ss@");
    for (const host of [TLS, PLAIN]) await reads(trial, host, { HTTP_PROXY: url, HTTPS_PROXY: url, ...CA });
  },

  async "A `socks5://` proxy, with credentials too"(trial) {
    const { world: { socks, strictSocks, requests }, gcrane, runtime } = trial;
    for (const [scheme, proxy] of [["socks5://", socks], ["socks5h://ann:p%40ss@", strictSocks]] as const) {
      const ALL_PROXY = `${scheme}127.0.0.1:${proxy.port}`;
      await reads(trial, TLS, { ALL_PROXY, ...CA });
      assertEquals(new Set(proxy.requests), new Set([`SOCKS ${TLS}:443`]));
      await reads(trial, PLAIN, { ALL_PROXY });
      assertEquals(proxy.requests.includes(`SOCKS ${PLAIN}:80`), true);
    }
    const path = `socks${nameOf(runtime)}`;
    const ALL_PROXY = `socks5://127.0.0.1:${socks.port}`;
    const copied = await gcrane(["copy", "--insecure", `${TLS}/app:v1`, `${PLAIN}/${path}:v1`], { ALL_PROXY });
    assertEquals([copied.code, copied.err], [0, ""]);
    assertEquals(requests.includes(`PUT ${PLAIN}/v2/${path}/manifests/v1`), true);
    const cases: [string, RegExp][] = [
      [`socks5://ann:bad@127.0.0.1:${strictSocks.port}`, /\(ALL_PROXY\) refuses the credentials/],
      [`socks5://127.0.0.1:${strictSocks.port}`, /demands credentials — set ALL_PROXY to a URL with USER:PASSWORD@/],
      [`socks5://127.0.0.1:${await closedPort()}`, /the proxy 127\.0\.0\.1:\d+ \(ALL_PROXY\) refuses the connection/],
    ];
    for (const [ALL_PROXY, wanted] of cases) {
      const { code, err } = await gcrane(["digest", `${TLS}/app:v1`], { ALL_PROXY });
      assertMatch(err, wanted);
      assertEquals([code, err.includes("ann"), err.includes("bad@")], [1, false, false]);
    }
    const { err } = await gcrane(["digest", "other.example.test/app:v1"], { ALL_PROXY });
    assertMatch(err, /\(ALL_PROXY\) opens no connection to the server.* — check/);
  },

  async "Loopback and `NO_PROXY` without a proxy"(trial) {
    const { world: { proxy, port }, gcrane } = trial;
    const dead = at(await closedPort());
    for (const [host, ...flags] of [["127.0.0.1"], ["localhost", "--insecure"]]) {
      await reads(trial, `${host}:${port}`, { HTTP_PROXY: dead, HTTPS_PROXY: dead, ALL_PROXY: dead }, flags);
    }
    const { err } = await gcrane(["digest", `${TLS}/app:v1`], {
      HTTPS_PROXY: at(proxy.port),
      NO_PROXY: ".other.test,example.test:443",
    });
    assertMatch(err, /registry\.example\.test.*does not resolve/);
    assertEquals(proxy.requests, []);
  },

  async "`--insecure` through a proxy"(trial) {
    const { world: { proxy, requests }, gcrane, runtime } = trial;
    const path = `copied${nameOf(runtime)}`;
    const variables = { HTTPS_PROXY: at(proxy.port), HTTP_PROXY: at(proxy.port) };
    for (const target of [`${PLAIN}/${path}`, `${TLS}/chunkless/${path}`]) {
      const { code, err } = await gcrane(["copy", "--insecure", `${TLS}/app:v1`, `${target}:v1`], variables);
      assertEquals([code, err], [0, ""]);
      assertEquals(requests.includes(`PUT ${target.replace("/", "/v2/")}/manifests/v1`), true);
    }
  },

  async "`SSL_CERT_FILE`"(trial) {
    await reads(trial, TLS, { HTTPS_PROXY: at(trial.world.proxy.port), ...CA });
  },

  async "`SSL_CERT_DIR`"(trial) {
    const SSL_CERT_DIR = `/nonexistent:${dirname(certificate("ca.pem"))}`;
    await reads(trial, TLS, { HTTPS_PROXY: at(trial.world.proxy.port), SSL_CERT_DIR });
  },

  async "`--ca-cert`; `ca` in the library"(trial) {
    await reads(trial, TLS, { HTTPS_PROXY: at(trial.world.proxy.port) }, ["--ca-cert", certificate("ca.pem")]);
  },

  async "`--client-cert`; `cert` and `key`"(trial) {
    const flags = ["--client-cert", certificate("client.pem"), "--client-key", certificate("client.key")];
    await reads(trial, MTLS, { HTTPS_PROXY: at(trial.world.proxy.port), ...CA }, flags);
  },

  async "certs.d of docker and podman"(trial) {
    const HTTPS_PROXY = at(trial.world.proxy.port);
    for (const program of ["containers", "docker"]) {
      const folder = `${program}/certs.d/${MTLS}`;
      const files = {
        [`${folder}/a.crt`]: pem("ca.pem"),
        [`${folder}/client.cert`]: pem("client.pem"),
        [`${folder}/client.key`]: pem("client.key"),
      };
      await withHome(files, (home) => reads(trial, MTLS, { HTTPS_PROXY, ...home }));
    }
  },

  async "`insecure` and `blocked` of registries.conf"(trial) {
    const { world: { proxy, requests }, gcrane, runtime } = trial;
    const variables = { HTTPS_PROXY: at(proxy.port), HTTP_PROXY: at(proxy.port) };
    const conf = `
      [[registry]]
      prefix = "*.example.test"
      insecure = true
      [[registry]]
      location = "${TLS}/blocked"
      blocked = true
    `;
    await withHome({ "containers/registries.conf": conf }, async (home) => {
      const path = `marked${nameOf(runtime)}`;
      const all = { ...variables, ...home };
      await reads(trial, TLS, all);
      const copied = await gcrane(["copy", `${TLS}/app:v1`, `${PLAIN}/${path}:v1`], all);
      assertEquals([copied.code, copied.err], [0, ""]);
      assertEquals(requests.includes(`PUT ${PLAIN}/v2/${path}/manifests/v1`), true);
      const { code, err } = await gcrane(["digest", `${TLS}/blocked/app:v1`], all);
      assertEquals([code, requests], [1, []]);
      assertMatch(err, /^Error: registry\.example\.test\/blocked\/app is blocked by .*registries\.conf — /);
    });
    await withHome({ "containers/registries.conf": "[[registry]]\nblocked = yes" }, async (home) => {
      const { code, err } = await gcrane(["digest", `${TLS}/app:v1`], { ...variables, ...home });
      assertMatch(err, /^Error: .*registries\.conf is not TOML: see line 2, column \d+ — correct the file/);
      assertEquals(code, 1);
    });
  },

  async "`--use-mirrors`: registries.conf, hosts.toml"(trial) {
    const { world: { proxy, requests }, gcrane } = trial;
    const variables = { HTTPS_PROXY: at(proxy.port) };
    const files = {
      "containers/registries.conf": `[[registry]]\nlocation = "${TLS}"\n[[registry.mirror]]\nlocation = "${MIRROR}"`,
      [`docker/certs.d/${TLS}/hosts.toml`]: `[host."https://${MIRROR}"]\nca = "/ca.pem"`,
    };
    for (const [name, text] of Object.entries(files)) {
      // Only hosts.toml has an authority for the mirror; with the other file it comes from a flag.
      const isToml = name.endsWith(".toml");
      const own = { [name]: text.replace("/ca.pem", certificate("ca.pem")) };
      await withHome({ ...own, [`docker/certs.d/${TLS}/a.crt`]: pem("ca.pem") }, async (home) => {
        const flags = isToml ? [] : ["--ca-cert", certificate("ca.pem")];
        for (const isUsed of [false, true]) {
          const more = isUsed ? [...flags, "--use-mirrors"] : flags;
          const { code, err } = await gcrane(["export", ...more, `${TLS}/app:v1`, join(home.HOME, "fs.tar")], {
            ...variables,
            ...home,
          });
          assertEquals([code, err], [0, ""]);
          const blobs = requests.filter((line) => line.includes("/blobs/"));
          assertEquals(new Set(blobs.map((line) => /^GET ([^/]+)/.exec(line)?.[1])), new Set([isUsed ? MIRROR : TLS]));
          assertEquals(requests.some((line) => line === `GET ${TLS}/v2/app/manifests/v1`), true);
        }
      });
    }
  },

  async "An error that names a dead proxy, its 407, an authority"({ world: { proxy, strictProxy }, gcrane }) {
    const port = await closedPort();
    const cases: [string, Record<string, string>, RegExp][] = [
      [TLS, { HTTPS_PROXY: at(port) }, /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses.* — check HTTPS_PROXY/],
      [PLAIN, { HTTP_PROXY: at(port) }, /the proxy \S+ \(HTTP_PROXY\) refuses.*— check HTTP_PROXY/],
      [TLS, { https_proxy: at(strictProxy.port) }, /\(https_proxy\) demands credentials \(407\) — set https_proxy/],
      [TLS, { HTTPS_PROXY: at(strictProxy.port, "ann:bad@") }, /\(HTTPS_PROXY\) refuses the credentials \(407\)/],
      [
        PLAIN,
        { HTTP_PROXY: at(strictProxy.port) },
        /demands credentials \(407\) — set HTTP_PROXY to a URL with USER:PASSWORD@/,
      ],
      ["other.example.test", { HTTPS_PROXY: at(proxy.port) }, /\(HTTPS_PROXY\) opens no connection .*— check/],
      [TLS, { HTTPS_PROXY: at(proxy.port) }, /can't be trusted — .*--ca-cert or SSL_CERT_FILE.*--insecure/],
    ];
    for (const [host, variables, wanted] of cases) {
      const [name, flags] = host === PLAIN ? [`${PLAIN}:80`, ["--insecure"]] : [host, []];
      const { code, err } = await gcrane(["digest", ...flags, `${name}/app:v1`], variables);
      assertMatch(err, wanted);
      assertEquals([code, err.includes("ann"), err.includes("bad@")], [1, false, false]);
    }
  },

  async "An error that names a demanded client certificate"({ world: { proxy }, gcrane, runtime }) {
    const { code, err } = await gcrane(["digest", `${MTLS}/app:v1`], { HTTPS_PROXY: at(proxy.port), ...CA });
    const [words] = /the server .*?(?= — )/.exec(err) ?? [];
    // Bun reports a failed handshake alone, so that the error names both causes.
    const isVague = runtime === "Bun" || runtime === "Executable";
    const wanted = isVague ? "the server does not speak TLS, or demands a" : "the server demands a";
    assertEquals(words, `${wanted} client certificate`);
    assertMatch(err, /--client-cert/);
    assertEquals(code, 1);
  },
};
