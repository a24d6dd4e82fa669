import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { mkdirSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { AuthError } from "../../src/errors.ts";
import { anonymous, defaultKeychain, type Keychain } from "../../src/authn/mod.ts";
import { FakeHome } from "./config_files.ts";
import { FakeHelpers } from "../fakes/fake_credential_helpers.ts";

const config = (user: string) => ({ auths: { "gcr.io": { auth: btoa(`${user}:p`) } } });

describe("defaultKeychain", () => {
  let home: FakeHome;
  beforeEach(() => home = new FakeHome());
  afterEach(() => home.remove());

  async function user(keychain: Keychain = defaultKeychain(home.options), registry = "gcr.io"): Promise<string> {
    const found = await keychain.resolve({ registry, repository: "a/b" });
    return found === anonymous ? "anonymous" : (await found.authorization()).username ?? "";
  }

  it("is anonymous without any file", async () => {
    assertEquals(await user(), "anonymous");
    assertEquals(await user(defaultKeychain({ ...home.options, home: "" })), "anonymous");
  });

  it("reads docker's file in the home directory", async () => {
    home.write(".docker/config.json", config("home"));
    assertEquals(await user(), "home");
  });

  it("reads docker's file in $DOCKER_CONFIG instead", async () => {
    home.variables.DOCKER_CONFIG = home.path("elsewhere");
    home.write("elsewhere/config.json", config("variable"));
    assertEquals(await user(), "variable");
    home.write(".docker/config.json", config("home"));
    assertEquals(await user(), "variable");
  });

  it("has no credentials where $DOCKER_CONFIG leads to none, though docker is used", async () => {
    home.variables.DOCKER_CONFIG = home.path("elsewhere");
    home.variables.REGISTRY_AUTH_FILE = home.write("auth.json", config("podman"));
    home.write(".docker/config.json", config("home"));
    assertEquals(await user(), "anonymous");
  });

  it("then reads $REGISTRY_AUTH_FILE, then podman's files, in order", async () => {
    home.variables.XDG_RUNTIME_DIR = home.path("run");
    assertEquals(await user(), "anonymous");
    home.write(".config/containers/auth.json", config("home config"));
    assertEquals(await user(), "home config");
    home.variables.XDG_CONFIG_HOME = home.path("xdg");
    assertEquals(await user(), "anonymous");
    home.write("xdg/containers/auth.json", config("xdg config"));
    assertEquals(await user(), "xdg config");
    home.write("run/containers/auth.json", config("runtime"));
    assertEquals(await user(), "runtime");
    home.variables.REGISTRY_AUTH_FILE = home.path("auth.json");
    assertEquals(await user(), "runtime");
    home.write("auth.json", config("auth file"));
    assertEquals(await user(), "auth file");
    home.write(".docker/config.json", config("docker"));
    assertEquals(await user(), "docker");
  });

  it("knows namespaces in podman's files", async () => {
    const auths = { "gcr.io/b": { auth: btoa("b:p") }, "gcr.io/a": { auth: btoa("a:p") } };
    home.variables.REGISTRY_AUTH_FILE = home.write("auth.json", { auths });
    assertEquals(await user(), "a");
    const found = await defaultKeychain(home.options).resolve({ registry: "gcr.io", repository: "c/d" });
    assertStrictEquals(found, anonymous);
  });

  it("reads one file, not all of them", async () => {
    home.write(".docker/config.json", { auths: {} });
    home.variables.REGISTRY_AUTH_FILE = home.write("auth.json", config("auth file"));
    assertEquals(await user(), "anonymous");
  });

  it("takes a directory for no file", async () => {
    mkdirSync(home.path(".docker/config.json"), { recursive: true });
    home.variables.REGISTRY_AUTH_FILE = home.write("auth.json", config("auth file"));
    // The peer is asked whether the directory is a file too, and goes on as it does here.
    home.variables.DOCKER_CONFIG = "";
    assertEquals(await user(), "auth file");
  });

  it("reads nothing before it is asked, and what has changed again", async () => {
    const keychain = defaultKeychain(home.options);
    const path = home.write(".docker/config.json", config("first"));
    assertEquals(await user(keychain), "first");
    home.write(".docker/config.json", config("second"));
    assertEquals(await user(keychain), "second");
    rmSync(path);
    assertEquals(await user(keychain), "anonymous");
  });

  it("names the file that is not JSON, and none of its content", async () => {
    const path = home.write(".docker/config.json", `{"auths":{"gcr.io":{"auth":"s3cret"}}`);
    const error = await assertRejects(() => user(), AuthError);
    assertEquals(error.message, `${path}: it is not JSON`);
    assertStrictEquals(error.cause, undefined);
  });

  it("puts the servers of $DOCKER_AUTH_CONFIG before any file and helper", async () => {
    home.variables.DOCKER_AUTH_CONFIG = JSON.stringify(config("variable"));
    assertEquals(await user(), "variable");
    home.write(".docker/config.json", {
      credHelpers: { "gcr.io": "none" },
      auths: { "gcr.io": { auth: btoa("file:p") }, "quay.io": { auth: btoa("file:p") } },
    });
    assertEquals(await user(), "variable");
    assertEquals(await user(undefined, "quay.io"), "file");
    home.variables.DOCKER_AUTH_CONFIG = "{";
    await assertRejects(() => user(), AuthError, "$DOCKER_AUTH_CONFIG: it is not JSON");
  });

  it("does nothing for a caller who has aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(
      () => defaultKeychain(home.options).resolve({ registry: "gcr.io" }, { signal }),
      Error,
      "enough",
    );
  });

  it("runs the helpers of the file", async () => {
    const helpers = new FakeHelpers();
    home.variables.PATH = helpers.path;
    try {
      helpers.addRecording("fake", `echo '{"ServerURL":"","Username":"helper","Secret":"p"}'`);
      home.write(".docker/config.json", { credHelpers: { "gcr.io": "fake", "quay.io": "not-there" } });
      assertEquals(await user(), "helper");
      assertEquals(helpers.calls("fake"), ["get|gcr.io"]);
      const warnings: string[] = [];
      const keychain = defaultKeychain({ ...home.options, warn: (message) => warnings.push(message) });
      assertEquals(await user(keychain, "quay.io"), "anonymous");
      assertEquals(warnings, ["no credentials for quay.io: docker-credential-not-there is not on the PATH"]);
    } finally {
      helpers.remove();
    }
  });
});
