import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { AuthError } from "../../../src/errors.ts";
import { anonymous } from "../../../src/authn/mod.ts";
import { googleKeychain, type GoogleKeychainOptions } from "../../../src/authn/google/mod.ts";
import { findCredentialsFile } from "../../../src/authn/google/default_credentials.ts";
import { surroundingsOf } from "../../../src/authn/surroundings.ts";
import { joinPath } from "../../../src/runtime/mod.ts";
import { json, STALL } from "../../fakes/mod.ts";
import { assertNoSecrets, type CloudWorld, inWorld } from "../cloud_world.ts";
import { playMetadata, playTokenServer, serviceAccountKey } from "./google_servers.ts";

const TARGET = { registry: "europe-docker.pkg.dev", repository: "project/app" };
const WELL_KNOWN = "/home/ann/.config/gcloud/application_default_credentials.json";

/** A keychain in a world without gcloud. */
function keychainIn(world: CloudWorld, options: GoogleKeychainOptions = {}) {
  return googleKeychain({ gcloud: "", ...world.options, ...options });
}

async function credentialsIn(world: CloudWorld, options: GoogleKeychainOptions = {}) {
  return await (await keychainIn(world, options).resolve(TARGET)).authorization();
}

/** What `access_token`s a metadata server gives: `token-1`, `token-2`, … */
function counted(expiresIn = 3600) {
  let count = 0;
  return () => json(200, { access_token: `token-${++count}`, expires_in: expiresIn, token_type: "Bearer" });
}

describe("googleKeychain", () => {
  it("looks at nothing for another registry", () =>
    inWorld(async (world) => {
      playMetadata(world, counted());
      const keychain = keychainIn(world);
      const others = [
        "index.docker.io",
        "gcr.io.example.com",
        "notgcr.io",
        "pkg.dev",
        "google.com",
        "gcr.io:5000",
        "x.gcr.io:80",
      ];
      for (const registry of others) assertStrictEquals(await keychain.resolve({ registry }), anonymous, registry);
      assertEquals(world.looked, []);
      assertEquals(world.asked, []);
    }));

  it("signs in at Google's registries, all with one token", () =>
    inWorld(async (world) => {
      playMetadata(world, counted());
      const keychain = keychainIn(world);
      for (const registry of ["gcr.io", "eu.gcr.io", "mirror.gcr.io", "us-docker.pkg.dev", "x.google.com"]) {
        const found = await keychain.resolve({ registry, repository: "a/b" });
        assertEquals(await found.authorization(), { username: "_token", password: "token-1" });
      }
      assertEquals(world.paths, ["GET /", "GET /computeMetadata/v1/instance/service-accounts/default/token"]);
    }));

  it("takes the file that the variable names, before all else", () =>
    inWorld(async (world) => {
      const { text, publicKey } = serviceAccountKey();
      playTokenServer(world, publicKey);
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = "/keys/robot.json";
      world.files["/keys/robot.json"] = text;
      world.files[WELL_KNOWN] = "not this one";
      assertEquals(await credentialsIn(world), { username: "_token", password: "token-1" });
    }));

  it("takes the file that gcloud writes, where gcloud was told to", () =>
    inWorld(async (world) => {
      const { text, publicKey } = serviceAccountKey();
      playTokenServer(world, publicKey);
      world.files[WELL_KNOWN] = text;
      assertEquals((await credentialsIn(world)).password, "token-1");
      world.environment.CLOUDSDK_CONFIG = "/cloudsdk";
      world.files["/cloudsdk/application_default_credentials.json"] = text;
      world.files[WELL_KNOWN] = "not this one";
      assertEquals((await credentialsIn(world)).password, "token-2");
    }));

  it("finds that file on Windows in its own place", () =>
    inWorld(async ({ options, environment, files }) => {
      const path = joinPath("C:/Users/ann/AppData/Roaming", "gcloud", "application_default_credentials.json");
      files[path] = "{}";
      assertEquals(await findCredentialsFile(surroundingsOf(options), "windows"), undefined);
      environment.APPDATA = "C:/Users/ann/AppData/Roaming";
      assertEquals(await findCredentialsFile(surroundingsOf(options), "windows"), { path, text: "{}" });
      assertEquals(await findCredentialsFile(surroundingsOf(options), "linux"), undefined);
    }));

  it("is anonymous, and silent, where there is nothing", () =>
    inWorld(async (world) => {
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertEquals(world.warnings, []);
    }));

  it("remembers for a minute that there is nothing", () =>
    inWorld(async (world) => {
      const keychain = keychainIn(world);
      await keychain.resolve(TARGET);
      playMetadata(world, counted());
      world.pass(59);
      assertStrictEquals(await keychain.resolve(TARGET), anonymous);
      world.pass(1);
      assertEquals(await (await keychain.resolve(TARGET)).authorization(), { username: "_token", password: "token-1" });
    }));

  it("takes credentials as a text or an object, instead of looking for them", () =>
    inWorld(async (world) => {
      const { text, publicKey } = serviceAccountKey();
      playTokenServer(world, publicKey);
      assertEquals((await credentialsIn(world, { credentials: text })).password, "token-1");
      assertEquals((await credentialsIn(world, { credentials: JSON.parse(text) })).password, "token-2");
      assertEquals(world.looked, []);
    }));

  it("shows the key of a service account as it is, if told to", () =>
    inWorld(async (world) => {
      const { text } = serviceAccountKey();
      world.files[WELL_KNOWN] = text;
      assertEquals(await credentialsIn(world, { sendKey: true }), { username: "_json_key", password: text });
      assertEquals(world.asked, []);
    }));

  it("takes what has getAccessToken, and asks it each time", async () => {
    const tokens = ["one", { token: "two" }, { token: null }, null];
    const keychain = googleKeychain({ tokenSource: { getAccessToken: () => Promise.resolve(tokens.shift()) } });
    const found = await keychain.resolve(TARGET);
    assertEquals(await found.authorization(), { username: "_token", password: "two" });
    await assertRejects(() => found.authorization(), AuthError, "they are no longer available");
    assertStrictEquals(await keychain.resolve(TARGET), anonymous);
  });

  it("says nothing of what somebody else's library throws", async () => {
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    const tokenSource = { getAccessToken: () => Promise.reject(new Error("with a s3cret")) };
    assertStrictEquals(await googleKeychain({ tokenSource, warn }).resolve(TARGET), anonymous);
    assertEquals(warnings, ["no credentials for europe-docker.pkg.dev: they can't be obtained"]);
  });
});

