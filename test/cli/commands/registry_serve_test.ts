import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { digest, push } from "../../../src/crane/mod.ts";
import { randomImage } from "../../../src/image/mod.ts";
import { serveFetch } from "../../../src/runtime/mod.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { runFile, Running } from "../../make/processes.ts";
import { Served } from "./served.ts";
import { inWorld, type World } from "../../make/command_world.ts";
import { until } from "../../make/waiting.ts";

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/v2/`);
  await answer.body?.cancel();
  return answer.status === 200;
}

/** What the log has of a registry without users. */
const OPEN = "(every client may pull and push: --htpasswd or GCRANE_REGISTRY_USERS requires sign-in)";

describe("gcrane registry serve", () => {
  it("serves until Ctrl-C, and prints nothing on standard output", async () => {
    const served = new Served(["--address", "127.0.0.1:0"]);
    const url = await served.url();
    assertMatch(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    assertEquals(await answers(url), true);
    assertEquals(await served.interrupt(), 0);
    assertEquals([served.io.out, served.log()], ["", `Info: serving from memory at ${url} ${OPEN}\n`]);
    await assertRejects(() => fetch(`${url}/v2/`));
  });

  for (
    const [address, pattern, host] of [
      ["0", /^http:\/\/127\.0\.0\.1:\d+$/, "127.0.0.1"],
      [":0", /^http:\/\/0\.0\.0\.0:\d+$/, "127.0.0.1"],
      ["localhost:0", /^http:\/\/localhost:\d+$/, "localhost"],
    ] as const
  ) {
    it(`takes an address like ${address}`, async () => {
      const served = new Served([`--address=${address}`]);
      const url = await served.url();
      assertMatch(url, pattern);
      assertEquals(await answers(`http://${host}:${new URL(url).port}`), true);
      assertEquals(await served.interrupt(), 0);
    });
  }

  it("--disk keeps the content", () =>
    inWorld(async (world: World) => {
      const line = ["--address", "127.0.0.1:0", "--disk", world.path("registry")];
      const image = randomImage({ seed: 1 });
      for (const round of ["push", "look"]) {
        const served = new Served(line);
        const url = await served.url();
        assertEquals(served.log(), `Info: serving from ${world.path("registry")} at ${url} ${OPEN}\n`);
        const reference = `${new URL(url).host}/team/app:v1`;
        if (round === "push") await push(image, reference);
        assertEquals(await digest(reference), await image.digest());
        await served.interrupt();
      }
    }));

  it("warns of a bucket that ignores conditions of writes, which several servers can't share", async () => {
    for (const conditions of ["ignored", "heeded"] as const) {
      const s3 = new FakeS3({ conditions });
      const bucket = await serveFetch((request) => s3.fetch(request));
      try {
        const { accessKeyId, secretAccessKey, region } = s3.keys;
        const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region };
        const line = ["--address", "127.0.0.1:0", "--s3", `${bucket.url}/images`];
        const served = new Served(line, keys);
        await served.url();
        const isRemoved = () =>
          s3.asked.some((line) => line.startsWith("DELETE /images/probes/")) &&
          ![...s3.objects.keys()].some((key) => key.startsWith("probes/"));
        const isOver = () => isRemoved() && (conditions === "heeded" || served.io.err.includes("Warning"));
        await until(isOver, { what: "the probe of the bucket" });
        assertEquals(await served.interrupt(), 0);
        const warning = "Warning: the bucket ignores conditional writes (If-Match): run only one server on it\n";
        const start = /^Info: serving from \S+ at \S+ \(.*\)\n/.exec(served.log())![0];
        assertEquals(served.log().slice(start.length), conditions === "ignored" ? warning : "");
      } finally {
        await bucket.close();
      }
    }
  });

  it("warns of what it could not do, and goes on", () =>
    inWorld(async (world: World) => {
      const served = new Served(["--address", "127.0.0.1:0", "--disk", world.path("registry")]);
      const url = await served.url();
      // Replaces the registry's directory with a file.
      rmSync(world.path("registry"), { recursive: true, force: true });
      world.write("registry", "a file");
      const answer = await fetch(`${url}/v2/team/app/blobs/uploads/`, { method: "POST" });
      await answer.body?.cancel();
      assertEquals(answer.status, 500);
      // A round of garbage collection may warn of the same file before or after.
      assertMatch(served.log(), /^Warning: POST \/v2\/team\/app\/blobs\/uploads\/: .*registry.*$/m);
      assertEquals([served.io.err.includes("internal error"), await answers(url)], [false, true]);
      await served.interrupt();
    }));

  it("says when another program listens on this port", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
      const served = new Served(["--address", address]);
      served.url().catch(() => {});
      assertEquals([await served.code, served.io.out, served.io.err], [
        1,
        "",
        `Error: can't listen on ${address}: another program listens on this port — choose another port with --address, or 0 for a free one\n`,
      ]);
    } finally {
      other.close();
    }
  });

  for (const address of ["192.0.2.1:0", "nowhere.invalid:0"]) {
    it(`says when the machine has no such address: ${address}`, async () => {
      const { code, err } = await runFile("cli/main.ts", ["registry", "serve", "--address", address]);
      assertEquals([code, err], [
        1,
        `Error: can't listen on ${address}: this machine does not have that address — 0.0.0.0 listens on all its addresses\n`,
      ]);
    });
  }

  for (const address of ["127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ""]) {
    it(`takes no ${JSON.stringify(address)} for an address`, async () => {
      const served = new Served([`--address=${address}`]);
      served.url().catch(() => {});
      assertEquals([await served.code, served.io.err.split("\n")[0]], [
        2,
        `Error: --address ${address} is not HOST:PORT — for example 127.0.0.1:5000`,
      ]);
    });
  }

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends as a process with 0 by ${signal}`, async () => {
      const running = new Running("cli/main.ts", ["registry", "serve", "--address", "127.0.0.1:0"]);
      await running.says(" at http://");
      running.signal(signal);
      assertEquals([await running.ended(), running.out, running.err.split("\n").length], [0, "", 2]);
    });
  }
});
