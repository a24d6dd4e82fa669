import { assertEquals, assertFalse, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { AuthError } from "../../src/errors.ts";
import {
  anonymous,
  type AuthConfig,
  type DockerConfig,
  dockerConfigKeychain,
  type DockerConfigKeychainOptions,
  parseDockerConfig,
} from "../../src/authn/mod.ts";

/** A helper for each name, which knows some servers by name and writes down what it was asked. */
function fakeHelpers(known: Record<string, Record<string, string>>) {
  const asked: string[] = [];
  const helper: DockerConfigKeychainOptions["helper"] = (name) => ({
    get(server) {
      asked.push(`${name} ${server}`);
      const username = known[name]?.[server];
      if (username === "fails") return Promise.reject(new AuthError("it is broken"));
      return Promise.resolve(username === undefined ? undefined : { username, secret: "p" });
    },
  });
  return { asked, helper };
}

async function lookUp(
  config: DockerConfig,
  target: string,
  options?: DockerConfigKeychainOptions,
): Promise<AuthConfig | "anonymous"> {
  const [registry, ...path] = target.split("/");
  const found = await dockerConfigKeychain(config, options).resolve({ registry, repository: path.join("/") });
  return found === anonymous ? "anonymous" : await found.authorization();
}

const entry = (user: string) => ({ auth: btoa(`${user}:p`) });
const auth = (username: string) => ({ username, password: "p" });

describe("dockerConfigKeychain", () => {
  it("looks the full repository up first, then the host", async () => {
    const config = { auths: { "gcr.io": entry("host"), "gcr.io/a/b": entry("repository") } };
    assertEquals(await lookUp(config, "gcr.io/a/b"), auth("repository"));
    assertEquals(await lookUp(config, "gcr.io/a"), auth("host"));
    assertEquals(await lookUp(config, "gcr.io"), auth("host"));
    assertEquals(await lookUp(config, "quay.io/a/b"), "anonymous");
  });

  it("looks Docker Hub up under its historical key", async () => {
    const config = { auths: { "https://index.docker.io/v1/": entry("hub") } };
    assertEquals(await lookUp(config, "index.docker.io/library/ubuntu"), auth("hub"));
    assertEquals(await lookUp(config, "docker.io/library/ubuntu"), auth("hub"));
  });

  it("takes the URL of a host for the host", async () => {
    for (const key of ["https://gcr.io", "http://gcr.io/v1/", "https://gcr.io/v2/", "gcr.io/"]) {
      assertEquals(await lookUp({ auths: { [key]: entry("url") } }, "gcr.io/a"), auth("url"), key);
    }
    const config = { auths: { "https://localhost:5000/": entry("port") } };
    assertEquals(await lookUp(config, "localhost:5000/a"), auth("port"));
    assertEquals(await lookUp(config, "localhost/a"), "anonymous");
  });

  it("gives tokens", async () => {
    const config = { auths: { a: { identitytoken: "i" }, b: { registrytoken: "r" }, c: { auth: "" } } };
    assertEquals(await lookUp(config, "a"), { identityToken: "i" });
    assertEquals(await lookUp(config, "b"), { registryToken: "r" });
    assertEquals(await lookUp(config, "c"), "anonymous");
  });

  it("refuses a token that no header can carry, and says where it is", async () => {
    const config = { auths: { "gcr.io": { registrytoken: "s3cret\n" } } };
    const error = await assertRejects(() => lookUp(config, "gcr.io"), AuthError);
    assertEquals(
      error.message,
      'the docker config: "gcr.io": the registry token has characters that no header can carry',
    );
    assertFalse(inspect(error).includes("s3cret"));
  });

  it("is not fooled by the names of what every object has", async () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      assertEquals(await lookUp({ auths: {}, credHelpers: {} }, name), "anonymous");
    }
  });

  it("prefers credHelpers to credsStore and both to auths", async () => {
    const { asked, helper } = fakeHelpers({
      one: { "gcr.io": "one" },
      store: { "gcr.io": "store", "quay.io": "store" },
    });
    const config = {
      credHelpers: { "gcr.io": "one" },
      credsStore: "store",
      auths: { "gcr.io": entry("file"), "quay.io": entry("file"), "ghcr.io": entry("file") },
    };
    assertEquals(await lookUp(config, "gcr.io", { helper }), auth("one"));
    assertEquals(await lookUp(config, "quay.io", { helper }), auth("store"));
    assertEquals(await lookUp(config, "ghcr.io", { helper }), "anonymous");
    assertEquals(asked, ["one gcr.io", "store quay.io", "store ghcr.io"]);
  });

  it("takes an empty helper name for auths", async () => {
    const config = { credHelpers: { "gcr.io": "" }, credsStore: "store", auths: { "gcr.io": entry("file") } };
    assertEquals(await lookUp(config, "gcr.io"), auth("file"));
  });

  it("asks a helper for the full repository, the host and Docker Hub's key", async () => {
    const { asked, helper } = fakeHelpers({ store: { "https://index.docker.io/v1/": "<token>" } });
    const config = { credsStore: "store" };
    assertEquals(await lookUp(config, "index.docker.io/library/x", { helper }), { identityToken: "p" });
    assertEquals(asked, ["store index.docker.io/library/x", "store https://index.docker.io/v1/"]);
  });

  it("is anonymous where the helper fails, and warns", async () => {
    const { helper } = fakeHelpers({ one: { "gcr.io": "fails" } });
    const warnings: string[] = [];
    const config = { credHelpers: { "gcr.io": "one" }, auths: { "gcr.io": entry("file") } };
    const options = { helper, warn: (message: string) => warnings.push(message) };
    assertEquals(await lookUp(config, "gcr.io", options), "anonymous");
    assertEquals(warnings, ["no credentials for gcr.io: it is broken"]);
  });

  it("warns once of a helper that fails in the same way for every key and every registry", async () => {
    const { asked, helper } = fakeHelpers({ store: { "gcr.io/a": "fails", "gcr.io": "fails", "quay.io": "fails" } });
    const warnings: string[] = [];
    const keychain = dockerConfigKeychain({ credsStore: "store" }, {
      helper,
      warn: (message) => warnings.push(message),
    });
    for (const [registry, repository] of [["gcr.io", "a"], ["quay.io", "b"]]) {
      await keychain.resolve({ registry, repository });
    }
    assertEquals(asked.length, 4);
    assertEquals(warnings, ["no credentials for gcr.io/a: it is broken"]);
  });

  it("goes on to the host where the helper fails for the full repository", async () => {
    const { helper } = fakeHelpers({ store: { "gcr.io/a": "fails", "gcr.io": "ann" } });
    assertEquals(await lookUp({ credsStore: "store" }, "gcr.io/a", { helper }), auth("ann"));
  });

  it("names the file where a helper's name could be a path", async () => {
    const look = () => lookUp({ credsStore: "../../bin/x" }, "gcr.io", { source: "/home/ann/config.json" });
    await assertRejects(look, AuthError, `/home/ann/config.json: "../../bin/x" can't be the name`);
  });

  it("fails for a broken entry only where it is needed, and does not repeat it", async () => {
    const auths = {
      "gcr.io": { auth: "s3cret" },
      "quay.io": entry("ann"),
      "ghcr.io": { password: 1 as unknown as string },
    };
    assertEquals(await lookUp({ auths }, "quay.io"), auth("ann"));
    const error = await assertRejects(() => lookUp({ auths }, "gcr.io", { source: "config.json" }), AuthError);
    assertEquals(error.message, `config.json: "gcr.io": "auth" is not base64 of username:password`);
    assertFalse(inspect(error).includes("s3cret"));
    await assertRejects(() => lookUp({ auths }, "ghcr.io"), AuthError, `"ghcr.io": "password" is not a string`);
  });
});

