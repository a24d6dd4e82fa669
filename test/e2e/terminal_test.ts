import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { programWords } from "../make/processes.ts";
import { FakeRegistry, fakeServer } from "../fakes/mod.ts";
import { describePeer, Terminal } from "../peers/mod.ts";
import { inPlace, type Place } from "../make/process_place.ts";

function onTerminal(place: Place, line: string): Terminal {
  const env = { ...place.env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
  return new Terminal([...programWords("cli/main.ts"), ...line.split(" ")], { env, cwd: place.folder });
}

describePeer("on a terminal", ["script"], () => {
  it("auth login asks, and shows no password", { timeout: 20_000 }, () =>
    inPlace(async (place) => {
      const terminal = onTerminal(place, "auth login --no-check registry.example.com");
      await terminal.shows("Username: ");
      terminal.type("ann\r");
      await terminal.shows("Password: ");
      terminal.type("s3cret\r");
      await terminal.shows("stored the credentials for registry.example.com");
      assertEquals([await terminal.ended(), terminal.screen.includes("s3cret")], [0, false]);
      const { auths } = JSON.parse(readFileSync(`${place.env.DOCKER_CONFIG}/config.json`, "utf8"));
      assertEquals(auths, { "registry.example.com": { auth: btoa("ann:s3cret") } });
    }));

  for (const prompt of ["Username: ", "Password: "]) {
    it(
      `Ctrl-C at ${prompt.trim()} ends with 130 and leaves the terminal as it was`,
      { timeout: 20_000 },
      () =>
        inPlace(async (place) => {
          const words = programWords("cli/main.ts").join(" ");
          const user = prompt === "Username: " ? "" : "-u ann";
          const script = `trap : INT; ${words} auth login registry.example.com ${user}; echo "code $?"; stty -a`;
          const terminal = new Terminal(["sh", "-c", script], { env: place.env, cwd: place.folder });
          await terminal.shows(prompt);
          terminal.type("half\x03");
          assertEquals(await terminal.ended(), 0);
          assertStringIncludes(terminal.text, "code 130");
          assertMatch(terminal.text, /(?<!-)\becho\b/);
          assertMatch(terminal.text, /(?<!-)\bicanon\b/);
          assertEquals(/Error/.test(terminal.text), false);
        }),
    );
  }

  it(
    "a transfer that takes long has bars, which are gone in the end",
    { timeout: 30_000 },
    () =>
      inPlace(async (place) => {
        const registry = new FakeRegistry();
        const server = await fakeServer(registry.handle);
        try {
          const image = randomImage({ seed: 1, size: 300_000, layers: 1 });
          await push(image, `${server.host}/app:v1`);
          const [layer] = await image.layers();
          const digest = await layer.digest();
          const shown = Promise.withResolvers<void>();
          registry.on("GET", new RegExp(`/blobs/${digest}`), async (_, usual) => {
            const { body, ...answer } = await usual();
            const bytes = body as Bytes;
            async function* slowly(): AsyncGenerator<Bytes, void, undefined> {
              yield bytes.subarray(0, 150_000);
              await shown.promise;
              yield bytes.subarray(150_000);
            }
            return { ...answer, body: ReadableStream.from(slowly()), length: bytes.length };
          });
          const terminal = onTerminal(place, `pull ${server.host}/app:v1 app.tar`);
          await terminal.shows(digest.slice("sha256:".length, "sha256:".length + 12));
          await terminal.shows("kB");
          shown.resolve();
          assertEquals(await terminal.ended(), 0);
          // The cursor goes up to where the bars began, and all below is erased.
          assertMatch(terminal.screen.slice(terminal.screen.lastIndexOf("\x1b[J") - 8), /\[\d+A\r.\[J$/);
        } finally {
          await server.close();
        }
      }),
  );

  it("a short command has none", { timeout: 20_000 }, () =>
    inPlace(async (place) => {
      const terminal = onTerminal(place, "version");
      assertEquals([await terminal.ended(), /^\d+\.\d+\.\d+\n$/.test(terminal.text)], [0, true]);
    }));
});
