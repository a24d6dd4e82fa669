import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError, LimitError, NetworkError, ProtocolError } from "../../src/errors.ts";
import { streamOf } from "../../src/io/mod.ts";
import { type RequestEvent, VERSION } from "../../src/transport/mod.ts";
import { bytesOf, CUT, fakeFetch, FakeRegistry, type FakeRequest, problem, STALL, utf8 } from "../fakes/mod.ts";
import { asking, connecting, connectingTo, registryWithManifest } from "../make/connecting.ts";
import { until } from "../make/waiting.ts";

const MANIFEST = /manifests/;
const statusOf = async (answer: Promise<{ response: Response }>) => (await answer).response.status;

describe("a header of a request", () => {
  it("that can't be sent is an error which names it", async () => {
    const { connection } = connectingTo(registryWithManifest());
    const headers = { "content-type": "application/x\r\nx-more: 1" };
    const put = () => connection.request("team/app", asking({ method: "PUT", headers, body: new Uint8Array(1) }));
    const error = await assertRejects(put, ProtocolError);
    assertEquals(
      error.message,
      "PUT https://registry.example.com/v2/team/app/manifests/v1: content-type has characters that no header can carry",
    );
  });
});

describe("a connection", () => {
  it("pings once, and says who it is in every request", async () => {
    const { connection, requests } = connectingTo(registryWithManifest({ auth: "bearer" }), { userAgent: "tester/2" });
    await connection.request("team/app", asking());
    await connection.request("team/app", asking());
    assertEquals(requests.map(({ path }) => path.replace(/\?.*/, "")), [
      "/v2/",
      "/token",
      "/v2/team/app/manifests/v1",
      "/v2/team/app/manifests/v1",
    ]);
    assertEquals(
      new Set(requests.map(({ headers }) => headers.get("user-agent"))),
      new Set([`tester/2 gcrane/${VERSION}`]),
    );
  });

  it("pings again after a ping that failed", async () => {
    const registry = registryWithManifest().on("GET", /^\/v2\/$/, () => problem(404, "NO"));
    const { connection } = connectingTo(registry);
    await assertRejects(() => connection.request("team/app", asking()), HttpError, "404");
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
  });

  it("sends the headers it is given, and says what it did", async () => {
    const events: RequestEvent[] = [];
    const { connection, requests } = connectingTo(registryWithManifest(), { onRequest: (event) => events.push(event) });
    await connection.request("team/app", asking({ headers: { accept: "x/y" } }));
    assertEquals(requests[1].headers.get("accept"), "x/y");
    assertEquals(events.map(({ method, url, status, ms }) => [method, url, status, ms >= 0]), [
      ["GET", "https://registry.example.com/v2/", 200, true],
      ["GET", "https://registry.example.com/v2/team/app/manifests/v1", 200, true],
    ]);
  });

  it("tells of requests without an answer too", async () => {
    const events: RequestEvent[] = [];
    const { connection } = connecting({ "https://registry.example.com": () => CUT }, {
      onRequest: (event) => events.push(event),
      retry: { attempts: 1 },
    });
    await assertRejects(() => connection.ping(), NetworkError);
    assertEquals(events.map(({ status }) => status), [undefined]);
  });

  it("takes the statuses that are expected for no error", async () => {
    const { connection } = connectingTo(new FakeRegistry());
    assertEquals(await statusOf(connection.request("team/app", asking({ expect: [200, 404] }))), 404);
  });

  it("ends with the signal's reason, before and during a request", async () => {
    const registry = registryWithManifest().on("GET", MANIFEST, () => STALL);
    const { connection, requests } = connectingTo(registry);
    const stop = new AbortController();
    const answer = connection.request("team/app", asking({ signal: stop.signal }));
    const reason = new Error("enough");
    setTimeout(() => stop.abort(reason), 5);
    assertStrictEquals(await answer.catch((error) => error), reason);
    assertStrictEquals(await connection.request("team/app", asking({ signal: stop.signal })).catch((e) => e), reason);
    assertEquals(requests.map(({ over }) => over), [true, true]);
  });

  it("ends a ping that no other caller waits for", async () => {
    const registry = registryWithManifest().on("GET", /^\/v2\/$/, () => STALL);
    const { connection, requests } = connectingTo(registry);
    const stop = new AbortController();
    const asked = connection.request("team/app", asking({ signal: stop.signal }));
    await until(() => requests.length === 1, { what: "the ping" });
    stop.abort(new Error("enough"));
    await assertRejects(() => asked, Error, "enough");
    assertEquals(requests.map(({ over }) => over), [true]);
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
  });

  it("does not end a ping that others wait for", async () => {
    let answer = () => {};
    const registry = registryWithManifest().on("GET", /^\/v2\/$/, async (_, usual) => {
      await new Promise<void>((resolve) => answer = resolve);
      return await usual();
    });
    const { connection } = connectingTo(registry);
    const stop = new AbortController();
    const impatient = connection.request("team/app", asking({ signal: stop.signal }));
    const patient = connection.request("team/app", asking());
    stop.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    answer();
    assertEquals(await statusOf(patient), 200);
  });
});

