import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { NetworkError } from "../../src/errors.ts";
import type { RegistryRequest, Timeouts } from "../../src/transport/mod.ts";
import { type Cue, fakeServer, STALL } from "../fakes/mod.ts";
import { asking, connectingTo, registryWithManifest } from "../make/connecting.ts";

/** Everything off, so that what is set is what ends a request. */
const OFF: Required<Timeouts> = { connectMs: 0, answerMs: 0, slowAnswerMs: 0, stallMs: 0 };
const MANIFEST = /manifests/;

/** How many requests a registry got that does not answer one of them, and the error in the end. */
async function unanswered(
  cue: { method: string; path: RegExp },
  timeouts: Timeouts,
  changes: Partial<RegistryRequest> = {},
): Promise<string> {
  const registry = registryWithManifest().on(cue.method, cue.path, () => STALL, 9);
  const { connection, requests } = connectingTo(registry, {
    timeouts: { ...OFF, ...timeouts },
    retry: { attempts: 2 },
  });
  const { method } = asking(changes);
  const error = await assertRejects(() => connection.request("team/app", asking(changes)), NetworkError);
  assertInstanceOf(error, NetworkError);
  assertEquals([error.reason, error.hint], ["timeout", "check your network"]);
  const count = requests.filter((request) => cue.path.test(request.path)).length;
  return `${count}: ${error.message.replace("registry.example.com", "r").replace(method, "M")}`;
}

describe("a registry that does not answer", () => {
  const says = "M https://r/v2/team/app/manifests/v1: no answer within 10 ms";

  it("is given up and asked again: at the ping", async () => {
    assertEquals(
      await unanswered({ method: "GET", path: /^\/v2\/$/ }, { connectMs: 10 }),
      "2: M https://r/v2/: no answer within 10 ms",
    );
  });

  it("is given up and asked again: for what is read", async () => {
    assertEquals(await unanswered({ method: "GET", path: MANIFEST }, { answerMs: 10 }), `2: ${says}`);
    const head = { method: "HEAD" };
    assertEquals(await unanswered({ ...head, path: MANIFEST }, { answerMs: 10 }, head), `2: ${says}`);
  });

  it("is given up and asked again, later: for lists and what is written", async () => {
    const slow = { slowAnswerMs: 10 };
    assertEquals(await unanswered({ method: "GET", path: MANIFEST }, slow, { patience: "slow" }), `2: ${says}`);
    const put = { method: "PUT", body: new Uint8Array(3) };
    assertEquals(await unanswered({ method: "PUT", path: MANIFEST }, slow, put), `2: ${says}`);
    const stream = { open: () => Promise.resolve(new Blob(["abc"]).stream()), length: 3 };
    assertEquals(await unanswered({ method: "PUT", path: MANIFEST }, slow, { ...put, body: stream }), `2: ${says}`);
    assertEquals(await unanswered({ method: "DELETE", path: MANIFEST }, slow, { method: "DELETE" }), `2: ${says}`);
  });

  it("is given up where its token server does not answer", async () => {
    const registry = registryWithManifest({ auth: "bearer" }).on("GET", /token/, () => STALL);
    const { connection, requests } = connectingTo(registry, { timeouts: { ...OFF, answerMs: 10 } });
    assertEquals((await connection.request("team/app", asking())).response.status, 200);
    assertEquals(requests.filter(({ path }) => path.startsWith("/token")).length, 2);
  });

  it("is asked again where its answer stalls", async () => {
    const stall: Cue = async (_, usual) => ({ ...await usual(), length: 19, stalls: true, body: "{" });
    const registry = registryWithManifest().on("GET", MANIFEST, stall);
    const server = await fakeServer(registry.handle);
    try {
      const { connection, requests } = connectingTo(registry, {
        fetch: (input, init) =>
          fetch(String(input).replace("https://registry.example.com", `http://${server.host}`), init),
        timeouts: { ...OFF, stallMs: 20 },
      });
      const answer = await connection.requestWhole("team/app", asking(), { limit: 100, what: "manifest" });
      assertEquals(new TextDecoder().decode(answer.bytes), '{"schemaVersion":2}');
      assertEquals([requests.length, server.requests.length], [0, 3]);
    } finally {
      await server.close();
    }
  });
});
