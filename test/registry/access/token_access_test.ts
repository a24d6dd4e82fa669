import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { AuthError } from "../../../src/errors.ts";
import { checkSigningKey } from "../../../src/registry/internal.ts";
import { createRegistry, memoryStore, tokenAccess, type TokenAccessOptions } from "../../../src/registry/mod.ts";
import { assertRefused, digestOf, encode, RegistryClient } from "../../contracts/registry_client.ts";

const base = "http://registry.example.com";
const users = { ann: "1", ben: "2" };
const now = Date.now();

type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** The headers of basic credentials. */
function basic(user: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

/** A client that shows a token. */
function withToken(fetch: Fetch, token: string): RegistryClient {
  return new RegistryClient({
    base,
    fetch: (input, init) => fetch(input, { ...init, headers: { Authorization: `Bearer ${token}`, ...init?.headers } }),
  });
}

/** Asks for a token. */
async function tokenFor(fetch: Fetch, scopes: readonly string[], headers: Record<string, string> = {}) {
  const query = new URLSearchParams([["service", "gcrane"], ...scopes.map((scope) => ["scope", scope])]);
  const answer = await fetch(`${base}/token?${query}`, { headers });
  return { status: answer.status, ...await answer.json() as { token: string; access_token: string } };
}

/** Returns the claims of a token without verifying it. */
function claimsOf(token: string): Record<string, unknown> & { access: unknown } {
  const [, payload] = token.split(".");
  return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
}

function registry(options: TokenAccessOptions = {}, store = memoryStore()): Fetch {
  return createRegistry({ store, access: tokenAccess({ users, ...options }) }).fetch;
}

describe("tokenAccess", () => {
  it("tells by its challenge where to get which token", async () => {
    const client = new RegistryClient({ fetch: registry(), base });
    const digest = digestOf(encode("x"));
    const wanted: [method: string, path: string, scope: string | undefined][] = [
      ["GET", "/v2/", undefined],
      ["GET", "/v2/_catalog", "registry:catalog:*"],
      ["GET", "/v2/a/b/manifests/v1", "repository:a/b:pull"],
      ["HEAD", `/v2/a/b/blobs/${digest}`, "repository:a/b:pull"],
      ["GET", `/v2/a/b/referrers/${digest}`, "repository:a/b:pull"],
      ["PUT", "/v2/a/b/manifests/v1", "repository:a/b:pull,push"],
      ["POST", "/v2/a/b/blobs/uploads/", "repository:a/b:pull,push"],
      ["POST", `/v2/a/blobs/uploads/?mount=${digest}&from=b/c`, "repository:a:pull,push repository:b/c:pull"],
      ["DELETE", "/v2/a/b/manifests/v1", "repository:a/b:delete"],
      ["DELETE", `/v2/a/b/blobs/${digest}`, "repository:a/b:delete"],
    ];
    for (const [method, path, scope] of wanted) {
      const answer = await client.send(method, path);
      assertEquals(answer.status, 401);
      if (method !== "HEAD") assertRefused(answer, 401, "UNAUTHORIZED");
      const start = 'Bearer realm="http://registry.example.com/token",service="gcrane"';
      assertEquals(answer.headers.get("WWW-Authenticate"), scope ? `${start},scope="${scope}"` : start);
    }
  });

  it("makes tokens for who has a password, good for what was asked", async () => {
    const fetch = registry();
    const { status, token, ...rest } = await tokenFor(fetch, ["repository:a:pull,push"], basic("ann", "1"));
    const { access_token, expires_in, issued_at } = rest as unknown as Record<string, unknown>;
    assertEquals([status, access_token, expires_in], [200, token, 300]);
    assertMatch(String(issued_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const claims = claimsOf(token);
    assertEquals([claims.iss, claims.sub, claims.aud], ["gcrane", "ann", "gcrane"]);
    assertEquals(claims.access, [{ type: "repository", name: "a", actions: ["pull", "push"] }]);

    const client = withToken(fetch, token);
    await client.pushImage("a", "image", "v1");
    assertEquals((await client.send("GET", "/v2/")).status, 200);
    for (
      const [method, path] of [["DELETE", "/v2/a/manifests/v1"], ["GET", "/v2/b/tags/list"], ["GET", "/v2/_catalog"]]
    ) {
      const answer = await client.send(method, path);
      assertRefused(answer, 401, "UNAUTHORIZED");
      assertMatch(answer.headers.get("WWW-Authenticate")!, /,error="insufficient_scope"$/);
    }
    const more = await tokenFor(fetch, ["repository:a:*", "registry:catalog:*"], basic("ann", "1"));
    assertEquals((await withToken(fetch, more.token).send("DELETE", "/v2/a/manifests/v1")).status, 202);
    assertEquals((await withToken(fetch, more.token).send("GET", "/v2/_catalog")).status, 200);
  });

  it("makes tokens by a form too", async () => {
    const fetch = registry();
    const post = (form: Record<string, string>) =>
      fetch(`${base}/token`, { method: "POST", body: new URLSearchParams(form) as unknown as string });
    const scope = "repository:a:pull repository:b:push";
    const good = await post({ grant_type: "password", username: "ann", password: "1", service: "gcrane", scope });
    const { access_token } = await good.json();
    assertEquals(claimsOf(access_token).access, [
      { type: "repository", name: "a", actions: ["pull"] },
      { type: "repository", name: "b", actions: ["push"] },
    ]);
    assertEquals((await post({ grant_type: "password", username: "ann", password: "2" })).status, 401);
    assertEquals((await post({ grant_type: "password" })).status, 401);
    assertEquals((await post({ grant_type: "refresh_token", refresh_token: "x" })).status, 400);
    assertEquals((await post({ grant_type: "password", filling: "x".repeat(70_000) })).status, 413);
  });

  it("refuses wrong passwords, other services and other methods", async () => {
    const fetch = registry();
    for (const headers of [{}, basic("ann", "2"), basic("zed", "1"), { Authorization: "Basic !" }]) {
      const answer = await fetch(`${base}/token?service=gcrane`, { headers: headers as Record<string, string> });
      assertEquals(answer.status, 401);
      assertMatch(answer.headers.get("WWW-Authenticate")!, /^Basic realm="/);
      await answer.body?.cancel();
    }
    for (const [method, query, status] of [["GET", "?service=other", 400], ["DELETE", "", 405]] as const) {
      const answer = await fetch(`${base}/token${query}`, { method, headers: basic("ann", "1") });
      await answer.body?.cancel();
      assertEquals(answer.status, status);
    }
    for (let i = 0; i < 12; i++) await (await fetch(`${base}/token`, { headers: basic("ben", `${i}`) })).body?.cancel();
    const more = Array.from({ length: 5 }, (_, i) => fetch(`${base}/token`, { headers: basic("ben", `more ${i}`) }));
    const waiting = (await Promise.all(more)).find(({ status }) => status === 429);
    assertEquals(waiting?.headers.get("Retry-After"), "1");
  });

  it("gives no more than the rules, and nothing for what it does not know", async () => {
    const fetch = registry({
      anonymousPull: false,
      rules: [
        { user: "anonymous", repository: "open/*", actions: ["pull"] },
        { user: "ann", repository: "ann/**", actions: ["pull", "push"] },
      ],
    });
    const scopes = [
      "repository:open/x:pull,push,delete",
      "repository:ann/x:*",
      "repository:ben/x:pull",
      "registry:catalog:*",
      ...["repository:Open/x:pull", "repository:../x:pull", "other:open/x:pull", "repository:open/x", "", "nonsense"],
    ];
    const open = { type: "repository", name: "open/x", actions: ["pull"] };
    const own = { type: "repository", name: "ann/x", actions: ["pull", "push"] };
    assertEquals(claimsOf((await tokenFor(fetch, scopes, basic("ann", "1"))).token).access, [open, own]);
    const anybody = await tokenFor(fetch, scopes);
    assertEquals([anybody.status, claimsOf(anybody.token).access, claimsOf(anybody.token).sub], [200, [open], ""]);
  });

  it("lets everybody pull where that is wanted, with a token or without", async () => {
    const fetch = registry({ anonymousPull: true });
    const owner = withToken(fetch, (await tokenFor(fetch, ["repository:x:pull,push"], basic("ann", "1"))).token);
    await owner.pushImage("x", "image", "v1");
    const { token } = await tokenFor(fetch, ["repository:x:pull,push"]);
    assertEquals((await withToken(fetch, token).send("GET", "/v2/")).status, 200);
    for (const client of [withToken(fetch, token), new RegistryClient({ fetch, base })]) {
      assertEquals((await client.send("GET", "/v2/x/manifests/v1")).status, 200);
      assertRefused(await client.send("POST", "/v2/x/blobs/uploads/"), 401, "UNAUTHORIZED");
    }
    assertRefused(await new RegistryClient({ fetch, base }).send("GET", "/v2/"), 401, "UNAUTHORIZED");
  });

  it("takes no token that is old, forged, or for somebody else", async () => {
    let time = now;
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const signingKey = await exportJWK(privateKey);
    const fetch = registry({ signingKey, clock: () => time });
    const { token } = await tokenFor(fetch, ["repository:x:pull"], basic("ann", "1"));
    const status = async (text: string) => (await withToken(fetch, text).send("GET", "/v2/")).status;
    assertEquals(await status(token), 200);
    time += 299_000;
    assertEquals(await status(token), 200);
    time += 60_000;
    assertEquals(await status(token), 401);
    time = now;

    const [header, payload, signature] = token.split(".");
    const part = (value: unknown) =>
      btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const claims = claimsOf(token);
    const { kid } = JSON.parse(atob(header));
    const forged = [
      "x",
      `${header}.${payload}.`,
      `${header}.${part({ ...claims, access: [{ type: "repository", name: "y", actions: ["*"] }] })}.${signature}`,
      `${part({ alg: "none", kid })}.${payload}.`,
      `${part({ alg: "none" })}.${payload}.${signature}`,
    ];
    const secret = encode(JSON.stringify(await exportJWK(publicKey)));
    forged.push(await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(secret));
    const sign = (changes: Record<string, unknown>, key = privateKey) =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: "ES256", kid }).sign(key);
    assertEquals(await status(await sign({})), 200);
    forged.push(
      await sign({ aud: "other" }),
      await sign({ iss: "other" }),
      await sign({ exp: undefined }),
      await sign({ nbf: now / 1000 + 100 }),
      await sign({}, (await generateKeyPair("ES256")).privateKey),
    );
    for (const text of forged) assertEquals(await status(text), 401, text);
    // Malformed claims of a token are ignored.
    for (const access of [undefined, "x", [null], [{ type: "repository" }]]) {
      const odd = withToken(fetch, await sign({ access }));
      assertRefused(await odd.send("GET", "/v2/x/tags/list"), 401, "UNAUTHORIZED");
    }
  });

  it("is agreed on by servers that share a key", async () => {
    const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const store = memoryStore();
    const [one, other] = [registry({ signingKey: pem }, store), registry({ signingKey: pem }, store)];
    const { token } = await tokenFor(one, ["repository:x:pull,push"], basic("ann", "1"));
    await withToken(other, token).pushImage("x", "image", "v1");
    assertEquals((await withToken(one, token).send("GET", "/v2/x/manifests/v1")).status, 200);
    assertEquals((await withToken(registry(), token).send("GET", "/v2/")).status, 401);
  });

  it("takes the tokens of another server whose keys it trusts", async () => {
    const maker = registry();
    const { token } = await tokenFor(maker, ["repository:x:pull,push"], basic("ann", "1"));
    const jwks = await (await maker(`${base}/.well-known/jwks.json`)).json();
    assert(jwks.keys.every((key: JWK) => key.d === undefined && key.kid !== undefined));
    const realm = "https://auth.example.com/token";
    const asked: string[] = [];
    const fetch = (input: string | URL | Request) => {
      asked.push(String(input));
      return Promise.resolve(Response.json(jwks));
    };
    for (const trustedKeys of [[jwks], [{ keys: [] }, "https://auth.example.com/keys"]]) {
      const taker = registry({ users: {}, trustedKeys, realm, fetch: fetch as typeof globalThis.fetch });
      const client = withToken(taker, token);
      await client.pushImage("x", "image", "v1");
      assertEquals((await taker(`${base}/token`)).status, 404); // it makes none itself
      const challenge = (await taker(`${base}/v2/`)).headers.get("WWW-Authenticate");
      assertEquals(challenge, `Bearer realm="${realm}",service="gcrane"`);
    }
    assertEquals(asked, ["https://auth.example.com/keys"]);
  });

  it("names the URL at which it is seen from outside", async () => {
    const fetch = registry({ publicUrl: "https://registry.example.org", service: "registry.example.org" });
    assertEquals(
      (await fetch("http://10.0.0.7:8080/v2/")).headers.get("WWW-Authenticate"),
      'Bearer realm="https://registry.example.org/token",service="registry.example.org"',
    );
  });

  it("says when the signing key can't be one", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const pem = (type: "rsa") =>
      generateKeyPairSync(type, { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
    const hash = createHash("sha256").update("x").digest("hex");
    for (
      const source of [await exportJWK(publicKey), { kty: "oct", k: hash }, "nonsense", "[]", pem("rsa") as string]
    ) {
      const error = await assertRejects(() => checkSigningKey(source as JWK | string), AuthError);
      assertMatch(error.hint!, /^use a private/);
      assertEquals(error.message.includes(hash), false);
    }
    await checkSigningKey(JSON.stringify(await exportJWK(privateKey)));
    const ed = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    await checkSigningKey(await exportJWK(ed.privateKey));
  });
});
