import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { GcraneError, HttpError, LimitError, UnsafeUrlError } from "../../src/errors.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { Connection, type RequestEvent } from "../../src/transport/mod.ts";
import { type FakeAnswer, type FakeHandler, type FakeNetwork, FakeRegistry, fakeServer, json } from "../fakes/mod.ts";
import { annsKeychain, asking, connecting } from "../make/connecting.ts";

// One suite for each row of the security rules that the transport keeps; the others are in test/remote.

const HOME = "https://registry.example.com";
const OK: FakeAnswer = { status: 200, body: "{}" };
const redirect = (location: string, status = 307): FakeAnswer => ({ status, headers: { location } });

/** A registry that wants a token of a realm, and takes any. */
function wantsToken(realm: string): FakeHandler {
  return ({ headers }) =>
    headers.get("authorization")?.startsWith("Bearer ")
      ? OK
      : { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}",service="s"` } };
}

describe("security rule 5: credentials", () => {
  const shown = (requests: { host: string; headers: Headers }[]) =>
    requests.map(({ host, headers }) => `${host} ${headers.get("authorization")?.split(" ")[0] ?? "-"}`);

  for (const auth of ["basic", "bearer"] as const) {
    it(`are not sent to another host or port (${auth})`, async () => {
      for (const elsewhere of ["https://cdn.example.com", `${HOME}:8443`, "http://registry.example.com"]) {
        const registry = new FakeRegistry({ auth }).on("GET", /manifests/, () => redirect(`${elsewhere}/x`));
        const { connection, requests } = connecting({ [HOME]: registry.handle, [elsewhere]: () => OK }, {
          keychain: annsKeychain,
        });
        await connection.request("team/app", asking());
        const scheme = auth === "basic" ? "Basic" : "Bearer";
        assertEquals(shown(requests).slice(-2), [
          `registry.example.com ${scheme}`,
          `${new URL(elsewhere).host} -`,
        ]);
      }
    });
  }

  it("are sent where only the default port is written out", async () => {
    const registry = new FakeRegistry({ auth: "basic" }).on("GET", /manifests/, () => redirect(`${HOME}:443/v2/`));
    const { connection, requests } = connecting({ [HOME]: registry.handle }, { keychain: annsKeychain });
    assertEquals((await connection.request("team/app", asking())).response.status, 200);
    assertEquals(shown(requests).at(-1), "registry.example.com Basic");
  });

  it("are not sent any more once another host had a say", async () => {
    const registry = new FakeRegistry({ auth: "basic" }).on(
      "GET",
      /manifests/,
      () => redirect("https://cdn.example.com/x"),
    );
    const network = { [HOME]: registry.handle, "https://cdn.example.com": () => redirect(`${HOME}/v2/_catalog`) };
    const { connection, requests } = connecting(network, { keychain: annsKeychain });
    await assertRejects(() => connection.request("team/app", asking({ repeatable: false })), HttpError, "401");
    assertEquals(shown(requests).slice(1, 4), [
      "registry.example.com Basic",
      "cdn.example.com -",
      "registry.example.com -",
    ]);
    assertEquals(requests.length, 4);
  });

  it("are not what a host elsewhere gets for a challenge: its anonymous token is for that request alone", async () => {
    const registry = new FakeRegistry({ auth: "bearer" }).on(
      "GET",
      /manifests/,
      () => redirect("https://cdn.example.com/x"),
      2,
    );
    const elsewhere: FakeHandler = ({ url, headers }) =>
      url.pathname === "/token"
        ? json(200, { token: "for-cdn" })
        : headers.get("authorization") === "Bearer for-cdn"
        ? OK
        : {
          status: 401,
          headers: { "www-authenticate": 'Bearer realm="https://cdn.example.com/token",scope="x:y:pull"' },
        };
    const { connection, requests } = connecting({ [HOME]: registry.handle, "https://cdn.example.com": elsewhere }, {
      keychain: annsKeychain,
    });
    for (let i = 0; i < 2; i++) assertEquals((await connection.request("team/app", asking())).response.status, 200);
    const atCdn = requests.filter(({ host }) => host === "cdn.example.com");
    assertEquals(atCdn.map(({ path, headers }) => [path, headers.get("authorization")]), [
      ["/x", null],
      ["/token?scope=x%3Ay%3Apull", null],
      ["/x", "Bearer for-cdn"],
      ["/x", null],
      ["/token?scope=x%3Ay%3Apull", null],
      ["/x", "Bearer for-cdn"],
    ]);
    const atHome = requests.filter(({ path }) => path.includes("manifests"));
    assertEquals(atHome.every(({ headers }) => headers.get("authorization") === "Bearer token-1"), true);
  });

  it("are not shown to a host elsewhere that asks for a password, nor is its realm trusted", async () => {
    const registry = new FakeRegistry({ auth: "basic" }).on(
      "GET",
      /manifests/,
      () => redirect("https://cdn.example.com/x"),
      9,
    );
    for (
      const [challenge, error] of [
        ['Basic realm="x"', HttpError],
        ['Bearer realm="http://auth.example.com/token"', UnsafeUrlError],
        ['Bearer realm="https://10.0.0.1/token"', UnsafeUrlError],
      ] as const
    ) {
      const cdn: FakeHandler = () => ({ status: 401, headers: { "www-authenticate": challenge } });
      const { connection, requests } = connecting({ [HOME]: registry.handle, "https://cdn.example.com": cdn }, {
        keychain: annsKeychain,
      });
      const failure = await connection.request("team/app", asking()).catch((error) => error);
      assertInstanceOf(failure, error);
      assertEquals(shown(requests).slice(2), ["cdn.example.com -"]);
    }
  });

  it("are not sent over http for a registry that has to be https", async () => {
    const registry = new FakeRegistry({ auth: "basic" });
    const network: FakeNetwork = {
      [HOME]: () => redirect("http://registry.example.com/v2/"),
      "http://registry.example.com": registry.handle,
    };
    const { connection, requests } = connecting(network, { keychain: annsKeychain });
    await assertRejects(() => connection.request("team/app", asking()), GcraneError);
    const plain = requests.filter(({ url }) => url.protocol === "http:");
    assertEquals(plain.map(({ headers }) => headers.get("authorization")), [null, null]);
  });
});