describe("retries of a connection", () => {
  for (const status of [408, 429, 499, 500, 502, 503, 504, 522]) {
    it(`tries again after ${status}, waiting longer each time`, async () => {
      const registry = registryWithManifest().on("GET", MANIFEST, () => problem(status, "BUSY"), 3);
      const { connection, waits } = connectingTo(registry);
      assertEquals(await statusOf(connection.request("team/app", asking())), 200);
      assertEquals(waits, [200, 600, 1800]);
    });
  }

  for (const status of [400, 403, 404, 405, 410, 416, 501, 505, 507, 521]) {
    it(`does not try again after ${status}`, async () => {
      const registry = registryWithManifest().on("GET", MANIFEST, () => problem(status, "NO"));
      const { connection, waits } = connectingTo(registry);
      const error = await assertRejects(() => connection.request("team/app", asking()), HttpError);
      assertEquals([error.status, waits], [status, []]);
    });
  }

  it("gives up after four tries, with the last error", async () => {
    let count = 0;
    const registry = registryWithManifest().on("GET", MANIFEST, () => problem(503, `BUSY_${++count}`), 9);
    const { connection } = connectingTo(registry);
    await assertRejects(() => connection.request("team/app", asking()), HttpError, "BUSY_4");
    assertEquals(count, 4);
  });

  it("spends the patience of a long run once, until the registry answers again", async () => {
    let fails = true;
    const registry = registryWithManifest({ auth: "bearer" });
    const { connection, waits } = connecting({
      "https://registry.example.com": (request) =>
        fails && request.url.pathname === "/token" ? CUT : registry.handle(request),
    }, { retry: { attempts: 8 } });
    const waited = async (request: Promise<unknown>) => {
      await request.catch(() => {});
      return waits.splice(0).length;
    };
    const ask = () => connection.request("team/app", asking());
    assertEquals([await waited(ask()), await waited(ask()), await waited(ask())], [7, 3, 3]);

    fails = false;
    assertEquals([await waited(ask()), await statusOf(ask())], [0, 200]);
    fails = true;
    const elsewhere = () => connection.request("team/web", asking());
    assertEquals([await waited(elsewhere()), await waited(elsewhere())], [7, 3]);
  });

  it("waits as long as Retry-After asks, in seconds or until a date, but a minute at most", async () => {
    const after = (value: string) => () => ({ status: 429, headers: { "retry-after": value } });
    const registry = registryWithManifest()
      .on("GET", MANIFEST, after("7"))
      .on("GET", MANIFEST, after("0"))
      .on("GET", MANIFEST, after("3600"));
    const { connection, waits } = connectingTo(registry);
    await connection.request("team/app", asking());
    assertEquals(waits, [7000, 600, 60_000]);

    registry.on("GET", MANIFEST, after(new Date(Date.now() + 30_000).toUTCString())).on("GET", MANIFEST, after("soon"));
    await connection.request("team/app", asking());
    assertEquals(waits[3] > 20_000 && waits[3] <= 30_000, true);
    assertEquals(waits[4], 600);
  });

  it("tries again after a connection that was cut", async () => {
    const registry = registryWithManifest().on("GET", MANIFEST, () => CUT, 2);
    const { connection, waits } = connectingTo(registry);
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
    assertEquals(waits.length, 2);
  });

  it("does not try again what won't mend itself", async () => {
    for (const code of ["ENOTFOUND", "ECONNREFUSED", "CERT_HAS_EXPIRED", "EHOSTUNREACH"]) {
      const { connection, waits } = connecting({
        "https://registry.example.com": () => {
          throw new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
        },
      });
      const error = await assertRejects(() => connection.request("team/app", asking()), NetworkError);
      assertNotEquals(error.hint, undefined);
      assertEquals(waits, []);
    }
  });

  it("tries a ping and a token exchange again, too", async () => {
    const registry = registryWithManifest({ auth: "bearer" })
      .on("GET", /^\/v2\/$/, () => problem(503, "BUSY"))
      .on("GET", /^\/token/, () => problem(502, "BUSY"));
    const { connection, waits } = connectingTo(registry);
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
    assertEquals(waits.length, 2);
  });

  it("leaves alone what must not be repeated", async () => {
    const registry = registryWithManifest().on("GET", MANIFEST, () => problem(503, "BUSY"));
    const { connection, waits } = connectingTo(registry);
    await assertRejects(() => connection.request("team/app", asking({ repeatable: false })), HttpError, "503");
    assertEquals(waits, []);
  });

  it("sends the body again, in memory or opened anew", async () => {
    const bodies: string[] = [];
    const registry = new FakeRegistry();
    const keep = async (request: FakeRequest) => {
      bodies.push(new TextDecoder().decode(await bytesOf(request.body)));
      return problem(503, "BUSY");
    };
    registry.on("PUT", MANIFEST, keep, 3);
    const { connection } = connectingTo(registry, { retry: { attempts: 3 } });
    const put = asking({ method: "PUT", expect: [201], body: utf8("memory") });
    await assertRejects(() => connection.request("team/app", put), HttpError);
    let opened = 0;
    const open = () => Promise.resolve(streamOf(utf8(`stream ${++opened}`)));
    registry.on("PUT", MANIFEST, keep, 3);
    await assertRejects(() => connection.request("team/app", { ...put, body: { open } }), HttpError);
    assertEquals(bodies, ["memory", "memory", "memory", "stream 1", "stream 2", "stream 3"]);
  });

  it("leaves the choice of what is tried again to its option", async () => {
    const registry = new FakeRegistry();
    const when = (error: unknown, usual: boolean) => usual ? false : error instanceof HttpError && error.status === 418;
    const { connection } = connectingTo(registry, { retry: { attempts: 3, when } });
    for (const [status, tries] of [[418, 3], [503, 1]] as const) {
      let count = 0;
      registry.on("GET", MANIFEST, () => {
        count++;
        return problem(status, "REFUSED");
      }, 3);
      await assertRejects(() => connection.request("team/app", asking()), HttpError);
      assertEquals([status, count], [status, tries]);
    }
  });

  it("takes a body's own failure for what it is, and does not try again", async () => {
    const { connection, waits } = connectingTo(new FakeRegistry());
    const failure = new Error("the disk is gone");
    const open = () =>
      Promise.resolve(
        new ReadableStream({
          pull() {
            throw failure;
          },
        }, { highWaterMark: 0 }),
      );
    const put = asking({ method: "PUT", expect: [201], body: { open } });
    assertStrictEquals(await connection.request("team/app", put).catch((error) => error), failure);
    assertEquals(waits, []);
  });

  it("reads bodies within the try", async () => {
    const registry = registryWithManifest().on(
      "GET",
      MANIFEST,
      async (_, usual) => ({ ...await usual(), cutAfter: 5 }),
    );
    const { connection, waits } = connectingTo(registry);
    const { bytes } = await connection.requestWhole("team/app", asking(), { limit: 100, what: "manifest" });
    assertEquals([new TextDecoder().decode(bytes), waits.length], ['{"schemaVersion":2}', 1]);
    const tooSmall = { limit: 5, what: "manifest" };
    await assertRejects(
      () => connection.requestWhole("team/app", asking(), tooSmall),
      LimitError,
      "manifest is larger",
    );
  });
});

describe("fakeFetch", () => {
  it("reaches nothing that is not in its network", async () => {
    await assertRejects(() => fakeFetch({}).fetch("https://registry.example.com/"), TypeError, "fetch failed");
  });
});
