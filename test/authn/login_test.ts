import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import { AuthError, FileError } from "../../src/errors.ts";
import { defaultKeychain, eraseCredentials, storeCredentials } from "../../src/authn/mod.ts";
import { FakeHome } from "./config_files.ts";
import { FakeHelpers } from "../fakes/fake_credential_helpers.ts";

const ANN = { username: "ann", password: "s3cret" };
const AUTH = btoa("ann:s3cret");
const FILE = ".docker/config.json";

describe("the storage of credentials", () => {
  let home: FakeHome;
  let helpers: FakeHelpers;
  beforeEach(() => {
    home = new FakeHome();
    helpers = new FakeHelpers();
    home.variables.PATH = helpers.path;
  });
  afterEach(() => {
    home.remove();
    helpers.remove();
  });

  const text = () => readFileSync(home.path(FILE), "utf8");
  const json = () => JSON.parse(text());
  const mode = (name: string) => statSync(home.path(name)).mode & 0o777;

  describe("storeCredentials", () => {
    it("makes docker's file, for its owner alone (rule 15)", async () => {
      assertEquals(await storeCredentials("gcr.io", ANN, home.options), { file: home.path(FILE) });
      assertEquals(json(), { auths: { "gcr.io": { auth: AUTH } } });
      assertEquals([mode(FILE), mode(".docker")], [0o600, 0o700]);
      assertEquals(readdirSync(home.path(".docker")), ["config.json"]);
    });

    it("stores what the keychain finds", async () => {
      const found = async (registry: string) =>
        await (await defaultKeychain(home.options).resolve({ registry })).authorization();
      await storeCredentials("gcr.io", ANN, home.options);
      await storeCredentials("index.docker.io", { username: "hub", password: "p" }, home.options);
      await storeCredentials("a.example.com", { identityToken: "i" }, home.options);
      await storeCredentials("b.example.com", { registryToken: "r" }, home.options);
      await storeCredentials("c.example.com", { auth: "w6RubjpwYXNz8J+Yig" }, home.options);
      assertEquals(await found("gcr.io"), ANN);
      assertEquals(await found("index.docker.io"), { username: "hub", password: "p" });
      assertEquals(await found("a.example.com"), { identityToken: "i" });
      assertEquals(await found("b.example.com"), { registryToken: "r" });
      assertEquals(await found("c.example.com"), { username: "änn", password: "pass😊" });
    });

    it("makes a file that others may read one that they may not", async () => {
      chmodSync(home.write(FILE, {}), 0o644);
      await storeCredentials("gcr.io", ANN, home.options);
      assertEquals(mode(FILE), 0o600);
    });

    it("keeps everything else, its order and its looks", async () => {
      home.write(FILE, `{\n  "HttpHeaders": {\n    "A": "b"\n  },\n  "auths": {},\n  "zz": [1]\n}\n`);
      await storeCredentials("gcr.io", ANN, home.options);
      assertEquals(
        text(),
        `{\n  "HttpHeaders": {\n    "A": "b"\n  },\n  "auths": {\n    "gcr.io": {\n      "auth": "${AUTH}"\n    }\n  },\n` +
          `  "zz": [\n    1\n  ]\n}\n`,
      );
    });

    it("replaces an entry", async () => {
      home.write(FILE, { auths: { "gcr.io": { identitytoken: "old" }, "quay.io": { auth: "x" } } });
      await storeCredentials("gcr.io", ANN, home.options);
      assertEquals(json(), { auths: { "gcr.io": { auth: AUTH }, "quay.io": { auth: "x" } } });
    });

    it("knows a server by its URL, and Docker Hub by all its names", async () => {
      const hub = ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "https://docker.io"];
      for (const server of [...hub, "https://gcr.io/", "http://localhost:5000/v2/", "quay.io/team"]) {
        await storeCredentials(server, ANN, home.options);
      }
      const keys = ["https://index.docker.io/v1/", "gcr.io", "localhost:5000", "quay.io/team"];
      assertEquals(Object.keys(json().auths), keys);
    });

    it("writes to $DOCKER_CONFIG or to the file that is named", async () => {
      home.variables.DOCKER_CONFIG = home.path("elsewhere");
      assertEquals(await storeCredentials("gcr.io", ANN, home.options), { file: home.path("elsewhere/config.json") });
      const file = home.path("deep/er/auth.json");
      assertEquals(await storeCredentials("gcr.io", ANN, { ...home.options, file }), { file });
      assertEquals(JSON.parse(readFileSync(file, "utf8")).auths["gcr.io"], { auth: AUTH });
    });

    it("writes through a symbolic link", async () => {
      home.write("real.json", {});
      mkdirSync(home.path(".docker"));
      symlinkSync(home.path("real.json"), home.path(FILE));
      await storeCredentials("gcr.io", ANN, home.options);
      assert(lstatSync(home.path(FILE)).isSymbolicLink());
      assertEquals(JSON.parse(readFileSync(home.path("real.json"), "utf8")), { auths: { "gcr.io": { auth: AUTH } } });
    });

    it("keeps both of two logins at once", async () => {
      const servers = ["a.example.com", "b.example.com", "c.example.com"];
      await Promise.all(servers.map((server) => storeCredentials(server, ANN, home.options)));
      assertEquals(Object.keys(json().auths), servers);
    });

    it("gives the secret to the helper and leaves an empty entry", async () => {
      helpers.addRecording("store", "");
      home.write(FILE, { credsStore: "store", auths: { "gcr.io": { auth: AUTH } } });
      const location = await storeCredentials("gcr.io", ANN, home.options);
      assertEquals(location, { file: home.path(FILE), helper: "store" });
      assertEquals(json(), { credsStore: "store", auths: { "gcr.io": {} } });
      const credentials = JSON.parse(helpers.calls("store")[0].replace("store|", ""));
      assertEquals(credentials, { ServerURL: "gcr.io", Username: "ann", Secret: "s3cret" });
    });

    it("gives an identity token to the helper of the server", async () => {
      helpers.addRecording("hub", "");
      home.write(FILE, { credsStore: "not-there", credHelpers: { "https://index.docker.io/v1/": "hub" } });
      await storeCredentials("docker.io", { identityToken: "i" }, home.options);
      const credentials = JSON.parse(helpers.calls("hub")[0].replace("store|", ""));
      assertEquals(credentials, { ServerURL: "https://index.docker.io/v1/", Username: "<token>", Secret: "i" });
    });

    it("changes nothing when the helper fails, and repeats no secret", async () => {
      helpers.add("broken", "cat; exit 1");
      home.write(FILE, { credsStore: "broken" });
      const before = text();
      const error = await assertRejects(() => storeCredentials("gcr.io", ANN, home.options), AuthError);
      assertEquals(error.message, "docker-credential-broken store failed with exit code 1");
      assertFalse(inspect(error).includes("s3cret"));
      assertEquals(text(), before);
    });

    it("refuses a registry token where a helper would lose it", async () => {
      home.write(FILE, { credsStore: "store" });
      const store = () => storeCredentials("gcr.io", { registryToken: "s3cret" }, home.options);
      assertFalse((await assertRejects(store, AuthError, "registry token")).message.includes("s3cret"));
    });

    it("never writes over a file that it does not understand", async () => {
      home.write(FILE, `{"auths": s3cret`);
      const store = () => storeCredentials("gcr.io", ANN, home.options);
      const error = await assertRejects(store, AuthError, `${home.path(FILE)}: it is not JSON`);
      assertFalse(inspect(error).includes("s3cret"));
      assertEquals(text(), `{"auths": s3cret`);
    });

    it("names the file that it can't write, and leaves nothing behind", async () => {
      home.write(".docker", "a file, not a directory");
      const error = await assertRejects(() => storeCredentials("gcr.io", ANN, home.options), FileError);
      assert(error.message.startsWith(`can't write ${home.path(FILE)}`));
      assertFalse(inspect(error).includes("s3cret"));
      assertEquals(readdirSync(home.home), [".docker"]);
    });

    it("writes nothing for a caller who has aborted", async () => {
      const signal = AbortSignal.abort(new Error("enough"));
      await assertRejects(() => storeCredentials("gcr.io", ANN, { ...home.options, signal }), Error, "enough");
      assertEquals(readdirSync(home.home), []);
    });

    it("refuses misuse with a TypeError", async () => {
      await assertRejects(() => storeCredentials("gcr.io", {}, home.options), TypeError);
      await assertRejects(() => storeCredentials("", ANN, home.options), TypeError);
    });

    it("says what to do where there is no home", async () => {
      const nowhere = { home: "", environment: () => undefined };
      const error = await assertRejects(() => storeCredentials("gcr.io", ANN, nowhere), AuthError);
      assertEquals(error.hint, "set DOCKER_CONFIG to a directory");
    });
  });

  describe("eraseCredentials", () => {
    it("takes the entry out, and those by URL of the same host", async () => {
      const auths = { "gcr.io": {}, "https://gcr.io/v1/": {}, "gcr.io/team": {}, "quay.io": {} };
      home.write(FILE, { auths, other: 1 });
      assertEquals(await eraseCredentials("gcr.io", home.options), { file: home.path(FILE) });
      assertEquals(json(), { auths: { "gcr.io/team": {}, "quay.io": {} }, other: 1 });
      assertEquals(mode(FILE), 0o600);
    });

    it("undoes a login under any name of Docker Hub", async () => {
      await storeCredentials("docker.io", ANN, home.options);
      await eraseCredentials("https://index.docker.io/v1/", home.options);
      assertEquals(json(), { auths: {} });
    });

    it("does nothing where there was nothing", async () => {
      assertStrictEquals(await eraseCredentials("gcr.io", home.options), undefined);
      assertEquals(readdirSync(home.home), []);
      home.write(FILE, `{"auths":{"quay.io":{}}}`);
      assertStrictEquals(await eraseCredentials("gcr.io", home.options), undefined);
      assertEquals(text(), `{"auths":{"quay.io":{}}}`);
    });

    it("tells the helper too", async () => {
      helpers.addRecording("store", "");
      home.write(FILE, { credsStore: "store", auths: { "gcr.io": {} } });
      const location = await eraseCredentials("gcr.io", home.options);
      assertEquals(location, { file: home.path(FILE), helper: "store" });
      assertEquals(json(), { credsStore: "store", auths: {} });
      assertEquals(helpers.calls("store"), ["erase|gcr.io"]);
    });

    it("changes nothing when the helper fails", async () => {
      helpers.add("broken", "exit 1");
      home.write(FILE, { credsStore: "broken", auths: { "gcr.io": {} } });
      await assertRejects(() => eraseCredentials("gcr.io", home.options), AuthError);
      assertEquals(json().auths, { "gcr.io": {} });
    });
  });
});