describe("parseDockerConfig", () => {
  it("keeps what it does not know", () => {
    const text = `{"auths":{"a":{"auth":"x","email":"e"}},"HttpHeaders":{"A":"b"},"proxies":null}`;
    assertEquals<unknown>(parseDockerConfig(text, "f"), JSON.parse(text));
  });

  it("takes an empty file and empty maps as Go writes them", async () => {
    assertEquals(parseDockerConfig(" \n", "f"), {});
    const config = parseDockerConfig(`{"auths":null,"credHelpers":null}`, "f");
    assertStrictEquals(await dockerConfigKeychain(config).resolve({ registry: "gcr.io" }), anonymous);
  });

  it("names the file and repeats nothing of it when it is not a config", () => {
    const texts = {
      [`{"auths":{"gcr.io":{"auth":"s3cret",}}}`]: "it is not JSON",
      [`s3cret`]: "it is not JSON",
      [`"s3cret"`]: "it is not a JSON object",
      [`["s3cret"]`]: "it is not a JSON object",
      [`{"auths":["s3cret"]}`]: `"auths" does not hold`,
      [`{"auths":{"gcr.io":"s3cret"}}`]: `"auths" does not hold`,
      [`{"credHelpers":{"gcr.io":{"s3cret":1}}}`]: `"credHelpers" does not hold`,
      [`{"credsStore":{"s3cret":1}}`]: `"credsStore" is not`,
    };
    for (const [text, problem] of Object.entries(texts)) {
      const error = assertThrows(() => parseDockerConfig(text, "/home/ann/config.json"), AuthError, problem);
      assertEquals(error.message.startsWith("/home/ann/config.json: "), true);
      assertFalse(inspect(error).includes("s3cret"), text);
    }
  });
});