describe("a token of Google's", () => {
  it("is renewed shortly before its end", () =>
    inWorld(async (world) => {
      playMetadata(world, counted(3600));
      const found = await keychainIn(world).resolve(TARGET);
      const token = async () => (await found.authorization()).password;
      world.pass(3539);
      assertEquals(await token(), "token-1");
      world.pass(1);
      assertEquals(await token(), "token-2");
      world.pass(3500);
      assertEquals(await token(), "token-2");
    }));

  it("is asked for once by all who ask at the same time, at first and at its renewal", () =>
    inWorld(async (world) => {
      playMetadata(world, counted(3600));
      const keychain = keychainIn(world);
      const asking = () =>
        Promise.all(Array.from({ length: 20 }, async () => {
          return (await (await keychain.resolve(TARGET)).authorization()).password;
        }));
      assertEquals(new Set(await asking()), new Set(["token-1"]));
      world.pass(3600);
      assertEquals(new Set(await asking()), new Set(["token-2"]));
    }));

  it("goes on coming for the others when one gives up", () =>
    inWorld(async (world) => {
      const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      world.environment.NO_GCE_CHECK = "true";
      world.files[WELL_KNOWN] = JSON.stringify({
        type: "authorized_user",
        client_id: "id",
        client_secret: "client-s3cret",
        refresh_token: "refresh-s3cret",
      });
      world.play("https://oauth2.googleapis.com", async () => {
        wasAsked();
        await answered;
        return json(200, { access_token: "token-1", expires_in: 3600 });
      });
      const keychain = keychainIn(world);
      const controller = new AbortController();
      const impatient = keychain.resolve(TARGET, { signal: controller.signal });
      const patient = keychain.resolve(TARGET);
      await asked;
      controller.abort(new Error("enough"));
      await assertRejects(() => impatient, Error, "enough");
      answer();
      assertEquals((await (await patient).authorization()).password, "token-1");
      assertEquals(world.paths, ["POST /token"]);
      await assertRejects(() => keychain.resolve(TARGET, { signal: controller.signal }), Error, "enough");
      assertEquals(world.warnings, []);
    }));

  it("is used to its end when its renewal fails, and then that is an error", () =>
    inWorld(async (world) => {
      let answer = json(200, { access_token: "token-1", expires_in: 3600 });
      playMetadata(world, () => answer);
      const found = await keychainIn(world).resolve(TARGET);
      answer = json(403, { error: "forbidden", error_description: "not today" });
      world.pass(3599);
      assertEquals((await found.authorization()).password, "token-1");
      world.pass(1);
      const error = await assertRejects(() => found.authorization(), AuthError);
      assertEquals(
        error.message,
        "the credentials for europe-docker.pkg.dev can't be renewed: Google's metadata server: " +
          "GET http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token: 403: forbidden: not today",
      );
      answer = json(200, { access_token: "token-2", expires_in: 3600 });
      world.pass(10);
      assertEquals((await found.authorization()).password, "token-2");
    }));

  it("is asked for again ten seconds after a failure, which is told once", () =>
    inWorld(async (world) => {
      let answer = json(403, {});
      playMetadata(world, () => answer);
      const keychain = keychainIn(world);
      for (let i = 0; i < 3; i++) assertStrictEquals(await keychain.resolve(TARGET), anonymous);
      assertEquals(world.warnings.length, 1);
      assertEquals(world.asked.length, 2);
      answer = json(200, { access_token: "token-1", expires_in: 3600 });
      world.pass(10);
      assertEquals((await (await keychain.resolve(TARGET)).authorization()).password, "token-1");
    }));
});

