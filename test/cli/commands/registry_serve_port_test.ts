import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { Served } from "./served.ts";

/** Returns a port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("gcrane registry serve and the variable PORT", () => {
  it("listens on that port, and on another with --address", async () => {
    const port = String(await freePort());
    const served = new Served([], { PORT: port });
    const { port: own } = new URL(await served.url());
    assertEquals([own, await fetch(`http://127.0.0.1:${port}/v2/`).then(({ status }) => status)], [port, 200]);
    assertEquals(await served.interrupt(), 0);

    const other = new Served(["--address", "127.0.0.1:0"], { PORT: port });
    assertNotEquals(new URL(await other.url()).port, port);
    assertEquals(await other.interrupt(), 0);
  });

  it("refuses what is no port", async () => {
    const served = new Served([], { PORT: "http" });
    served.url().catch(() => {});
    assertEquals(await served.code, 2);
    assertMatch(served.io.err, /^Error: --address :http is not HOST:PORT/);
  });
});
