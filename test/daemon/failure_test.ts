import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DockerEngine } from "../../src/daemon/mod.ts";
import { HttpError, NetworkError, NotFoundError } from "../../src/errors.ts";
import { inFolder } from "../make/folders.ts";
import { withEngine } from "../fakes/fake_engine.ts";

const environment = () => undefined;
const at = (host: string) => new DockerEngine({ host, environment });
/** An engine where podman of a user has its socket in this folder. */
const besidePodman = (host: string, folder: string) =>
  new DockerEngine({ host, environment: (name) => name === "XDG_RUNTIME_DIR" ? folder : undefined });

async function unreachable(engine: DockerEngine, text: string): Promise<NetworkError> {
  const error = await assertRejects(() => engine.ping(), NetworkError, text);
  assertStringIncludes(error.message, `can't reach the Docker engine at ${engine.address}: `);
  assert(error.cause instanceof Error);
  return error;
}

describe("an engine that is not there", () => {
  it("has no socket", async () => {
    await inFolder(async (folder) => {
      const run = join(folder, "run");
      const none = besidePodman(`unix://${folder}/none.sock`, run);
      const { hint = "" } = await unreachable(none, "there is no such socket");
      assertStringIncludes(hint, `unix://${run}/podman/podman.sock`);
      await unreachable(besidePodman(`unix://${folder}/none/none.sock`, run), "there is no such socket");
    });
  });

  it("is perhaps podman, whose socket is named", async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "podman"));
      writeFileSync(join(folder, "podman/podman.sock"), "");
      const podman = `unix://${folder}/podman/podman.sock`;
      const { hint } = await unreachable(besidePodman(`unix://${folder}/none.sock`, folder), "there is no such socket");
      assertEquals(hint, `there is a socket at ${folder}/podman/podman.sock: set DOCKER_HOST=${podman}`);
      // It is no help to name the one that was tried.
      const tried = await unreachable(besidePodman(podman, folder), "no process listens on this socket");
      assert(!tried.hint?.includes(`a socket at ${folder}`));
    });
  });

  it("has a socket that nobody listens on any more", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "stale.sock");
      writeFileSync(path, "");
      const { hint = "" } = await unreachable(at(`unix://${path}`), "no process listens on this socket");
      assertStringIncludes(hint, "DOCKER_HOST");
    });
  });

  it("does not listen on the port", async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    for (const scheme of ["tcp", "http", "https"]) {
      const { hint = "" } = await unreachable(at(`${scheme}://127.0.0.1:${port}`), "connection refused");
      assertStringIncludes(hint, "is the engine running");
    }
  });

  it("hangs up", async () => {
    const server = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await unreachable(at(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`), "the connection was cut");
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("does not say in time that it is there", async () => {
    for (const body of [undefined, "O"]) {
      const silent = (_: unknown, response: import("node:http").ServerResponse) => {
        if (body !== undefined) response.writeHead(200, { "api-version": "1.41", "content-length": 2 }).write(body);
      };
      for (const options of [{}, { tcp: true }]) {
        await withEngine({ "GET /_ping": silent }, async (engine) => {
          const client = engine.client({ timeouts: { connectMs: 20 } });
          const error = await assertRejects(() => client.inspect("a"), NetworkError, "within 20 ms");
          assertEquals((error as NetworkError).reason, "timeout");
        }, options);
      }
    }
  });

  it("may take its time for what it is asked then", async () => {
    const late = async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { body: { Id: `sha256:${"a".repeat(64)}` } };
    };
    await withEngine({ "GET /images/a/json": late }, async (engine) => {
      const client = engine.client({ apiVersion: "1.41", timeouts: { connectMs: 1 } });
      assertEquals((await client.inspect("a")).id, `sha256:${"a".repeat(64)}`);
    });
  });

  it("is asked again by the next call", async () => {
    await withEngine({}, async (engine) => {
      let fails = true;
      const fetch: typeof globalThis.fetch = () => {
        if (fails) return Promise.reject(new TypeError("fetch failed"));
        return Promise.resolve(new Response("OK", { headers: { "api-version": "1.41" } }));
      };
      const client = engine.client({ fetch });
      await unreachable(client, "fetch failed");
      fails = false;
      assertEquals((await client.ping()).apiVersion, "1.41");
    });
  });
});

describe("a socket that is not for this user", () => {
  // The errors of the runtimes; with root permissions every socket can be opened.
  const words = ["connect EACCES /var/run/docker.sock", "EACCES: Was there a typo in the url or port?"];
  it("is an error that says how to be let in", async () => {
    for (const message of words) {
      const fetch = () => Promise.reject(Object.assign(new TypeError(message), { code: "EACCES" }));
      const { hint = "" } = await unreachable(new DockerEngine({ environment, fetch }), "permission denied");
      assertStringIncludes(hint, "group");
    }
  });

  if (process.getuid?.() !== 0) {
    it("is that when it really happens", async () => {
      await withEngine({}, async (engine) => {
        chmodSync(engine.host.slice("unix://".length), 0);
        await unreachable(engine.client(), "permission denied");
      });
    });
  }
});

describe("what an engine refuses", () => {
  const refusal = async (status: number, body: string | Record<string, unknown>): Promise<Error> => {
    let error: Error | undefined;
    await withEngine({ "GET /images/a/json": { status, body } }, async (engine) => {
      error = await assertRejects(() => engine.client().inspect("a"), Error);
      assertStringIncludes(error.message, `the Docker engine at ${engine.host} can't inspect a: `);
    });
    return error!;
  };

  it("is told in its own words", async () => {
    for (
      const [status, body, words] of [
        [500, { message: "out of order" }, "out of order"],
        [500, { cause: "broken", message: "out of order: broken", response: 500 }, "out of order: broken"],
        [400, "client version is odd\n", "client version is odd"],
        [500, { message: "two\nlines \u001b[31mred" }, "two lines [31mred"],
        [502, "<html><body>Bad Gateway</body></html>", "it answers 502"],
        [403, "", "it answers 403"],
        [500, { message: "x".repeat(600) }, `${"x".repeat(500)}…`],
        [500, "y".repeat(100_000), "it answers 500"],
        [404, "", "it answers 404"],
      ] as const
    ) {
      const error = await refusal(status, body);
      assert(error instanceof HttpError, error.message);
      assertEquals([error.status, error.method, error.message.split("can't inspect a: ")[1]], [status, "GET", words]);
      assertStringIncludes(error.url, "/v1.41/images/a/json");
    }
  });

  it("is a NotFoundError where it has no such image", async () => {
    for (
      const [status, message] of [[404, "No such image: a"], [500, "docker.io/library/a: image not known"]] as const
    ) {
      const error = await refusal(status, { message });
      assert(error instanceof NotFoundError);
      assertStringIncludes(error.message, message);
    }
  });

  it("has a hint where the versions don't go together", async () => {
    const error = await refusal(400, {
      message: "client version 1.41 is too old. Minimum supported API version is 1.44",
    });
    assertStringIncludes((error as HttpError).hint ?? "", "DOCKER_API_VERSION");
    const tls = await refusal(400, "Client sent an HTTP request to an HTTPS server.");
    assertStringIncludes((tls as HttpError).hint ?? "", "DOCKER_TLS_VERIFY");
  });

  it("is an error even where it is a redirect, which is not followed", async () => {
    const moved = { status: 307, headers: { location: "http://127.0.0.1:1/" }, body: "" };
    for (const options of [{}, { tcp: true }]) {
      await withEngine({ "GET /images/a/json": moved }, async (engine) => {
        await assertRejects(() => engine.client().inspect("a"), HttpError, "it answers 307");
      }, options);
    }
  });

  it("is not told where the answer is cut", async () => {
    const cut = {
      "GET /images/a/json": (_: unknown, response: import("node:http").ServerResponse) => {
        response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy());
      },
    };
    for (const options of [{}, { tcp: true }]) {
      await withEngine(cut, async (engine) => {
        await assertRejects(() => engine.client().inspect("a"), NetworkError, "the connection was cut");
      }, options);
    }
  });
});

describe("a signal", () => {
  it("ends a call with its reason", async () => {
    const reason = new Error("enough");
    const asked = Promise.withResolvers<void>();
    await withEngine({ "GET /images/a/json": () => asked.resolve() }, async (engine) => {
      const client = engine.client();
      assertStrictEquals(await assertRejects(() => client.inspect("a", { signal: AbortSignal.abort(reason) })), reason);
      const controller = new AbortController();
      const call = client.inspect("a", { signal: controller.signal });
      await asked.promise;
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => call), reason);
    });
  });
});
