import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { assertRefused, digestOf, RegistryClient, withQuery } from "../../contracts/registry_client.ts";
import { patterned } from "../../contracts/store_contract.ts";
import { programWords } from "../../make/processes.ts";

const PROGRAM = "test/registry/serve_program.ts";

describe("a registry that is killed", () => {
  let disk: string;
  const running = new Set<ChildProcess>();

  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), "gcrane_crash_"));
  });
  afterEach(async () => {
    await Promise.all([...running].map(kill));
    await rm(disk, { recursive: true });
  });

  async function start(): Promise<{ client: RegistryClient; base: string; child: ChildProcess }> {
    const [command, ...words] = programWords(PROGRAM);
    const child = spawn(command, [...words, disk], { stdio: ["ignore", "pipe", "inherit"] });
    running.add(child);
    const [base] = await once(createInterface({ input: child.stdout! }), "line");
    return { client: new RegistryClient({ fetch, base }), base, child };
  }

  async function kill(child: ChildProcess): Promise<void> {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  it("in the middle of an upload shows nothing of it, and goes on with it", async () => {
    const bytes = patterned(3_000_000);
    const digest = digestOf(bytes);
    const first = await start();
    const { digest: manifest } = await first.client.pushImage("crash", "image", "before");
    const upload = await first.client.startUpload("crash");
    await first.client.send("PATCH", upload, { body: bytes.slice(0, 1_000_000) });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        if (sent >= 500_000) {
          await kill(first.child);
          // Node.js's fetch would read on for ever.
          return controller.error(new Error("the registry is dead"));
        }
        controller.enqueue(bytes.slice(1_000_000 + sent, 1_000_000 + (sent += 100_000)));
      },
    }, { highWaterMark: 0 });
    await first.client.send("PATCH", upload, { body: endless }).then(
      () => Promise.reject(new Error("an answer came from a dead registry")),
      () => {},
    );

    const { client } = await start();
    assertEquals((await client.send("HEAD", `/v2/crash/blobs/${digest}`)).status, 404);
    assertEquals(
      (await client.send("HEAD", "/v2/crash/manifests/before")).headers.get("Docker-Content-Digest"),
      manifest,
    );
    const status = await client.send("GET", upload);
    assertEquals(status.status, 204);
    const size = Number(status.headers.get("Range")!.split("-")[1]) + 1;
    assertEquals(size >= 1_000_000 && size < 3_000_000, true);
    const rest = { body: bytes.slice(size), headers: { "Content-Range": `${size}-2999999` } };
    assertEquals((await client.send("PUT", withQuery(upload, `digest=${digest}`), rest)).status, 201);
    assertEquals((await client.send("GET", `/v2/crash/blobs/${digest}`)).bytes, bytes);
  });

  it("does not stand in the way of another over the same directory", async () => {
    const [one, other] = [await start(), await start()];
    const bytes = patterned(1_000_000);
    const digest = digestOf(bytes);
    const upload = await one.client.startUpload("two");
    await one.client.send("PATCH", upload, { body: bytes.slice(0, 400_000) });
    await kill(one.child);
    await other.client.send("PATCH", upload, {
      body: bytes.slice(400_000),
      headers: { "Content-Range": "400000-999999" },
    });
    const third = await start();
    assertEquals((await third.client.send("PUT", withQuery(upload, `digest=${digest}`))).status, 201);
    assertRefused(await other.client.send("GET", upload), 404, "BLOB_UPLOAD_UNKNOWN");
    assertEquals((await other.client.send("GET", `/v2/two/blobs/${digest}`)).bytes, bytes);
    await other.client.pushImage("two", "image", "v1");
    assertEquals(JSON.parse((await third.client.send("GET", "/v2/two/tags/list")).text).tags, ["v1"]);
    await third.client.send("DELETE", "/v2/two/manifests/v1");
    assertEquals((await other.client.send("HEAD", "/v2/two/manifests/v1")).status, 404);
  });
});