describe("dockerConfigKeychain with the config of podman", () => {
  const namespaces = true;

  it("looks namespaces up, the most specific first, and never another one", async () => {
    const config = {
      auths: { "quay.io/a": entry("a"), "quay.io/a/b": entry("a/b"), "quay.io/c": entry("c") },
    };
    assertEquals(await lookUp(config, "quay.io/a/b/app", { namespaces }), auth("a/b"));
    assertEquals(await lookUp(config, "quay.io/a/b", { namespaces }), auth("a/b"));
    assertEquals(await lookUp(config, "quay.io/a/other/app", { namespaces }), auth("a"));
    assertEquals(await lookUp(config, "quay.io/ab/app", { namespaces }), "anonymous");
    assertEquals(await lookUp(config, "quay.io", { namespaces }), "anonymous");
    const both = { auths: { ...config.auths, "quay.io": entry("host") } };
    assertEquals(await lookUp(both, "quay.io/c/app", { namespaces }), auth("c"));
    assertEquals(await lookUp(both, "quay.io/d/app", { namespaces }), auth("host"));
  });

  it("looks Docker Hub up under podman's names", async () => {
    for (const key of ["docker.io", "docker.io/team", "docker.io/team/app"]) {
      assertEquals(
        await lookUp({ auths: { [key]: entry("hub") } }, "index.docker.io/team/app", { namespaces }),
        auth("hub"),
        key,
      );
    }
    const other = { auths: { "docker.io/team": entry("team"), "https://index.docker.io/v1/": entry("hub") } };
    assertEquals(await lookUp(other, "index.docker.io/library/app", { namespaces }), auth("hub"));
  });

  it("asks the helper of a namespace, and credsStore for no namespace", async () => {
    const { asked, helper } = fakeHelpers({ own: { "quay.io/a": "ann" } });
    const config = { credHelpers: { "quay.io/a": "own" }, credsStore: "all" };
    assertEquals(await lookUp(config, "quay.io/a/b/app", { helper, namespaces }), auth("ann"));
    assertEquals(await lookUp(config, "quay.io/c/d/app", { helper, namespaces }), "anonymous");
    assertEquals(asked, ["all quay.io/a/b/app", "own quay.io/a", "all quay.io/c/d/app", "all quay.io"]);
  });
});
