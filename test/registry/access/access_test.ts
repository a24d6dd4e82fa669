import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { AuthError, FileError } from "../../../src/errors.ts";
import { type AccessRule, basicAccess, createRegistry, memoryStore } from "../../../src/registry/mod.ts";
import { assertRefused, digestOf, encode, RegistryClient } from "../../contracts/registry_client.ts";

const base = "http://registry.example.com";
// htpasswd -Bbn carol "correct horse"; htpasswd -sbn bob "correct horse"
const BCRYPT = "$2b$04$QSVjOXg7gBz7dCpKu9ZRruMImtKOFT3CHAaibTUtJ2Cbx680slH8.";
const SHA = "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=";

const basic = (user: string, password: string) => ({
  Authorization: `Basic ${btoa(String.fromCharCode(...encode(`${user}:${password}`)))}`,
});

/** A client that shows credentials. */
function clientOf(fetch: RegistryClientFetch, headers: Record<string, string> = {}): RegistryClient {
  return new RegistryClient({
    fetch: (input, init) => fetch(input, { ...init, headers: { ...headers, ...init?.headers } }),
    base,
  });
}
type RegistryClientFetch = (input: string, init?: RequestInit) => Promise<Response>;

describe("basicAccess", () => {
  it("lets in whoever has a password, in each form that htpasswd keeps", async () => {
    const htpasswd = `# users\n\ncarol:${BCRYPT}\r\nbob:${SHA}\n`;
    const { fetch } = createRegistry({ access: basicAccess({ htpasswd, users: { "zoë": "päss:wörd" } }) });
    for (const [user, password] of [["carol", "correct horse"], ["bob", "correct horse"], ["zoë", "päss:wörd"]]) {
      const client = clientOf(fetch, basic(user, password));
      assertEquals((await client.send("GET", "/v2/")).status, 200, user);
      await client.pushImage(`of/${digestOf(encode(user)).slice(7, 15)}`, "image", "v1");
      for (const wrong of ["", "wrong", `${password} `, password.slice(1)]) {
        assertRefused(await clientOf(fetch, basic(user, wrong)).send("GET", "/v2/"), 401, "UNAUTHORIZED");
      }
    }
    assertRefused(await clientOf(fetch, basic("nobody", "correct horse")).send("GET", "/v2/"), 401, "UNAUTHORIZED");
  });

  it("asks by a challenge, everywhere but where everybody may look", async () => {
    const { fetch } = createRegistry({ access: basicAccess({ users: { a: "b" }, realm: 'the "best"' }) });
    const digest = digestOf(encode("x"));
    const requests: [method: string, path: string][] = [
      ["GET", "/v2/"],
      ["GET", "/v2/_catalog"],
      ["GET", "/v2/x/tags/list"],
      ["GET", "/v2/x/manifests/v1"],
      ["PUT", "/v2/x/manifests/v1"],
      ["DELETE", "/v2/x/manifests/v1"],
      ["GET", `/v2/x/blobs/${digest}`],
      ["DELETE", `/v2/x/blobs/${digest}`],
      ["GET", `/v2/x/referrers/${digest}`],
      ["POST", "/v2/x/blobs/uploads/"],
      ["PATCH", "/v2/x/blobs/uploads/00000000-0000-4000-8000-000000000000"],
      ["POST", "/v2/x/tags/list"],
    ];
    const headers: Record<string, string>[] = [
      {},
      { Authorization: "Basic Og==" },
      { Authorization: "Basic !" },
      { Authorization: "Basic" },
      { Authorization: "Bearer x" },
      { Authorization: `Basic ${btoa("a")}` },
    ];
    for (const shown of headers) {
      for (const [method, path] of requests) {
        const answer = await clientOf(fetch, shown).send(method, path);
        assertRefused(answer, 401, "UNAUTHORIZED");
        assertEquals(answer.headers.get("WWW-Authenticate"), 'Basic realm="the \\"best\\""');
      }
    }
    assertEquals((await clientOf(fetch).send("GET", "/healthz")).status, 200);
  });

  it("lets everybody pull where that is wanted, and nobody push", async () => {
    const { fetch } = createRegistry({ access: basicAccess({ users: { a: "b" }, anonymousPull: true }) });
    const owner = clientOf(fetch, basic("a", "b"));
    const { digest } = await owner.pushImage("open", "image", "v1");
    for (const shown of [{}, { Authorization: "Basic Og==" }]) {
      const anybody = clientOf(fetch, shown as Record<string, string>);
      for (const path of ["open/manifests/v1", "open/tags/list", `open/referrers/${digest}`, "_catalog"]) {
        assertEquals((await anybody.send("GET", `/v2/${path}`)).status, 200, path);
      }
      assertRefused(await anybody.send("GET", "/v2/"), 401, "UNAUTHORIZED"); // that is where clients learn to sign in
      assertRefused(await anybody.send("POST", "/v2/open/blobs/uploads/"), 401, "UNAUTHORIZED");
      assertRefused(await anybody.send("DELETE", `/v2/open/manifests/${digest}`), 401, "UNAUTHORIZED");
    }
    // Wrong credentials are wrong, even where none are needed.
    assertRefused(await clientOf(fetch, basic("a", "c")).send("GET", "/v2/open/tags/list"), 401, "UNAUTHORIZED");
  });

  it("holds everybody to the rules", async () => {
    const rules: AccessRule[] = [
      { user: "anonymous", repository: "public/*", actions: ["pull"] },
      { repository: "shared/**", actions: ["pull", "push"] },
      { user: "ann", repository: "team/**", actions: ["pull", "push", "delete"] },
      { user: "ben", repository: "team/app.x", actions: ["pull"] },
      { user: "root", repository: "**", actions: ["pull", "push", "delete"] },
    ];
    const users = { ann: "1", ben: "2", root: "3" };
    const { fetch } = createRegistry({ access: basicAccess({ users, rules }) });
    const [ann, ben, root] = [["ann", "1"], ["ben", "2"], ["root", "3"]].map(([user, password]) =>
      clientOf(fetch, basic(user, password))
    );
    for (const name of ["public/x", "public/x/y", "shared/a/b", "team/app.x", "team/appsx", "other"]) {
      await root.pushImage(name, name, "v1");
    }
    const seen = async (client: RegistryClient) => {
      const names = ["public/x", "public/x/y", "shared/a/b", "team/app.x", "team/appsx", "other"];
      const answers = await Promise.all(names.map((name) => client.send("GET", `/v2/${name}/tags/list`)));
      return names.filter((_, index) => answers[index].status === 200);
    };
    assertEquals(await seen(clientOf(fetch)), ["public/x"]);
    assertEquals(await seen(ann), ["public/x", "shared/a/b", "team/app.x", "team/appsx"]);
    assertEquals(await seen(ben), ["public/x", "shared/a/b", "team/app.x"]);
    assertRefused(await ben.send("GET", "/v2/other/tags/list"), 403, "DENIED");
    assertRefused(await ben.send("POST", "/v2/team/app.x/blobs/uploads/"), 403, "DENIED");
    await ben.pushImage("shared/b", "of ben", "v1");
    assertRefused(await ben.send("DELETE", "/v2/shared/b/manifests/v1"), 403, "DENIED");
    assertEquals((await ann.send("DELETE", "/v2/team/appsx/manifests/v1")).status, 202);
    // A client that may begin an upload may also cancel it.
    assertEquals((await ben.send("DELETE", await ben.startUpload("shared/b"))).status, 204);
    // The catalog lists all repositories, so it requires access to all.
    assertRefused(await ann.send("GET", "/v2/_catalog"), 403, "DENIED");
    assertRefused(await clientOf(fetch).send("GET", "/v2/_catalog"), 401, "UNAUTHORIZED");
    assertEquals((await root.send("GET", "/v2/_catalog")).status, 200);
  });

  it("mounts only what the caller may read", async () => {
    const rules: AccessRule[] = [
      { user: "ann", repository: "ann/**", actions: ["pull", "push"] },
      { user: "root", repository: "**", actions: ["pull", "push"] },
    ];
    const { fetch } = createRegistry({ access: basicAccess({ users: { ann: "1", root: "2" }, rules }) });
    const [ann, root] = [clientOf(fetch, basic("ann", "1")), clientOf(fetch, basic("root", "2"))];
    const digest = await root.pushBlob("secret", "secret");
    for (const query of [`mount=${digest}&from=secret`, `mount=${digest}`]) {
      assertEquals((await ann.send("POST", `/v2/ann/x/blobs/uploads/?${query}`)).status, 202);
      assertEquals((await ann.send("HEAD", `/v2/ann/x/blobs/${digest}`)).status, 404);
      assertEquals((await root.send("POST", `/v2/ann/y/blobs/uploads/?${query}`)).status, 201);
    }
    assertEquals((await ann.send("POST", `/v2/ann/x/blobs/uploads/?mount=${digest}&from=ann/y`)).status, 201);
  });

  it("makes those wait who guess", async () => {
    let now = 0;
    const access = basicAccess({ users: { a: "right", b: "right" }, failureLimit: 3, clock: () => now });
    const { handle } = createRegistry({ access });
    const ask = async (user: string, password: string, address: string) =>
      await handle(new Request(`${base}/v2/`, { headers: basic(user, password) }), { address });
    const statuses = async (...asked: [user: string, password: string, address: string][]) =>
      (await Promise.all(asked.map((each) => ask(...each)))).map(({ status }) => status);

    assertEquals(await statuses(["a", "1", "ip1"], ["a", "2", "ip1"], ["a", "3", "ip1"]), [401, 401, 401]);
    now = 1;
    const waiting = await ask("a", "right", "ip1");
    assertEquals([waiting.status, waiting.headers.get("Retry-After")], [429, "1"]);
    assertMatch(await waiting.text(), /"TOOMANYREQUESTS"/);
    // Nothing locks the user out: one password a second is tried, and no more.
    now = 1000;
    assertEquals([...await statuses(["a", "4", "ip1"]), ...await statuses(["a", "right", "ip1"])], [401, 429]);
    now = 2000;
    assertEquals(await statuses(["a", "right", "ip1"]), [200]);
    now = 3000;
    assertEquals(
      (await statuses(...Array.from({ length: 20 }, (_, i): [string, string, string] => ["a", `${i}`, "ip1"])))
        .filter((status) => status === 401).length,
      1,
    );
    // Other users of the address, and the same user elsewhere, go on.
    assertEquals(await statuses(["b", "right", "ip1"], ["a", "right", "ip2"]), [200, 200]);
    now = 60_000;
    assertEquals(await statuses(["a", "right", "ip1"]), [200]);

    // Wrong passwords for invented users do not lock out real ones, whether or not these have signed in before.
    for (let i = 0; i < 51; i++) assertEquals(await statuses([`u${i}`, "x", "ip3"]), [401]);
    for (let i = 0; i < 5; i++) assertEquals(await statuses(["a", "right", "ip3"], ["b", "right", "ip3"]), [200, 200]);
    // They slow down the guesses for every user alike, so that nothing shows which users exist.
    for (const user of ["b", "invented"]) {
      assertEquals((await statuses([user, "x", "ip3"], [user, "y", "ip3"])).sort(), [401, 429]);
    }
    // Many guesses at once are no way round.
    const many = Array.from({ length: 50 }, (_, i): [string, string, string] => ["a", `guess ${i}`, "ip5"]);
    assertEquals((await statuses(...many)).filter((status) => status === 401).length <= 3, true);
    // Nor is the right password, sent many times at once, a guess.
    const right = Array.from({ length: 50 }, (): [string, string, string] => ["a", "right", "ip6"]);
    assertEquals(new Set(await statuses(...right)), new Set([200]));
  });

  it("learns of users that come and go", async () => {
    let now = 0;
    let text = `carol:${BCRYPT}\n`;
    const { fetch } = createRegistry({ access: basicAccess({ htpasswd: () => text, clock: () => now }) });
    const status = async (user: string) =>
      (await clientOf(fetch, basic(user, "correct horse")).send("GET", "/v2/")).status;
    assertEquals([await status("carol"), await status("bob")], [200, 401]);
    text = `bob:${SHA}\n`;
    now = 1000;
    assertEquals([await status("carol"), await status("bob")], [401, 200]);
  });

  it("keeps its users while the file of users can't be read, and reports each failure once", async () => {
    let now = 0;
    let read = () => `carol:${BCRYPT}\n`;
    const failures: string[] = [];
    const onUsersError = (error: unknown) => failures.push((error as Error).message);
    const access = basicAccess({ htpasswd: () => read(), clock: () => now, onUsersError });
    const { fetch } = createRegistry({ access });
    const status = async (user: string) => {
      now += 1000;
      return (await clientOf(fetch, basic(user, "correct horse")).send("GET", "/v2/")).status;
    };
    assertEquals(await status("carol"), 200);
    read = () => `carol:${BCRYPT}\nbob\n`;
    assertEquals([await status("carol"), await status("carol"), await status("bob")], [200, 200, 401]);
    assertEquals(failures, ["the htpasswd file, line 2: the line is not user:password"]);
    read = () => {
      throw new Error("no such file");
    };
    assertEquals([await status("carol"), await status("carol")], [200, 200]);
    assertEquals(failures.slice(1), ["no such file"]);
    read = () => `bob:${SHA}\n`;
    assertEquals([await status("carol"), await status("bob")], [401, 200]);
    read = () => "bob\n";
    assertEquals([await status("bob"), failures.length], [200, 3]);
  });

  it("says which line of htpasswd is wrong", () => {
    const wrong: [text: string, message: RegExp][] = [
      ["a", /^the htpasswd file, line 1: the line is not user:password$/],
      [`\na:${SHA}\n:x`, /line 3/],
      ["a:plain", /line 1: the password of a is not hashed with bcrypt or SHA-1/],
      ["a:$apr1$abcdefgh$0123456789012345678901", /not hashed with bcrypt or SHA-1/],
      [`a:${BCRYPT}x`, /not hashed/],
      [`anonymous:${SHA}`, /no user can have the name anonymous/],
    ];
    for (const [htpasswd, message] of wrong) {
      const error = assertThrows(() => basicAccess({ htpasswd }), AuthError);
      assertMatch(error.message, message);
      assertEquals(/plain|apr1/.test(error.message), false);
    }
    assertThrows(() => basicAccess({ users: { anonymous: "x" } }), AuthError);
    const actions = ["read"] as unknown as AccessRule["actions"];
    assertThrows(() => basicAccess({ rules: [{ repository: "a", actions }] }), TypeError);
    assertThrows(() => basicAccess({ rules: [{ repository: "A b", actions: [] }] }), TypeError);
  });
});

describe("an access of one's own", () => {
  it("decides everything, and its failure lets nobody in", async () => {
    const asked: unknown[] = [];
    const store = memoryStore();
    const { fetch } = createRegistry({
      store,
      access: {
        admit(question) {
          asked.push([question.needs, question.wishes]);
          return Promise.reject(new FileError("the users are gone"));
        },
      },
    });
    const client = clientOf(fetch);
    assertRefused(
      await client.send("POST", `/v2/a/blobs/uploads/?mount=${digestOf(encode(""))}&from=b`),
      500,
      "UNKNOWN",
    );
    assertEquals(asked, [[
      [{ type: "repository", name: "a", actions: ["pull", "push"] }],
      [{ type: "repository", name: "b", actions: ["pull"] }],
    ]]);
    await assertRejects(() => clientOf(fetch).startUpload("a"));
  });
});
