import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { GcraneError, LimitError, UnsafeUrlError } from "../../src/errors.ts";
import { parseRegistry } from "../../src/name/mod.ts";
import { Connection } from "../../src/transport/mod.ts";
import { type FakeAnswer, fakeFetch, type FakeHandler, type FakeNetwork, fakeServer, json } from "../fakes/mod.ts";
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

/** A registry that sends everything but the ping elsewhere. */
function redirects(location: string, status = 307): FakeHandler {
  return ({ url }) => url.pathname === "/v2/" ? OK : redirect(location, status);
}

async function refused(network: FakeNetwork, words: string): Promise<string[]> {
  const { connection, requests } = connecting(network, { keychain: annsKeychain });
  await assertRejects(() => connection.request("team/app", asking()), UnsafeUrlError, words);
  return requests.map(({ host }) => host);
}

describe("security rule 1: the token realm", () => {
  const tokenServer: FakeHandler = () => json(200, { token: "t" });

  it("may be https anywhere, and anywhere at the registry itself", async () => {
    for (const realm of ["https://auth.example.com/token", `${HOME}/token`, `${HOME}:443/token`]) {
      const home: FakeHandler = (request) =>
        request.url.pathname === "/token" ? tokenServer(request) : wantsToken(realm)(request);
      const { connection } = connecting({ [HOME]: home, "https://auth.example.com": tokenServer }, {
        keychain: annsKeychain,
      });
      assertEquals((await connection.request("team/app", asking())).response.status, 200);
    }
  });

  it("may not be http (rule 25), not private, and no other scheme", async () => {
    for (
      const [realm, words] of [
        ["http://auth.example.com/token", "not https"],
        ["http://registry.example.com/token", "not https"],
        ["https://169.254.169.254/token", "link-local"],
        ["https://2130706433/token", "private"],
        ["https://[::ffff:10.0.0.1]/token", "private"],
        ["file:///etc/passwd", "scheme"],
      ]
    ) assertEquals(await refused({ [HOME]: wantsToken(realm) }, words), ["registry.example.com"]);
  });

  it("may be http, and at a private address of the same class, where the ping ended on http", async () => {
    for (
      const realm of [
        "http://auth.example.com/token",
        "http://10.0.0.1:5000/token",
        "https://auth.example.com/t",
        "http://192.168.0.1:5000/token",
      ]
    ) {
      const network: FakeNetwork = {
        "http://10.0.0.1:5000": (request) =>
          request.url.pathname === "/token" ? tokenServer(request) : wantsToken(realm)(request),
        "http://auth.example.com": tokenServer,
        "https://auth.example.com": tokenServer,
        "http://192.168.0.1:5000": tokenServer,
      };
      const connection = new Connection(parseRegistry("10.0.0.1:5000"), { fetch: fakeFetch(network).fetch });
      assertEquals((await connection.request("team/app", asking())).response.status, 200);
    }
    for (const realm of ["http://127.0.0.1:6000/token", "http://localhost/token", "http://100.64.0.1/token"]) {
      const { fetch, requests } = fakeFetch({ "http://10.0.0.1:5000": wantsToken(realm) });
      const connection = new Connection(parseRegistry("10.0.0.1:5000"), { fetch });
      await assertRejects(() => connection.request("team/app", asking()), UnsafeUrlError, "private");
      assertEquals(new Set(requests.map(({ host }) => host)), new Set(["10.0.0.1:5000"]));
    }
  });
});

describe("security rule 2: redirects of a token request", () => {
  const realm = "https://auth.example.com/0";
  const stepping = (last: (step: number) => FakeAnswer | undefined): FakeHandler => ({ url }) => {
    const step = Number(url.pathname.slice(1));
    return last(step) ?? redirect(`/${step + 1}`, 302);
  };

  it("are at most ten", async () => {
    for (const [count, accepted] of [[10, true], [11, false]] as const) {
      const server = stepping((step) => step === count ? json(200, { token: "t" }) : undefined);
      const { connection, requests } = connecting({ [HOME]: wantsToken(realm), "https://auth.example.com": server });
      const answer = connection.request("team/app", asking());
      if (accepted) assertEquals((await answer).response.status, 200);
      else await assertRejects(() => answer, LimitError, "more than 10 redirects");
      assertEquals(requests.filter(({ host }) => host === "auth.example.com").length, 11);
    }
  });

  it("are each under rule 1", async () => {
    for (
      const [location, words] of [
        ["http://auth.example.com/1", "not https"],
        ["https://10.0.0.1/token", "private"],
        ["https://0x7f.1/token", "private"],
        ["gopher://auth.example.com/", "scheme"],
      ]
    ) {
      const hosts = await refused(
        { [HOME]: wantsToken(realm), "https://auth.example.com": () => redirect(location) },
        words,
      );
      assertEquals(hosts, ["registry.example.com", "auth.example.com"]);
    }
  });
});

