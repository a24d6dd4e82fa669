import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { AuthError } from "../../src/errors.ts";
import { authFromHelper, authToHelper } from "../../src/authn/internal.ts";
import {
  anonymous,
  type CredentialHelper,
  credentialHelper,
  dockerConfigKeychain,
  keychainFromHelper,
} from "../../src/authn/mod.ts";
import { FakeHelpers } from "../fakes/fake_credential_helpers.ts";
import { until } from "../make/waiting.ts";

const SECRET = "s3cret-that-nobody-may-see";

/** Returns the messages of an error and of all its causes. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack, (error as AuthError).hint, everythingOf(error.cause)].join("\n");
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("credentialHelper", () => {
  let helpers: FakeHelpers;
  before(() => helpers = new FakeHelpers());
  after(() => helpers.remove());

  it("gets credentials by its exact name, with the verb as its one argument and the server as its input (rule 16)", async () => {
    helpers.addRecording("exact.name_1-x", `echo '{"ServerURL":"x","Username":"ann","Secret":"pa\\"ss"}'`);
    assertEquals(await helpers.helper("exact.name_1-x").get("gcr.io"), { username: "ann", secret: `pa"ss` });
    assertEquals(helpers.calls("exact.name_1-x"), ["get|gcr.io"]);
  });

  it("hands the server over without a shell", async () => {
    helpers.addRecording("shell", `echo '{"Username":"a","Secret":"b"}'`);
    const marker = join(helpers.directory, "marker");
    await helpers.helper("shell").get(`$(touch ${marker}); touch ${marker}`);
    assertFalse(existsSync(marker));
    assertEquals(helpers.calls("shell"), [`get|$(touch ${marker}); touch ${marker}`]);
  });

  it("refuses a name that could be a path or a command (rule 16)", () => {
    for (const name of ["", "../x", "a/b", "a b", "a;b", "a\\b", "$(a)", "a\n", "日本"]) {
      assertThrows(() => credentialHelper(name), AuthError, "can't be the name of a credential helper");
    }
  });

  it("takes the protocol's words for: there are none", async () => {
    helpers.add("none", `echo "credentials not found in native keychain"; exit 1`);
    assertStrictEquals(await helpers.helper("none").get("gcr.io"), undefined);
    await helpers.helper("none").erase("gcr.io");
    assertEquals(await helpers.helper("none").list(), {});
  });

  it("takes credentials without a name and a secret for none", async () => {
    helpers.add("empty", `echo '{"ServerURL":"gcr.io","Username":"","Secret":""}'`);
    assertStrictEquals(await helpers.helper("empty").get("gcr.io"), undefined);
  });

  it("stores credentials through standard input alone", async () => {
    helpers.addRecording("store", "");
    await helpers.helper("store").store("gcr.io", { username: "ann", secret: SECRET });
    const [call] = helpers.calls("store");
    assertEquals(call.slice(0, "store|".length), "store|");
    assertEquals(JSON.parse(call.slice("store|".length)), { ServerURL: "gcr.io", Username: "ann", Secret: SECRET });
  });

  it("erases and lists", async () => {
    helpers.addRecording("erase", "");
    await helpers.helper("erase").erase("gcr.io");
    assertEquals(helpers.calls("erase"), ["erase|gcr.io"]);
    helpers.add("list", `[ "$1" = list ] && echo '{"https://gcr.io":"ann","quay.io":"bob"}'`);
    assertEquals(await helpers.helper("list").list(), { "https://gcr.io": "ann", "quay.io": "bob" });
  });

  it("says which program failed and how, and never what it printed", async () => {
    helpers.add("fails", `echo '${SECRET}'; echo '${SECRET}' >&2; exit 3`);
    helpers.add("junk", `echo '{"Username":"ann","Secret":"${SECRET}"'`);
    helpers.add("wrong-types", `echo '{"Username":{"x":"${SECRET}"},"Secret":"${SECRET}"}'`);
    helpers.add("array", `echo '["${SECRET}"]'`);
    helpers.add("nothing", "exit 0");
    const messages: Record<string, string> = {
      "fails": "docker-credential-fails get failed with exit code 3",
      "junk": "docker-credential-junk get did not answer with credentials in JSON",
      "wrong-types": "docker-credential-wrong-types get did not answer with credentials in JSON",
      "array": "docker-credential-array get did not answer with credentials in JSON",
      "nothing": "docker-credential-nothing get did not answer with credentials in JSON",
      "not-there": "docker-credential-not-there is not on the PATH",
    };
    for (const [name, message] of Object.entries(messages)) {
      const error = await assertRejects(() => helpers.helper(name).get("gcr.io"), AuthError);
      assertEquals(error.message, message);
      assert(error.hint);
      assertFalse(everythingOf(error).includes(SECRET), name);
    }
  });

  it("never repeats what it was told to store", async () => {
    helpers.add("full", `cat >&2; exit 1`);
    const store = () => helpers.helper("full").store("gcr.io", { username: "ann", secret: SECRET });
    assertFalse(everythingOf(await assertRejects(store, AuthError)).includes(SECRET));
  });

  it("refuses a list that is not one", async () => {
    helpers.add("bad-list", `echo '{"gcr.io":{"Username":"ann"}}'`);
    await assertRejects(() => helpers.helper("bad-list").list(), AuthError, "docker-credential-bad-list list");
  });

  it("names a slow program once, and a fast one never", async () => {
    const go = join(helpers.directory, "go");
    helpers.add("slow", `while [ ! -e '${go}' ]; do sleep 0.01; done; echo '{"Username":"ann","Secret":"s"}'`);
    const lines: string[] = [];
    const options = { timeoutMs: 0, slowMs: 1, onSlow: (line: string) => lines.push(line) };
    const answer = helpers.helper("slow", options).get("gcr.io");
    await until(() => lines.length > 0);
    writeFileSync(go, "");
    assertEquals(await answer, { username: "ann", secret: "s" });
    await helpers.helper("slow", { ...options, slowMs: 60_000 }).get("gcr.io");
    assertEquals(lines, ["still waiting for docker-credential-slow get"]);
  });

  it("gives up on a program that hangs, and kills it", async () => {
    const pid = join(helpers.directory, "pid");
    helpers.add("hangs", `echo $$ > '${pid}'; exec sleep 600`);
    const get = () => helpers.helper("hangs", { timeoutMs: 50 }).get("gcr.io");
    const written = () => existsSync(pid) ? Number(readFileSync(pid, "utf8")) : 0;
    // On a slow machine it may be killed before it has written its number.
    await until(async () => {
      await assertRejects(get, AuthError, "docker-credential-hangs get took longer than 50 ms");
      return written() !== 0;
    });
    await until(() => !isRunning(written()));
  });

  it("ends when its caller does not want to wait any more", async () => {
    helpers.add("hangs", "exec sleep 600");
    const controller = new AbortController();
    const got = helpers.helper("hangs").get("gcr.io", { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await got.catch((error) => error), reason);
  });
});

describe("the credentials of a helper", () => {
  it("hold an identity token under the name <token>, both ways", () => {
    assertEquals(authFromHelper({ username: "<token>", secret: "t" }), { identityToken: "t" });
    assertEquals(authFromHelper({ username: "ann", secret: "p" }), { username: "ann", password: "p" });
    assertEquals(authToHelper({ identityToken: "t", username: "ann" }), { username: "<token>", secret: "t" });
    assertEquals(authToHelper({ username: "ann", password: "p" }), { username: "ann", secret: "p" });
  });
});

describe("keychainFromHelper", () => {
  const target = { registry: "gcr.io", repository: "a/b" };
  const helper = (get: CredentialHelper["get"]) => ({ get });

  it("asks for the host", async () => {
    const asked: string[] = [];
    const keychain = keychainFromHelper(helper((server) => {
      asked.push(server);
      return Promise.resolve({ username: "ann", secret: "p" });
    }));
    const found = await keychain.resolve(target);
    assertEquals(await found.authorization(), { username: "ann", password: "p" });
    assertEquals(asked, ["gcr.io"]);
  });

  it("gives an identity token", async () => {
    const keychain = keychainFromHelper(helper(() => Promise.resolve({ username: "<token>", secret: "t" })));
    assertEquals(await (await keychain.resolve(target)).authorization(), { identityToken: "t" });
  });

  it("is anonymous where the helper knows nothing", async () => {
    const keychain = keychainFromHelper(helper(() => Promise.resolve(undefined)));
    assertStrictEquals(await keychain.resolve(target), anonymous);
  });

  it("is anonymous where the helper fails, and warns without its secrets", async () => {
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const failing = (error: Error) => keychainFromHelper(helper(() => Promise.reject(error)), { warn }).resolve(target);
    assertStrictEquals(await failing(new AuthError("docker-credential-x is not on the PATH")), anonymous);
    assertStrictEquals(await failing(new Error(SECRET)), anonymous);
    assertEquals(warnings, [
      "no credentials for gcr.io: docker-credential-x is not on the PATH",
      "no credentials for gcr.io: the helper failed",
    ]);
  });

  it("does not take an abort for a failure", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    const keychain = keychainFromHelper(helper(() => Promise.reject(new AuthError("aborted"))));
    await assertRejects(() => keychain.resolve(target, { signal }), Error, "enough");
  });
});

describe("a docker config with a helper that never ends (rule 19)", () => {
  it("is an error that names it, and never a config without credentials", async () => {
    const helpers = new FakeHelpers();
    try {
      helpers.add("endless", "exec sleep 600");
      const keychain = dockerConfigKeychain({ credsStore: "endless" }, {
        helper: (name) => helpers.helper(name, { timeoutMs: 100 }),
        warn: (warning) => assert(false, warning),
      });
      const error = await assertRejects(() => keychain.resolve({ registry: "gcr.io" }), AuthError);
      assertEquals(error.message, "docker-credential-endless get took longer than 100 ms");
    } finally {
      helpers.remove();
    }
  });
});

describe("a docker config with a helper that is broken", () => {
  const target = { registry: "gcr.io", repository: "a/b" };
  let helpers: FakeHelpers;
  before(() => helpers = new FakeHelpers());
  after(() => helpers.remove());

  for (
    const [what, script, message] of [
      ["prints an error", `echo ${SECRET}; echo ${SECRET} >&2; exit 1`, "failed with exit code 1"],
      ["prints nothing", "exit 0", "did not answer with credentials in JSON"],
      ["never stops printing", "exec yes", "can't run docker-credential-broken get: OUTPUT_LIMIT"],
    ]
  ) {
    it(`because it ${what}, is one without credentials, and warns once`, async () => {
      helpers.add("broken", script);
      const warnings: string[] = [];
      const keychain = dockerConfigKeychain({ credsStore: "broken" }, {
        helper: (name) => helpers.helper(name),
        warn: (warning) => warnings.push(warning),
      });
      assertStrictEquals(await keychain.resolve(target), anonymous);
      assertEquals(warnings.length, 1);
      const [warning] = warnings;
      assert(warning.startsWith("no credentials for gcr.io/a/b: ") && warning.endsWith(message), warning);
      assertFalse(warnings.join().includes(SECRET));
    });
  }
});
