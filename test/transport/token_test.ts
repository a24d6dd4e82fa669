import { assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import type { AuthConfig } from "../../src/authn/mod.ts";
import { AuthError, HttpError, LimitError, NetworkError, UnsafeUrlError } from "../../src/errors.ts";
import { basicAuthorization } from "../../src/transport/internal.ts";
import { type ExchangeOptions, exchangeToken } from "../../src/transport/mod.ts";
import { bytesOf, CUT, type FakeAnswer, fakeFetch, type FakeNetwork, type FakeRequest, json } from "../fakes/mod.ts";

const REALM = "https://auth.example.com/token";
const ANN: AuthConfig = { username: "ann", password: "s3cret" };
const IDENTITY: AuthConfig = { identityToken: "id-t0ken" };

function exchanging(
  network: FakeNetwork,
  options: Partial<ExchangeOptions> & { realm?: string; service?: string } = {},
) {
  const { fetch, requests } = fakeFetch(network);
  const { realm = REALM, service, ...rest } = options;
  const challenge = { scheme: "bearer", parameters: { realm, ...(service ? { service } : {}) } };
  const token = exchangeToken(challenge, {
    fetch,
    registry: new URL("https://registry.example.com/v2/"),
    scopes: ["repository:team/app:pull"],
    credentials: {},
    headers: new Headers({ "user-agent": "test" }),
    now: () => 1000,
    ...rest,
  });
  return { requests, token };
}

/** Creates a token server that always sends the same response. */
function saying(value: unknown): FakeNetwork {
  return { "https://auth.example.com": () => json(200, value) };
}

describe("exchangeToken", () => {
  it("asks by GET with the service, each scope by itself and nobody's name", async () => {
    const scopes = ["repository:team/app:push,pull", "repository:base:pull"];
    const { requests, token } = exchanging(saying({ token: "t" }), { scopes, service: "registry example" });
    assertEquals(await token, { value: "t", expiresAt: 61_000 });
    const [{ method, path, headers }] = requests;
    assertEquals(method, "GET");
    const query = new URL(path, REALM).searchParams;
    assertEquals(query.getAll("scope"), scopes);
    assertEquals(query.getAll("service"), ["registry example"]);
    assertEquals([headers.get("authorization"), headers.get("user-agent")], [null, "test"]);
  });

  it("shows a name and a password, in UTF-8", async () => {
    const credentials = { username: "änn", password: "pässwörd ✓" };
    const { requests, token } = exchanging(saying({ token: "t" }), { credentials });
    await token;
    const shown = requests[0].headers.get("authorization")!.replace("Basic ", "");
    const bytes = Uint8Array.from(atob(shown), (char) => char.charCodeAt(0));
    assertEquals(new TextDecoder().decode(bytes), "änn:pässwörd ✓");
  });

  it("keeps what the realm asks for itself", async () => {
    const { requests, token } = exchanging(saying({ token: "t" }), { realm: `${REALM}?account=7` });
    await token;
    assertEquals(requests[0].path, "/token?account=7&scope=repository%3Ateam%2Fapp%3Apull");
  });

  it("sends an identity token by POST, the scopes in one field", async () => {
    let form = "";
    const server = async ({ body }: FakeRequest): Promise<FakeAnswer> => {
      form = new TextDecoder().decode(await bytesOf(body));
      return json(200, { access_token: "t" });
    };
    const { requests, token } = exchanging({ "https://auth.example.com": server }, {
      credentials: IDENTITY,
      scopes: ["repository:a:pull", "repository:b:push,pull"],
      service: "s",
    });
    assertEquals((await token).value, "t");
    const [{ method, path, headers }] = requests;
    assertEquals([method, path], ["POST", "/token"]);
    assertEquals(headers.get("content-type"), "application/x-www-form-urlencoded");
    assertEquals(headers.get("authorization"), null);
    assertEquals(Object.fromEntries(new URLSearchParams(form)), {
      grant_type: "refresh_token",
      refresh_token: "id-t0ken",
      client_id: "gcrane",
      scope: "repository:a:pull repository:b:push,pull",
      service: "s",
    });
  });

  it("asks by GET where the server knows no POST", async () => {
    const network = {
      "https://auth.example.com": ({ method }: FakeRequest) =>
        method === "POST" ? { status: 404 } : json(200, { token: "t" }),
    };
    const { requests, token } = exchanging(network, { credentials: { ...IDENTITY, ...ANN } });
    assertEquals((await token).value, "t");
    assertEquals(requests.map(({ method }) => method), ["POST", "GET"]);
    assertEquals(requests[1].headers.get("authorization"), `Basic ${btoa("ann:s3cret")}`);
  });

  it("does not ask again where POST is refused", async () => {
    const { requests, token } = exchanging({ "https://auth.example.com": () => ({ status: 400 }) }, {
      credentials: IDENTITY,
    });
    await assertRejects(() => token, HttpError, "POST https://auth.example.com/token: 400");
    assertEquals(requests.length, 1);
  });

  it("refuses a token that no header can carry, and does not repeat it", async () => {
    for (const token of ["s3c\r\nret", "s3cret\n", "s3c\0ret", "s3crét", "s3cret✓"]) {
      for (const answer of [{ token }, { access_token: token, token: "t" }]) {
        const error = await assertRejects(() => exchanging(saying(answer)).token, AuthError);
        assertEquals(
          error.message,
          `the answer of the token server ${REALM}?scope=repository:team/app:pull holds a token with characters that no header can carry`,
        );
        assertFalse(inspect(error).includes("s3c"));
      }
    }
    assertEquals((await exchanging(saying({ token: "a.b-c_d~e+f/g==" })).token).value, "a.b-c_d~e+f/g==");
  });

  it("prefers access_token", async () => {
    assertEquals((await exchanging(saying({ token: "old", access_token: "new" })).token).value, "new");
    assertEquals((await exchanging(saying({ token: "old", access_token: "" })).token).value, "old");
  });

  it("learns how long the token lives, and the refresh token", async () => {
    const { token } = exchanging(saying({ token: "t", expires_in: 300, refresh_token: "r" }));
    assertEquals(await token, { value: "t", expiresAt: 301_000, refreshToken: "r" });
    for (const odd of [0, -5, "300", null]) {
      assertEquals(
        (await exchanging(saying({ token: "t", expires_in: odd, refresh_token: 1 })).token).expiresAt,
        61_000,
      );
    }
  });

  it("refuses an answer without a token", async () => {
    for (const said of [{}, { token: "" }, { token: 7 }, [], null, "t"]) {
      await assertRejects(() => exchanging(saying(said)).token, AuthError, "https://auth.example.com/token");
    }
  });

  it("refuses an answer that is not JSON, without repeating it", async () => {
    const network = { "https://auth.example.com": () => ({ status: 200, body: "s3cret token" }) };
    const error = await assertRejects(() => exchanging(network).token, AuthError, "is not JSON");
    assertEquals(JSON.stringify([error.message, `${error.cause}`]).includes("s3cret"), false);
  });

  it("reads an answer of 64 KiB and no more", async () => {
    const answer = JSON.stringify({ token: "t" });
    const padded = (size: number) => ({
      "https://auth.example.com": () => ({ status: 200, body: answer.padEnd(size) }),
    });
    assertEquals((await exchanging(padded(65536)).token).value, "t");
    await assertRejects(() => exchanging(padded(65537)).token, LimitError, "65536");
  });

  it("fails as a request does when the answer is cut", async () => {
    const cut = { "https://auth.example.com": () => ({ ...json(200, { token: "t" }), cutAfter: 3 }) };
    await assertRejects(() => exchanging(cut).token, NetworkError, "GET https://auth.example.com/token");
    await assertRejects(() => exchanging({ "https://auth.example.com": () => CUT }).token, NetworkError, "was cut");
  });

  it("names the registry to sign in to, not the token server", async () => {
    const network = { "https://auth.example.com": () => ({ status: 401, body: "unknown user" }) };
    const { token } = exchanging(network, { credentials: ANN });
    const error = await assertRejects(() => token, HttpError, "401 Unauthorized: unknown user");
    assertMatch(error.hint!, /gcrane auth login registry\.example\.com$/);
  });

  it("needs a realm", async () => {
    const options = { scopes: [], credentials: {}, headers: new Headers(), now: Date.now };
    const registry = new URL("https://registry.example.com/v2/");
    const ask = (parameters: Record<string, string>) =>
      exchangeToken({ scheme: "bearer", parameters }, { ...options, registry, fetch: fakeFetch({}).fetch });
    await assertRejects(() => ask({}), AuthError, "registry.example.com asks for a bearer token but names no realm");
    await assertRejects(() => ask({ realm: "/token" }), AuthError, "a realm that is not a URL");
  });

  it("follows redirects, and shows the password only where it belongs", async () => {
    const network: FakeNetwork = {
      "https://auth.example.com": ({ url }) =>
        url.pathname === "/token"
          ? { status: 302, headers: { location: `/moved${url.search}` } }
          : { status: 307, headers: { location: "https://other.example.com/token" } },
      "https://other.example.com": () => json(200, { token: "t" }),
    };
    const { requests, token } = exchanging(network, { credentials: ANN });
    assertEquals((await token).value, "t");
    assertEquals(requests.map(({ host, headers }) => [host, headers.has("authorization")]), [
      ["auth.example.com", true],
      ["auth.example.com", true],
      ["other.example.com", false],
    ]);
  });

  it("sends an identity token nowhere else", async () => {
    for (const location of ["https://other.example.com/token", "https://auth.example.com:444/token"]) {
      const network: FakeNetwork = { "https://auth.example.com": () => ({ status: 308, headers: { location } }) };
      const { requests, token } = exchanging(network, { credentials: IDENTITY });
      await assertRejects(() => token, AuthError, "redirects an identity token to https://");
      assertEquals(requests.length, 1);
    }
  });

  it("refuses a realm before anything is sent", async () => {
    const { requests, token } = exchanging({}, { realm: "http://auth.example.com/token", credentials: ANN });
    await assertRejects(() => token, UnsafeUrlError);
    assertEquals(requests, []);
  });
});

describe("basicAuthorization", () => {
  it("takes auth as it is, padded, before name and password", () => {
    assertEquals(basicAuthorization({ auth: "YW5uOng", username: "bob", password: "y" }), "Basic YW5uOng=");
    assertEquals(basicAuthorization({ auth: "YW5uOng=" }), "Basic YW5uOng=");
  });

  it("makes do with a part", () => {
    assertEquals(basicAuthorization({ username: "ann" }), `Basic ${btoa("ann:")}`);
    assertEquals(basicAuthorization({ identityToken: "t" }), `Basic ${btoa("<token>:t")}`);
    assertEquals(basicAuthorization({}), undefined);
  });
});