describe("security rule 7: size limits", () => {
  it("hold for tokens and errors: 64 KiB", async () => {
    const big = { token: "t", padding: "x".repeat(65536) };
    const network = {
      [HOME]: wantsToken("https://auth.example.com/t"),
      "https://auth.example.com": () => json(200, big),
    };
    const { connection } = connecting(network);
    await assertRejects(() => connection.request("team/app", asking()), LimitError, "limit of 65536 bytes");

    const home: FakeHandler = ({ url }) =>
      url.pathname === "/v2/" ? OK : json(403, { errors: [{ code: "DENIED", message: "y".repeat(65536) }] });
    const failing = connecting({ [HOME]: home });
    const error = await assertRejects(() => failing.connection.request("team/app", asking()), HttpError, "403");
    assertEquals(error.diagnostics, []);
  });
});

describe("security rule 15: secrets", () => {
  const SECRETS = ["s3cret", btoa("ann:s3cret"), "signature", "t0ken"];
  const holdsSecret = (value: unknown) => {
    const text = [
      value,
      JSON.stringify(value),
      value instanceof Error ? `${value.stack}${JSON.stringify(value.cause)}${value.cause}` : "",
    ].join();
    return SECRETS.filter((secret) => text.includes(secret));
  };

  it("are neither in errors nor in what is told of requests", async () => {
    const location = "https://u:s3cret@cdn.example.com/blob?X-Amz-Signature=signature";
    const endings: FakeHandler[] = [
      () => ({ status: 403, body: "denied" }),
      () => "cut",
      () => redirect("https://10.0.0.1/?X-Amz-Signature=signature"),
      () => redirect("?again=signature"),
      () => redirect("http://[:signature"),
      () => {
        throw new TypeError(`error sending request for url (${location})`);
      },
    ];
    for (const ending of endings) {
      const events: RequestEvent[] = [];
      const tokenServer: FakeHandler = () => json(200, { token: "t0ken" });
      const home: FakeHandler = (request) =>
        request.url.pathname !== "/v2/" && request.headers.has("authorization")
          ? redirect(location)
          : wantsToken("https://auth.example.com/t?key=s3cret")(request);
      const { connection } = connecting({
        [HOME]: home,
        "https://auth.example.com": tokenServer,
        "https://cdn.example.com": ending,
      }, {
        keychain: annsKeychain,
        onRequest: (event) => events.push(event),
        retry: { attempts: 1 },
      });
      const error = await connection.request("team/app", asking()).catch((error) => error);
      assert(error instanceof GcraneError, `${error}`);
      assertEquals(error.message.includes("\n"), false);
      assertEquals(holdsSecret(error), [], error.message);
      assertEquals(holdsSecret(events), []);
      assert(events.some(({ url }) => url.includes("cdn.example.com/blob?X-Amz-Signature=REDACTED")));
    }
  });

  it("are not in the error of a password that was refused", async () => {
    const refusing: FakeHandler = () => ({ status: 401, headers: { "www-authenticate": "Basic realm=x" } });
    const { connection } = connecting({ [HOME]: refusing }, { keychain: annsKeychain });
    assertEquals(holdsSecret(await connection.request("team/app", asking()).catch((error) => error)), []);
  });

  it("are not in a real network's errors", async () => {
    const server = await fakeServer(({ url }) =>
      url.pathname === "/v2/" ? OK : redirect("http://u:s3cret@127.0.0.1:1/x?sig=signature")
    );
    try {
      const connection = new Connection(parseRegistry(server.host), { retry: { attempts: 1 } });
      const error = await connection.request("team/app", asking()).catch((error) => error);
      assert(error instanceof GcraneError, `${error}`);
      assertEquals(holdsSecret(error), []);
    } finally {
      await server.close();
    }
  });
});
