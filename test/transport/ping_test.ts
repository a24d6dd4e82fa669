import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError, NameError, NetworkError } from "../../src/errors.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { ping } from "../../src/transport/mod.ts";
import { within } from "../make/waiting.ts";
import { CUT, type FakeAnswer, fakeFetch, type FakeHandler, type FakeNetwork, problem, STALL } from "../fakes/mod.ts";

const OK: FakeAnswer = { status: 200, body: "{}" };
const answers = (outcome: Awaited<ReturnType<FakeHandler>>): FakeHandler => () => outcome;
const challenges = (...values: string[]): FakeAnswer => ({
  status: 401,
  headers: values.map((value) => ["www-authenticate", value] as const),
});

function pinging(name: string, network: FakeNetwork, options: { fallbackMs?: number; insecure?: boolean } = {}) {
  const { fetch, requests } = fakeFetch(network);
  const registry = parseRegistry(name, { insecure: options.insecure });
  const { fallbackMs } = options;
  return { requests, answer: ping(registry, { fetch, headers: new Headers({ "x-test": "1" }), fallbackMs }) };
}

describe("ping", () => {
  it("does not wait for the rest of a body that only has words (rule 19)", { timeout: 60_000 }, async () => {
    for (const status of [401, 503]) {
      const { answer } = pinging("registry.example.com", {
        "https://registry.example.com": answers({
          ...challenges("Basic"),
          status,
          body: "no",
          length: 9,
          stalls: true,
        }),
      });
      const outcome = answer.then(({ challenge }) => challenge?.scheme, (error) => error.status);
      const ended = await within(outcome, { what: "an answer", limit: 20_000 });
      assertEquals(ended, status === 401 ? "basic" : status);
    }
  });

  it("asks /v2/ by https, and takes 200 for: nothing need be shown", async () => {
    const { requests, answer } = pinging("registry.example.com", { "https://registry.example.com": answers(OK) });
    assertEquals(await answer, { base: new URL("https://registry.example.com/v2/"), challenge: undefined });
    assertEquals(requests.map(({ method, path }) => `${method} ${path}`), ["GET /v2/"]);
    assertEquals(requests[0].headers.get("x-test"), "1");
  });

  it("takes the first challenge of 401 that can be answered", async () => {
    const said = challenges('Negotiate, Bearer realm="https://a.example/t",service="s"', 'Basic realm="x"');
    const { answer } = pinging("registry.example.com", { "https://registry.example.com": answers(said) });
    const parameters = { realm: "https://a.example/t", service: "s" };
    assertEquals((await answer).challenge, { scheme: "bearer", parameters });
  });

  it("knows no challenge where 401 brings none that can be answered", async () => {
    const said = challenges("Negotiate", "Digest realm=x");
    const { answer } = pinging("registry.example.com", { "https://registry.example.com": answers(said) });
    assertEquals((await answer).challenge, undefined);
  });

  it("takes a 401 without a challenge for one that asks for Basic", async () => {
    const { answer } = pinging("registry.example.com", { "https://registry.example.com": answers(challenges()) });
    assertEquals((await answer).challenge, { scheme: "basic", parameters: {} });
  });

  for (const status of [403, 404, 302, 500]) {
    it(`takes ${status} for an error`, async () => {
      const { answer } = pinging("registry.example.com", { "https://registry.example.com": answers({ status }) });
      const error = await assertRejects(() => answer, HttpError, `GET https://registry.example.com/v2/: ${status}`);
      assertEquals(error.status, status);
    });
  }

  it("asks by http at once when https fails", async () => {
    const network = { "https://10.0.0.1:5000": answers(CUT), "http://10.0.0.1:5000": answers(OK) };
    const { requests, answer } = pinging("10.0.0.1:5000", network, { fallbackMs: 1e9 });
    assertEquals((await answer).base.href, "http://10.0.0.1:5000/v2/");
    assertEquals(requests.length, 2);
  });

  it("asks by http when https answers something else than 200 and 401", async () => {
    const network = { "https://10.0.0.1:5000": answers({ status: 404 }), "http://10.0.0.1:5000": answers(OK) };
    const { answer } = pinging("10.0.0.1:5000", network, { fallbackMs: 1e9 });
    assertEquals((await answer).base.protocol, "http:");
  });

  it("asks by http too when https takes its time, and gives https up then", async () => {
    const network = { "https://10.0.0.1:5000": answers(STALL), "http://10.0.0.1:5000": answers(OK) };
    const { requests, answer } = pinging("10.0.0.1:5000", network, { fallbackMs: 1 });
    assertEquals((await answer).base.protocol, "http:");
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(requests.map(({ over, status }) => ({ over, status })), [
      { over: true, status: 0 },
      { over: true, status: 200 },
    ]);
  });

  it("does not ask by http while https may still answer in time", async () => {
    const slow: FakeHandler = () => new Promise((resolve) => setTimeout(() => resolve(OK), 5));
    const network = { "https://10.0.0.1:5000": slow, "http://10.0.0.1:5000": answers(OK) };
    const { requests, answer } = pinging("10.0.0.1:5000", network, { fallbackMs: 60_000 });
    assertEquals([(await answer).base.protocol, requests.length], ["https:", 1]);
  });

  it("takes https when it answers after all, while http fails", async () => {
    let answer = (_: FakeAnswer) => {};
    const network: FakeNetwork = {
      "https://10.0.0.1:5000": () => new Promise((resolve) => answer = resolve),
      "http://10.0.0.1:5000": () => {
        setTimeout(() => answer(OK));
        return CUT;
      },
    };
    assertEquals((await pinging("10.0.0.1:5000", network, { fallbackMs: 1 }).answer).base.protocol, "https:");
  });

  it("asks this machine by http first, and by https as soon as that fails", async () => {
    for (const host of ["localhost:5000", "127.0.0.1:5000", "[::1]:5000", "a.localhost:5000"]) {
      const network = { [`https://${host}`]: answers(OK), [`http://${host}`]: answers(OK) };
      const { requests, answer } = pinging(host, network);
      assertEquals((await answer).base.href, `http://${host}/v2/`);
      assertEquals(requests.length, 1);
      for (const failing of [CUT, { status: 400 }]) {
        const secure = pinging(host, { ...network, [`http://${host}`]: answers(failing) });
        assertEquals((await secure.answer).base.href, `https://${host}/v2/`);
      }
    }
  });

  it("never asks by http where the name does not allow it", async () => {
    const network = { "http://registry.example.com": answers(OK) };
    const { requests, answer } = pinging("registry.example.com", network);
    await assertRejects(() => answer, NetworkError);
    assertEquals(requests, []);
    const insecure = pinging("registry.example.com", network, { insecure: true });
    assertEquals((await insecure.answer).base.href, "http://registry.example.com/v2/");
  });

  it("ends on the scheme that its redirects end on, where the name allows that", async () => {
    const network: FakeNetwork = {
      "https://10.0.0.1": answers({ status: 308, headers: { location: "http://10.0.0.1/v2/" } }),
      "http://10.0.0.1": answers(challenges("Basic realm=x")),
    };
    assertEquals((await pinging("10.0.0.1", network, { fallbackMs: 1e9 }).answer).base.href, "http://10.0.0.1/v2/");
  });

  it("stays with https when a registry that has to be https redirects to http, or elsewhere", async () => {
    for (const location of ["http://registry.example.com/v2/", "http://other.example.com/v2/"]) {
      const network: FakeNetwork = {
        "https://registry.example.com": answers({ status: 307, headers: { location } }),
        [new URL(location).origin]: answers(OK),
      };
      const { answer } = pinging("registry.example.com", network);
      assertEquals((await answer).base.href, "https://registry.example.com/v2/");
    }
  });

  it("tells https's failure when that is what was meant, else http's", async () => {
    const bad: FakeHandler = () => {
      throw new TypeError("fetch failed", { cause: new Error("invalid peer certificate: UnknownIssuer") });
    };
    const failing = (https: FakeHandler, http: FakeHandler) =>
      pinging("10.0.0.1:5000", { "https://10.0.0.1:5000": https, "http://10.0.0.1:5000": http }).answer;
    await assertRejects(() => failing(bad, answers(CUT)), NetworkError, "https://10.0.0.1:5000/v2/: the TLS cert");
    await assertRejects(() => failing(bad, answers({ status: 400 })), NetworkError, "the TLS certificate");
    await assertRejects(() => failing(answers(problem(503, "UNAVAILABLE")), answers(CUT)), HttpError, "503");
    await assertRejects(
      () => failing(answers(CUT), answers(problem(404, "NO"))),
      HttpError,
      "GET http://10.0.0.1:5000",
    );
    await assertRejects(() => failing(answers(CUT), answers(CUT)), NetworkError, "http://10.0.0.1:5000/v2/: the conn");
  });

  it("can't be begun where the name is no host", async () => {
    for (const name of ["foo.bar.com:99999", "256.256.256.256:80", "[::1::2]:5000"]) {
      const { answer } = pinging(name, {});
      const error = await assertRejects(() => answer, NameError, `${JSON.stringify(name)} can't be the host of a URL`);
      assertEquals(error.hint?.includes("HOST:PORT"), true);
    }
  });

  it("ends with the signal's reason", async () => {
    const stop = new AbortController();
    const { fetch, requests } = fakeFetch({
      "https://10.0.0.1:5000": answers(STALL),
      "http://10.0.0.1:5000": answers(STALL),
    });
    const answer = ping(parseRegistry("10.0.0.1:5000"), {
      fetch,
      headers: new Headers(),
      signal: stop.signal,
      fallbackMs: 0,
      onRequest: () => {},
    });
    const reason = new Error("enough");
    setTimeout(() => stop.abort(reason), 5);
    assertEquals(await answer.catch((error) => error), reason);
    assertEquals(requests.every(({ over }) => over), true);
  });
});