describe("security rule 3: redirects", () => {
  const PRIVATE = [
    "http://127.0.0.1:8080/",
    "https://[fd00:ec2::254]/",
    "https://100.64.0.1/",
  ];

  it("never lead to another host that is private, on reads and writes alike", async () => {
    for (const location of PRIVATE) {
      assertEquals(await refused({ [HOME]: redirects(location) }, "private"), [
        "registry.example.com",
        "registry.example.com",
      ]);
      const { connection, requests } = connecting({ [HOME]: redirects(location, 308) });
      const put = asking({ method: "PUT", body: new TextEncoder().encode("{}") });
      await assertRejects(() => connection.request("team/app", put), UnsafeUrlError, "private");
      assertEquals(requests.length, 2);
    }
  });

  it("lead to a private place that is allowed, for a realm and an upload too", async () => {
    const network: FakeNetwork = {
      [HOME]: (request) => {
        if (request.url.pathname === "/v2/") return wantsToken("https://10.0.0.1/token")(request);
        return redirect("https://10.0.0.1:8443/x", 308);
      },
      "https://10.0.0.1": () => json(200, { token: "t" }),
      "https://10.0.0.1:8443": () => OK,
    };
    for (const method of ["GET", "PUT"]) {
      const body = method === "PUT" ? new Uint8Array(3) : undefined;
      const { connection } = connecting(network, { keychain: annsKeychain, allowRedirects: ["10.0.0.1"] });
      const { url } = await connection.request("team/app", asking({ method, body }));
      assertEquals(url.href, "https://10.0.0.1:8443/x");
      const other = connecting(network, { keychain: annsKeychain, allowRedirects: ["10.0.0.1:443"] }).connection;
      await assertRejects(() => other.request("team/app", asking({ method, body })), UnsafeUrlError, "10.0.0.1:8443");
    }
  });

  it("never lead to a link-local address, not where it is allowed either", async () => {
    for (const host of ["2852039166", "169.254.1.1", "[fe80::1]"]) {
      const { connection } = connecting({ [HOME]: redirects(`http://${host}/latest`) }, { allowRedirects: [host] });
      await assertRejects(() => connection.request("team/app", asking()), UnsafeUrlError, "link-local");
    }
  });

  it("never lead there from the host of an earlier redirect either", async () => {
    const network = {
      [HOME]: redirects("https://cdn.example.com/x"),
      "https://cdn.example.com": () => redirect("//10.0.0.1/"),
    };
    assertEquals((await refused(network, "private")).at(-1), "cdn.example.com");
  });

  it("may stay on a private host, or leave it", async () => {
    const network: FakeNetwork = {
      "http://10.0.0.1:5000": redirects("http://10.0.0.1:6000/x"),
      "http://10.0.0.1:6000": () => redirect("https://cdn.example.com/x"),
      "https://cdn.example.com": () => OK,
    };
    const { fetch } = fakeFetch(network);
    const connection = new Connection(parseRegistry("10.0.0.1:5000"), { fetch });
    assertEquals((await connection.request("team/app", asking())).url.href, "https://cdn.example.com/x");
  });

  it("are at most ten, on reads and writes alike", async () => {
    for (const method of ["GET", "PUT", "HEAD"]) {
      for (const [count, accepted] of [[10, true], [11, false]] as const) {
        const home: FakeHandler = ({ url }) => {
          if (url.pathname === "/v2/") return OK;
          const step = Number(url.searchParams.get("step") ?? 0);
          return step === count ? OK : redirect(`?step=${step + 1}`, 308);
        };
        const { connection } = connecting({ [HOME]: home });
        const body = method === "PUT" ? new Uint8Array(3) : undefined;
        const answer = connection.request("team/app", asking({ method, body }));
        if (accepted) assertEquals((await answer).response.status, 200);
        else await assertRejects(() => answer, LimitError, "more than 10 redirects");
      }
    }
  });

  it("are followed by our own rules over the wire, too", async () => {
    const cdn = await fakeServer(() => OK);
    const home = await fakeServer(({ url }) => url.pathname === "/v2/" ? OK : redirect(`http://${cdn.host}/x?sig=1`));
    try {
      const connection = new Connection(parseRegistry(home.host));
      const { response, url } = await connection.request("team/app", asking());
      assertEquals([await response.text(), url.href], ["{}", `http://${cdn.host}/x?sig=1`]);
      // The machine itself is one host, under its name and its address.
      const other = await fakeServer(({ url }) => {
        if (url.pathname === "/v2/") return OK;
        return redirect(url.pathname.endsWith("away") ? "http://10.0.0.1/x" : `http://127.0.0.1:${cdn.port}/x`);
      });
      try {
        const local = new Connection(parseRegistry(`localhost:${other.port}`));
        await assertRejects(
          () => local.request("team/app", asking({ to: "/v2/team/app/manifests/away" })),
          UnsafeUrlError,
          "private",
        );
        assertEquals(cdn.requests.length, 1);
        assertEquals((await local.request("team/app", asking())).url.host, cdn.host);
      } finally {
        await other.close();
      }
    } finally {
      await home.close();
      await cdn.close();
    }
  });

  it("make a read of a write only after 303", async () => {
    for (
      const [status, method, size] of [[301, "PUT", 3], [302, "PUT", 3], [303, "GET", 0], [307, "PUT", 3], [
        308,
        "PUT",
        3,
      ]] as const
    ) {
      const home: FakeHandler = async ({ url, body }) => {
        await new Response(body).arrayBuffer();
        return url.pathname === "/v2/" || url.search === "?moved" ? OK : redirect("?moved", status);
      };
      const { connection, requests } = connecting({ [HOME]: home });
      await connection.request("team/app", asking({ method: "PUT", body: new Uint8Array(3) }));
      assertEquals([requests[2].method, requests[2].bodySize], [method, size]);
    }
  });
});

describe("security rule 12: names that look local", () => {
  it("are asked by https alone", async () => {
    for (
      const name of [
        "registry.local",
        "registry.local:5000",
        "127.0.0.1.evil.com",
        "127.0.0.1.evil.com:5000",
        "10.0.0.1.example.com",
      ]
    ) {
      const { fetch, requests } = fakeFetch({ [`http://${name}`]: () => OK });
      await assertRejects(() => new Connection(parseRegistry(name), { fetch }).ping(), GcraneError);
      assertEquals(requests, []);
      const secure = fakeFetch({ [`https://${name}`]: () => OK });
      assertEquals((await new Connection(parseRegistry(name), { fetch: secure.fetch }).ping()).base.protocol, "https:");
    }
  });
});