describe("Google's metadata server", () => {
  it("is where GCE_METADATA_HOST says", () =>
    inWorld(async (world) => {
      world.environment.GCE_METADATA_HOST = "metadata.example.com:8080";
      playMetadata(world, counted(), "http://metadata.example.com:8080");
      assertEquals((await credentialsIn(world)).password, "token-1");
    }));

  it("has a second to say that it is there, and then others are asked", () =>
    inWorld(async (world) => {
      world.play("http://169.254.169.254", () => STALL);
      const run = () =>
        Promise.resolve({
          code: 0,
          stdout: JSON.stringify({ credential: { access_token: "of-gcloud", token_expiry: "2026-03-04T06:00:00Z" } }),
        });
      assertEquals((await credentialsIn(world, { gcloud: "gcloud", run })).password, "of-gcloud");
      assertEquals(world.givenUpAfter, [1000]);
      assertEquals(world.warnings, []);
    }));

  it("is missed where GCE_METADATA_HOST says that there is one", () =>
    inWorld(async (world) => {
      world.environment.GCE_METADATA_HOST = "169.254.169.254";
      world.play("http://169.254.169.254", () => STALL);
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertEquals(world.givenUpAfter, [1000]);
      assertEquals(world.warnings, [
        "no credentials for europe-docker.pkg.dev: GCE_METADATA_HOST names 169.254.169.254, where no metadata server answers",
      ]);
    }));

  it("is not anybody who answers at its address", () =>
    inWorld(async (world) => {
      world.play("http://169.254.169.254", () => ({ status: 200, body: "latest" }));
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertEquals(world.paths, ["GET /"]);
    }));

  it("may have no account for the machine", () =>
    inWorld(async (world) => {
      playMetadata(world, () => ({ status: 404, body: "not found" }));
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertEquals(world.warnings, []);
    }));

  it("is asked again when it fails in passing", () =>
    inWorld(async (world) => {
      const answers = [{ status: 503 }, { status: 429 }, json(200, { access_token: "token-1", expires_in: 3600 })];
      playMetadata(world, () => answers.shift()!);
      assertEquals((await credentialsIn(world)).password, "token-1");
      assertEquals(world.waits.length, 2);
    }));

  it("is left alone if NO_GCE_CHECK says so", () =>
    inWorld(async (world) => {
      world.environment.NO_GCE_CHECK = "true";
      playMetadata(world, counted());
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertEquals(world.asked, []);
    }));

  it("never gets its answer repeated", () =>
    inWorld(async (world) => {
      playMetadata(world, () => ({ status: 200, body: '{"access_token":"ya29.s3cret"' }));
      assertStrictEquals(await keychainIn(world).resolve(TARGET), anonymous);
      assertNoSecrets(world.warnings, ["s3cret"]);
      assertStringIncludes(world.warnings[0], "the answer of Google's metadata server: it is not JSON");
    }));
});
