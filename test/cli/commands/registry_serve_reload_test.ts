import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { inWorld, type World } from "../../make/command_world.ts";
import { gcraneWords } from "../../make/gcrane_process.ts";
import { until, within } from "../../make/waiting.ts";
import { Served } from "./served.ts";

const USERS = { GCRANE_REGISTRY_USERS: "ann:secret" };
const ANN = { Authorization: `Basic ${btoa("ann:secret")}` };
const ANYWHERE = ["--address", "127.0.0.1:0"];

async function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(url, { headers });
  await answer.body?.cancel();
  return answer.status;
}

/** Returns the name in the certificate that a server shows, without verifying it. */
async function certificateName(url: string): Promise<string | undefined> {
  const socket = connectTls({ host: "127.0.0.1", port: Number(new URL(url).port), rejectUnauthorized: false });
  try {
    await within(once(socket, "secureConnect"), { what: "a connection" });
    return [socket.getPeerCertificate().subject.CN].flat()[0];
  } finally {
    socket.destroy();
  }
}

describe("gcrane registry serve, on SIGHUP", () => {
  it("reads permissions, keys and the certificate again, and keeps those that are malformed", () =>
    inWorld(async (world: World) => {
      const place = (name: string) => fileURLToPath(new URL(`../../testdata/runtime/${name}`, import.meta.url));
      const use = (name: string) => {
        copyFileSync(place(`${name}.pem`), world.path("cert.pem"));
        copyFileSync(place(`${name}.key`), world.path("cert.key"));
      };
      use("localhost");
      const served = new Served(
        [...ANYWHERE, "--tls-cert", world.path("cert.pem"), "--tls-key", world.path("cert.key")],
      );
      try {
        const url = await served.url();
        const before = await certificateName(url);
        use("renewed");
        served.io.hangUp();
        await until(() => served.io.err.includes("reloaded"));
        assertEquals([before === "renewed", await certificateName(url)], [false, "renewed"]);
        copyFileSync(place("localhost.pem"), world.path("cert.pem"));
        served.io.hangUp();
        await until(() => served.io.err.includes("can't reload"));
        assertMatch(served.io.err, /Warning: can't reload, .*: the private key is not that of the certificate/);
        assertEquals(await certificateName(url), "renewed");
      } finally {
        assertEquals(await served.interrupt(), 0);
      }
    }));

  it("reads permissions again, and tokens stay valid", () =>
    inWorld(async (world: World) => {
      const file = world.write("allow", "# the team\nann=team/**:pull\n");
      const served = new Served([...ANYWHERE, "--allow-file", file, "--token-auth"], USERS);
      try {
        const url = await served.url();
        const tokenOf = async (name: string) => {
          const answer = await fetch(`${url}/token?scope=repository:${name}:pull`, { headers: ANN });
          return { Authorization: `Bearer ${(await answer.json()).token}` };
        };
        const token = await tokenOf("team/app");
        assertEquals(await status(`${url}/v2/team/app/tags/list`, token), 404);
        assertEquals(await status(`${url}/v2/public/tags/list`, await tokenOf("public")), 401);
        writeFileSync(file, "ann=public:pull\n");
        served.io.hangUp();
        await until(() => served.io.err.includes("reloaded"));
        assertEquals(await status(`${url}/v2/public/tags/list`, await tokenOf("public")), 404);
        assertEquals(await status(`${url}/v2/team/app/tags/list`, token), 404);
        writeFileSync(file, "ann\n");
        served.io.hangUp();
        await until(() => served.io.err.includes("can't reload"));
        assertEquals(await status(`${url}/v2/public/tags/list`, await tokenOf("public")), 404);
      } finally {
        assertEquals(await served.interrupt(), 0);
      }
      assertEquals(served.io.listeners, 0);
    }));

  it("goes on", { timeout: 120_000 }, async () => {
    const [command, ...words] = [...gcraneWords, "registry", "serve", ...ANYWHERE];
    const server = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...USERS } });
    let err = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => void (err += text));
    try {
      await until(() => err.includes(" at http://"));
      server.kill("SIGHUP");
      await until(() => err.includes("reloaded"));
      assertEquals(await status(`${/http:\S+/.exec(err)![0]}/v2/`, ANN), 200);
    } finally {
      server.kill("SIGKILL");
    }
  });
});

describe("gcrane registry serve, before it serves", () => {
  it("refuses a disk that can't be written to, and /healthz finds out later", () =>
    inWorld(async (world: World) => {
      const file = world.write("file", "no directory");
      const refused = new Served([...ANYWHERE, "--disk", file]);
      refused.url().catch(() => {});
      assertEquals(await refused.code, 1);
      assertMatch(refused.io.err, /^Error: can't write .*file.*: (ENOTDIR|EEXIST)/);

      const disk = world.path("disk");
      const served = new Served([...ANYWHERE, "--disk", disk]);
      try {
        const url = await served.url();
        rmSync(disk, { recursive: true });
        writeFileSync(disk, "no directory any more");
        assertEquals(await status(`${url}/healthz`), 503);
        rmSync(disk);
        mkdirSync(disk);
        assertEquals(await status(`${url}/healthz`), 200);
      } finally {
        assertEquals(await served.interrupt(), 0);
      }
    }));
});

describe("gcrane registry serve, an idle connection", () => {
  for (const [flags, seconds] of [[[], 75], [["--keep-alive", "2m"], 120]] as const) {
    it(`stays open for ${seconds} seconds`, async () => {
      const served = new Served([...ANYWHERE, ...flags]);
      try {
        const { port } = new URL(await served.url());
        const socket = connect(Number(port), "127.0.0.1");
        socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
        const [head] = await within(once(socket, "data"), { what: "an answer" });
        socket.destroy();
        assert(String(head).toLowerCase().includes(`keep-alive: timeout=${seconds}\r\n`), String(head));
      } finally {
        assertEquals(await served.interrupt(), 0);
      }
    });
  }
});
