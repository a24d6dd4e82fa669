import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { askFields, askText, secretUrl } from "../../src/authn/ask_server.ts";
import { AuthError, HttpError, LimitError, NetworkError } from "../../src/errors.ts";
import { CUT, json, STALL } from "../fakes/mod.ts";
import { assertNoSecrets, type CloudWorld, everythingOf, inWorld, type Player } from "./cloud_world.ts";

const ORIGIN = "https://tokens.example.com";
const QUESTION = { who: "the server", url: `${ORIGIN}/token?key=s3cret` };
const PLACE = `the server: GET ${ORIGIN}/token`;

/** Sends a request to a server with scripted responses. */
async function asking(world: CloudWorld, player: Player, changes = {}): Promise<string> {
  world.play(ORIGIN, player);
  return await askText({ ...QUESTION, ...changes }, world.options);
}

describe("a question to a server that hands out credentials", () => {
  it("is asked three times when it fails in passing, longer apart each time", () =>
    inWorld(async (world) => {
      const outcomes = [{ status: 503 }, { status: 429 }, { status: 200, body: "token" }];
      assertEquals(await asking(world, () => outcomes.shift()!), "token");
      assertEquals(world.waits.length, 2);
      assertEquals(world.waits[1] > world.waits[0], true);
      await assertRejects(() => asking(world, () => ({ status: 500 })), HttpError, `${PLACE}: 500`);
      assertEquals(world.asked.length, 6);
      await assertRejects(() => asking(world, () => CUT), NetworkError, `${PLACE}: `);
      assertEquals(world.waits.length, 6);
    }));

  it("is not asked again where that is no use", () =>
    inWorld(async (world) => {
      await assertRejects(() => asking(world, () => ({ status: 404 })), HttpError, `${PLACE}: 404`);
      assertEquals(world.asked.length, 1);
    }));

  it("waits half a minute for an answer", () =>
    inWorld(async (world) => {
      const says = `the server: no answer from ${ORIGIN}/token in 30000 ms`;
      assertEquals((await assertRejects(() => asking(world, () => STALL), NetworkError)).message, says);
      assertEquals(world.givenUpAfter, [30_000]);
      assertEquals(world.asked.length, 1);
    }));

  it("does not follow a redirect, which would take the secrets along", () =>
    inWorld(async (world) => {
      const location = `${ORIGIN}/other`;
      await assertRejects(() => asking(world, () => ({ status: 302, headers: { location } })), HttpError, ": 302");
      assertEquals(world.paths, ["GET /token"]);
    }));

  it("reads an answer of 64 KiB and no more", () =>
    inWorld(async (world) => {
      const body = "x".repeat(64 * 1024);
      assertEquals(await asking(world, () => ({ status: 200, body })), body);
      const longer = () => asking(world, () => ({ status: 200, body: `${body}x` }));
      await assertRejects(longer, LimitError, "the answer of the server is larger than the limit of 65536 bytes");
    }));

  it("is repeated in no error, and neither is an answer", () =>
    inWorld(async (world) => {
      const secrets = ["s3cret", "Bearer-s3cret"];
      const errors = [
        await asking(world, () => json(401, { error: "no", error_description: "no s3cret" }), { secrets }).catch(
          String,
        ),
        everythingOf(await asking(world, () => CUT).catch((error) => error)),
        everythingOf(
          await askText({ ...QUESTION, url: "https://gone.example.com/?s3cret" }, world.options).catch((e) => e),
        ),
        everythingOf(
          await askFields(QUESTION, {
            ...world.options,
            fetch: () => Promise.resolve(new Response("{s3cret")),
          }).catch((error) => error),
        ),
      ];
      assertNoSecrets(errors, secrets);
      assertEquals(errors[2].split("\n")[0], "the server: GET https://gone.example.com/: ECONNREFUSED");
    }));

  it("is not asked with what no header can carry", () =>
    inWorld(async (world) => {
      for (const value of ["s3c\r\nret", "s3cret\n", "s3crét", "s3cret✓"]) {
        const headers = { metadata: "true", authorization: `Bearer ${value}` };
        const error = await assertRejects(() => asking(world, () => json(200, {}), { headers }), AuthError);
        assertEquals(error.message, `${PLACE}: what goes into authorization has characters that no header can carry`);
        assertNoSecrets([everythingOf(error)], ["s3c"]);
      }
      assertEquals(world.asked, []);
    }));

  it("repeats a refusal on one line, without what steers a terminal and without long words", () =>
    inWorld(async (world) => {
      const words = async (text: string) => {
        const error = await assertRejects(() => asking(world, () => ({ status: 400, body: text })), HttpError);
        return error.message.slice(`${PLACE}: 400`.length);
      };
      const says = async (answer: unknown) => await words(JSON.stringify(answer));
      assertEquals(await says({ error: "a", error_description: "b\n\u001b[31mc" }), ": a: b [31mc");
      assertEquals(await says({ error: { status: "PERMISSION_DENIED", message: "no" } }), ": PERMISSION_DENIED: no");
      assertEquals(await says({ __type: "x#Denied", Message: "no" }), ": Denied: no");
      assertEquals(await says({ errors: [{ code: "A", message: "b" }, 1, { code: 2 }] }), ": A: b");
      assertEquals(await says({ error: "x".repeat(41) }), ": …");
      assertEquals(await says({ error: "no ".repeat(200) }), `: ${"no ".repeat(100)}…`);
      assertEquals(await says([]), "");
      assertEquals(await says({}), "");
      assertEquals(await words("<html><body>s3cret</body></html>"), "");
      assertEquals(await words("<Error><Code>A</Code><Message> b </Message></Error>"), ": A: b");
    }));
});

describe("a URL that is sent secrets", () => {
  it("is https, or on this machine or its link", () => {
    const urls = [
      "https://example.com/",
      "http://localhost:8080/",
      "http://127.0.0.1/",
      "http://127.1/",
      "http://[::1]:80/",
      "http://169.254.169.254/latest",
      "http://[fd00:ec2::254]/",
      "http://[fe80::1]/",
      "http://metadata.google.internal/",
    ];
    for (const url of urls) assertEquals(secretUrl(url, "x").href, new URL(url).href);
  });

  it("is not http elsewhere, nor anything else", () => {
    const urls = [
      "http://example.com/",
      "http://10.0.0.1/",
      "http://126.0.0.1/",
      "http://128.0.0.1/",
      "http://169.1.2.3/",
      "http://169.253.169.254/",
      "http://169.255.169.254/",
      "http://1.169.254.1/",
      "http://[fd00:ec3::254]/",
      "http://[fe00::1]/",
      "http://127.0.0.1.example.com/",
      "http://localhost.example.com/",
      "http://169.254.1.1.evil.example.com/",
      "http://localhost@example.com/",
      "file:///etc/passwd",
      "ftp://localhost/",
      "",
      "example.com",
    ];
    for (const url of urls) assertThrows(() => secretUrl(url, "the file"), AuthError, "the file: ");
  });
});
