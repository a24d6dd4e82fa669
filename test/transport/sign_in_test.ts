import { assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { bearer, fromConfig } from "../../src/authn/mod.ts";
import { AuthError, HttpError } from "../../src/errors.ts";
import { streamOf } from "../../src/io/mod.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { Connection } from "../../src/transport/mod.ts";
import { bytesOf, type Cue, fakeFetch, type FakeHandler, FakeRegistry, json, utf8 } from "../fakes/mod.ts";
import { annsKeychain, asking, connectingTo, PULL, registryWithManifest } from "../make/connecting.ts";

const statusOf = async (answer: Promise<{ response: Response }>) => (await answer).response.status;

describe("sign-in of a connection", () => {
  it("shows name and password where the registry wants basic", async () => {
    const { connection, requests } = connectingTo(registryWithManifest({ auth: "basic" }), { keychain: annsKeychain });
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
    assertEquals(requests.map(({ headers }) => headers.get("authorization")), [null, `Basic ${btoa("ann:s3cret")}`]);
  });

  for (const isPingOpen of [false, true]) {
    it(`shows them where 401 names no challenge${isPingOpen ? ", after an open ping" : ""}`, async () => {
      const registry = registryWithManifest({ auth: "basic" });
      const bare: Cue = async (_, usual) => {
        const answer = await usual();
        return answer.status === 401 ? { status: 401 } : answer;
      };
      registry.on("GET", /./, bare, 9);
      const handle: FakeHandler = (request) =>
        isPingOpen && request.url.pathname === "/v2/" ? json(200, {}) : registry.handle(request);
      const faked = fakeFetch({ "https://registry.example.com": handle });
      const connection = new Connection(parseRegistry("registry.example.com"), {
        fetch: faked.fetch,
        keychain: annsKeychain,
      });
      assertEquals(await statusOf(connection.request("team/app", asking())), 200);
      const shown = faked.requests.map(({ headers }) => headers.get("authorization"));
      assertEquals(shown, [null, ...(isPingOpen ? [null] : []), `Basic ${btoa("ann:s3cret")}`]);
    });
  }

  it("asks the keychain once for each repository", async () => {
    const asked: unknown[] = [];
    const keychain = {
      resolve: (target: unknown) => {
        asked.push(target);
        return annsKeychain.resolve({ registry: "" });
      },
    };
    const { connection } = connectingTo(registryWithManifest({ auth: "basic" }), { keychain });
    await Promise.all([connection.request("team/app", asking()), connection.request("team/app", asking())]);
    await connection.request(undefined, asking({ to: "/v2/_catalog" }));
    assertEquals(asked, [
      { registry: "registry.example.com", repository: "team/app" },
      { registry: "registry.example.com", repository: undefined },
    ]);
  });

  it("does not repeat a password that was refused", async () => {
    const keychain = { resolve: () => Promise.resolve(fromConfig({ username: "ann", password: "wrong" })) };
    const { connection, requests } = connectingTo(registryWithManifest({ auth: "basic" }), { keychain });
    const error = await assertRejects(() => connection.request("team/app", asking()), HttpError, "401 Unauthorized");
    assertMatch(error.hint!, /gcrane auth login registry\.example\.com$/);
    assertEquals(requests.length, 2);
  });

  it("shows a registry token as it is, and once", async () => {
    const keychain = { resolve: () => Promise.resolve(bearer("own-t0ken")) };
    const { connection, requests } = connectingTo(registryWithManifest({ auth: "bearer" }), { keychain });
    await assertRejects(() => connection.request("team/app", asking()), HttpError, "401");
    assertEquals(requests.map(({ headers }) => headers.get("authorization")), [null, "Bearer own-t0ken"]);
  });

  it("refuses credentials of a keychain that no header can carry, and does not repeat them", async () => {
    const texts = ["s3c\r\nret", "s3cret\n", "s3crét", "s3cret✓"];
    const cases = texts.flatMap((text) => [["bearer", { registryToken: text }], ["basic", { auth: text }]] as const);
    for (const [auth, config] of cases) {
      const keychain = { resolve: () => Promise.resolve({ authorization: () => Promise.resolve(config) }) };
      const { connection, requests } = connectingTo(registryWithManifest({ auth }), { keychain });
      const error = await assertRejects(() => connection.request("team/app", asking()), AuthError);
      assertEquals(
        error.message,
        "the credentials for registry.example.com hold characters that no header can carry",
      );
      assertFalse(inspect(error).includes("s3c"));
      assertEquals(requests.filter(({ headers }) => headers.has("authorization")), []);
    }
  });

  it("takes any password, which no header carries as it is", async () => {
    const keychain = { resolve: () => Promise.resolve(fromConfig({ username: "ann", password: "s3c\r\nr✓t" })) };
    const { connection, requests } = connectingTo(registryWithManifest({ auth: "basic" }), { keychain });
    await assertRejects(() => connection.request("team/app", asking()), HttpError, "401");
    assertMatch(requests[1].headers.get("authorization")!, /^Basic [A-Za-z0-9+/]+=*$/);
  });

  it("answers a challenge that comes after a ping without one, and remembers it", async () => {
    for (const auth of ["basic", "bearer"] as const) {
      const registry = registryWithManifest({ auth }).on("GET", /^\/v2\/$/, () => json(200, {}));
      const { connection, requests } = connectingTo(registry, { keychain: annsKeychain });
      assertEquals(await statusOf(connection.request("team/app", asking())), 200);
      const before = requests.length;
      assertEquals(await statusOf(connection.request("team/app", asking())), 200);
      assertEquals(requests.length, before + 1);
    }
  });

  it("merges the exchanges of those who ask for the same at the same time", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    const { connection } = connectingTo(registry);
    await Promise.all(Array.from({ length: 5 }, () => connection.request("team/app", asking())));
    assertEquals(registry.tokens.asked, [[PULL]]);
    const push = "repository:team/app:push,pull";
    await connection.request("team/app", asking({ scopes: [push] }));
    assertEquals(registry.tokens.asked, [[PULL], [push]]);
  });

  it("ends the wait for a token only of the one who gave up", async () => {
    let give = () => {};
    const registry = registryWithManifest({ auth: "bearer" }).on("GET", /^\/token/, async (_, usual) => {
      await new Promise<void>((resolve) => give = resolve);
      return await usual();
    });
    const { connection } = connectingTo(registry);
    const stop = new AbortController();
    const first = connection.request("team/app", asking({ signal: stop.signal }));
    const second = connection.request("team/app", asking());
    await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error("enough"));
    await assertRejects(() => first, Error, "enough");
    give();
    assertEquals(await statusOf(second), 200);
    assertEquals(registry.tokens.asked.length, 1);
  });

  it("exchanges again shortly before a token expires", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    let now = 1_000_000;
    const { connection } = connectingTo(registry, { now: () => now });
    await connection.request("team/app", asking());
    now += 289_000;
    await connection.request("team/app", asking());
    assertEquals(registry.tokens.asked.length, 1);
    now += 2000;
    await Promise.all([connection.request("team/app", asking()), connection.request("team/app", asking())]);
    assertEquals(registry.tokens.asked.length, 2);
  });

  it("takes another token, once, when the registry does not take the one it has", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    const { connection } = connectingTo(registry);
    await connection.request("team/app", asking());
    registry.tokens.revoke();
    await Promise.all(Array.from({ length: 4 }, () => connection.request("team/app", asking())));
    assertEquals(registry.tokens.asked.length, 2);
  });

  it("gives up when the new token is refused, too", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    const { connection, requests } = connectingTo(registry);
    const push = asking({ method: "PUT", expect: [201], body: utf8("{}"), scopes: ["repository:team/app:push,pull"] });
    await assertRejects(() => connection.request("team/app", push), HttpError, "401");
    assertEquals(requests.filter(({ method }) => method === "PUT").length, 2);
  });

  it("puts a scope that the registry misses first, and remembers it", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    registry.addManifest("other", { bytes: utf8("{}"), mediaType: "x/y" }, "v1");
    const { connection, requests } = connectingTo(registry, { keychain: annsKeychain });
    const other = asking({ to: "/v2/other/manifests/v1" });
    assertEquals(await statusOf(connection.request("team/app", other)), 200);
    assertEquals(registry.tokens.asked, [[PULL], ["repository:other:pull", PULL]]);
    const before = requests.length;
    assertEquals(await statusOf(connection.request("team/app", other)), 200);
    assertEquals(requests.length, before + 1);
  });

  it("opens a body again after a challenge", async () => {
    const registry = new FakeRegistry({ auth: "bearer" });
    let opened = 0;
    const open = () => Promise.resolve(streamOf(utf8(`{"try":${++opened}}`)));
    const { connection } = connectingTo(registry, { keychain: annsKeychain });
    const put = asking({ method: "PUT", expect: [201], body: { open }, scopes: ["repository:team/app:push,pull"] });
    await connection.request("team/app", put);
    registry.tokens.revoke();
    await connection.request("team/app", put);
    assertEquals(opened, 3);
    assertEquals(new TextDecoder().decode(registry.manifestsOf("team/app").get("v1")!.bytes), '{"try":3}');
  });

  it("uses the refresh token that it was given instead of the password", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    registry.tokens.extra = { refresh_token: "r3fresh" };
    let now = 0;
    const forms: string[] = [];
    registry.on("POST", /^\/token/, async ({ body }, usual) => {
      const bytes = await bytesOf(body);
      forms.push(new TextDecoder().decode(bytes));
      return await usual({ body: streamOf(bytes) });
    });
    const { connection, requests } = connectingTo(registry, { keychain: annsKeychain, now: () => now });
    await connection.request("team/app", asking());
    now += 1e9;
    await connection.request("team/app", asking());
    const exchanges = requests.filter(({ path }) => path.startsWith("/token"));
    assertEquals(exchanges.map(({ method }) => method), ["GET", "POST"]);
    assertEquals(new URLSearchParams(forms[0]).get("refresh_token"), "r3fresh");
  });

  it("falls back on the password where a refresh token is of no use", async () => {
    const registry = registryWithManifest({ auth: "bearer" }).on("POST", /^\/token/, () => ({ status: 404 }), 9);
    registry.tokens.extra = { refresh_token: "r3fresh" };
    let now = 0;
    const { connection } = connectingTo(registry, { keychain: annsKeychain, now: () => now });
    await connection.request("team/app", asking());
    now += 1e9;
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
  });

  it("shows the password again when the refresh token has ended, and from then on", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    registry.tokens.extra = { refresh_token: "r3fresh" };
    let now = 0;
    registry.on("POST", /^\/token/, () => json(400, { error: "invalid_grant" }), 9);
    const { connection, requests } = connectingTo(registry, { keychain: annsKeychain, now: () => now });
    await connection.request("team/app", asking());
    registry.tokens.extra = {};
    for (let i = 0; i < 2; i++) {
      now += 1e9;
      assertEquals(await statusOf(connection.request("team/app", asking())), 200);
    }
    const exchanges = requests.filter(({ path }) => path.startsWith("/token"));
    assertEquals(exchanges.map(({ method }) => method), ["GET", "POST", "GET", "GET"]);
  });

  it("asks for no credentials while a token is good, since they may be out of reach", async () => {
    let now = 1_000_000;
    let asked = 0;
    const authorization = () =>
      ++asked === 1 ? Promise.resolve({ username: "ann", password: "s3cret" }) : Promise.reject(new AuthError("gone"));
    const keychain = { resolve: () => Promise.resolve({ authorization }) };
    const { connection } = connectingTo(registryWithManifest({ auth: "bearer" }), { keychain, now: () => now });
    for (let i = 0; i < 2; i++) assertEquals(await statusOf(connection.request("team/app", asking())), 200);
    assertEquals(asked, 1);
    now += 300_000;
    await assertRejects(() => connection.request("team/app", asking()), AuthError, "gone");
  });

  it("says what is shown, without a request", async () => {
    const registry = registryWithManifest({ auth: "bearer" });
    const { connection } = connectingTo(registry);
    assertEquals(await connection.authorization("team/app", [PULL]), "Bearer token-1");
    assertEquals(await connectingTo(registryWithManifest()).connection.authorization("team/app", [PULL]), undefined);
    const keyed = connectingTo(registryWithManifest({ auth: "basic" }), { keychain: annsKeychain });
    assertEquals(await keyed.connection.authorization(undefined, []), `Basic ${btoa("ann:s3cret")}`);
  });

  it("lets an error of the keychain through, and asks it again", async () => {
    let asked = 0;
    const keychain = {
      resolve: () =>
        ++asked === 1 ? Promise.reject(new AuthError("no config")) : annsKeychain.resolve({ registry: "" }),
    };
    const { connection } = connectingTo(registryWithManifest({ auth: "basic" }), { keychain });
    await assertRejects(() => connection.request("team/app", asking()), AuthError, "no config");
    assertEquals(await statusOf(connection.request("team/app", asking())), 200);
  });
});
