// A registry whose disk gets full, as a process on each runtime: a small disk is mounted for it alone.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Bytes, digestOf, RegistryClient, withQuery } from "../contracts/registry_client.ts";
import { available, pathOf } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";
import { rawUpload } from "../make/raw_http.ts";
import { watchedSource } from "../make/streams.ts";
import { gcraneWords, mainFile, withFolder } from "../make/gcrane_process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scripts = (await import("../../package.json", { with: { type: "json" } })).default.scripts;

const namespace = ["unshare", "--user", "--map-root-user", "--mount"];
const mounts = spawnSync(namespace[0], [...namespace.slice(1), "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const skip = mounts ? false : "not applicable: nothing may be mounted here";

/** How gcrane is run: the words, which may be made in a folder that is there as long as the test. */
const programs: { name: string; skip: string | false; words(folder: string): readonly string[] }[] = [
  { name: "this runtime", skip, words: () => gcraneWords },
  {
    name: "Node.js",
    skip: skip || (available("node 22.18") ? false : "Node.js 22.18 or later is not on PATH"),
    words: () => [pathOf("node 22.18"), "--import", standardModules(), mainFile],
  },
  {
    name: "the single file that Bun makes",
    skip: skip || ("Bun" in globalThis ? false : "Bun makes it"),
    words(folder) {
      const file = join(folder, "gcrane");
      const words = scripts.build.replace("dist/gcrane", file).split(" ").slice(1);
      const built = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
      assertEquals(built.status, 0, built.stderr);
      return [file];
    },
  },
];

const size = 20_000_000;
const digest = digestOf(new Uint8Array(size));

describe("a registry whose disk gets full while a body comes in", () => {
  for (const { name, skip, words } of programs) {
    it(
      `answers, logs and counts that, and goes on: ${name}`,
      { skip, timeout: 180_000 },
      () =>
        withFolder((folder) =>
          withSmallDisk(folder, words(folder), async (base, log) => {
            const client = new RegistryClient({ fetch, base });
            const port = Number(new URL(base).port);
            const session = async () => new URL(await client.startUpload("app"), base).pathname;
            const requests: [method: string, path: () => Promise<string> | string][] = [
              ["PATCH", session],
              ["PUT", async () => withQuery(await session(), `digest=${digest}`)],
              ["POST", () => `/v2/app/blobs/uploads/?digest=${digest}`],
            ];
            let count = 0;
            for (const [method, path] of requests) {
              for (const chunked of [true, false]) {
                const answer = await rawUpload(port, `${method} ${await path()} HTTP/1.1`, { size, chunked });
                assertFailed(answer.status, answer.body);
                count++;
              }
              const body = watchedSource(new Uint8Array(size), 65536).stream as ReadableStream<Bytes>;
              const answer = await fetch(base + await path(), { method, body, duplex: "half" } as RequestInit);
              assertFailed(answer.status, await answer.text());
              count++;
              await client.pushBlob("app", `there is room for what is small, after ${method}`);
            }
            const metrics = await (await fetch(`${base}/metrics`)).text();
            assertMatch(metrics, new RegExp(`^gcrane_registry_failures_total ${count}$`, "m"));
            const warnings = log().split("\n").filter((line) =>
              /^\S+Z Warning: (PATCH|PUT|POST) \/v2\/app\/.*ENOSPC/.test(line)
            );
            assertEquals(warnings.length, count, log());
          })
        ),
    );
  }
});

function assertFailed(status: number, body: string): void {
  assertEquals(status, 500, body);
  const [{ code, message }] = JSON.parse(body).errors;
  assertEquals([code, message], ["UNKNOWN", "the registry failed; its log has the reason"]);
}

/** Runs a registry on a disk of 2 MB while work runs with its URL, and a way to see its log. */
async function withSmallDisk(
  folder: string,
  words: readonly string[],
  work: (base: string, log: () => string) => Promise<void>,
): Promise<void> {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  const script = `mount -t tmpfs -o size=2m none "${disk}" && exec "$@"`;
  const serve = ["registry", "serve", "--address", "127.0.0.1:0", "--disk", join(disk, "registry")];
  const [command, ...rest] = [...namespace, "sh", "-c", script, "sh", ...words, ...serve];
  const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let log = "";
  try {
    const base = await new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        const url = /http:\/\/\S+/.exec(log);
        if (url) resolve(url[0]);
      });
      exited.then(() => reject(new Error(`the registry did not start: ${log}`)));
    });
    await work(base, () => log);
    assert(child.exitCode === null, log);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}
