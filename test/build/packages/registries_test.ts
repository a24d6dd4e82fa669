import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { PackageRegistries, type RegistriesOptions } from "../../../src/build/packages/mod.ts";
import { PackageError } from "../../../src/errors.ts";
import { projectFiles } from "../../make/project_files.ts";

const read = (project: string, more: RegistriesOptions & { variables?: Record<string, string> } = {}) =>
  PackageRegistries.read({
    files: projectFiles({ ".npmrc": project }),
    environment: (name) => more.variables?.[name],
    userNpmrc: "",
    askNpm: () => Promise.resolve("http://asked.test"),
    ...more,
  });
const registryOf = async (registries: PackageRegistries, name: string) => (await registries.registryOf(name)).href;

describe("the registry of a package", () => {
  it("is the one of its scope, else the one of all", async () => {
    const registries = await read("registry = http://all.test/npm\n@scope:registry=http://scope.test/");
    assertEquals(await registryOf(registries, "hono"), "http://all.test/npm/");
    assertEquals(await registryOf(registries, "@scope/a"), "http://scope.test/");
    assertEquals(await registryOf(registries, "@other/a"), "http://all.test/npm/");
  });

  it("is the environment's before the project's, and the project's before the user's", async () => {
    const userNpmrc = "registry=http://user.test/";
    const variables = { npm_config_registry: "http://variable.test/" };
    assertEquals(
      await registryOf(await read("registry=http://all.test/", { userNpmrc, variables }), "a"),
      "http://variable.test/",
    );
    assertEquals(await registryOf(await read("registry=http://all.test/", { userNpmrc }), "a"), "http://all.test/");
    assertEquals(await registryOf(await read("", { userNpmrc }), "a"), "http://user.test/");
  });

  it("is the one that npm names if no setting does, and npm is asked once", async () => {
    let count = 0;
    const askNpm = () => Promise.resolve(`http://asked${++count}.test`);
    const registries = await read("@scope:registry=http://scope.test/", { askNpm });
    assertEquals(await registryOf(registries, "@scope/a"), "http://scope.test/");
    assertEquals(count, 0);
    assertEquals(await registryOf(registries, "a"), "http://asked1.test/");
    assertEquals(await registryOf(registries, "b"), "http://asked1.test/");
  });

  it("that is no URL is refused by its setting, without its text, which may have a secret", async () => {
    for (const wrong of ["ftp://u:secret@all.test/", "secret"]) {
      const registries = await read(`registry=${wrong}`);
      const error = await assertRejects(() => registries.registryOf("a"), PackageError, "npm's setting registry");
      assertEquals(error.message.includes("secret"), false);
    }
  });
});

describe("credentials", () => {
  const of = (registries: PackageRegistries, url: string) => registries.authorization(new URL(url));

  it("are for their host and path, and for what is below", async () => {
    const registries = await read(
      "//all.test/npm/:_authToken=abc\n//port.test:8080/:_authToken=def\n//no.test:_authToken=ghi",
    );
    assertEquals(of(registries, "https://all.test/npm/a/-/a-1.0.0.tgz"), "Bearer abc");
    assertEquals(of(registries, "https://port.test:8080/a"), "Bearer def");
    assertEquals(of(registries, "https://no.test/a"), "Bearer ghi");
    for (
      const other of [
        "https://all.test/a",
        "https://all.test/npm2/a",
        "https://port.test/a",
        "https://other.test/npm/a",
      ]
    ) {
      assertEquals(of(registries, other), undefined, other);
    }
  });

  it("of the deeper path come first", async () => {
    const registries = await read("//all.test/:_authToken=outer\n//all.test/inner/:_authToken=inner");
    assertEquals([of(registries, "https://all.test/inner/a"), of(registries, "https://all.test/a")], [
      "Bearer inner",
      "Bearer outer",
    ]);
  });

  it("are a token, a pair in base64, or a user with a password in base64", async () => {
    const registries = await read("//a.test/:_auth=dTpw\n//b.test/:username=u\n//b.test/:_password=cDpx");
    assertEquals([of(registries, "https://a.test/x"), of(registries, "https://b.test/x")], [
      "Basic dTpw",
      "Basic dTpwOnE=",
    ]);
  });

  it("take variables of the environment", async () => {
    const text = "//a.test/:_authToken=${TOKEN}\n//b.test/:_authToken=${ABSENT?}\n//c.test/:_authToken=${ABSENT}";
    const registries = await read(text, { variables: { TOKEN: "abc" } });
    assertEquals(
      ["a", "b", "c"].map((name) => of(registries, `https://${name}.test/`)),
      ["Bearer abc", undefined, "Bearer ${ABSENT}"],
    );
  });

  it("are read around comments, quotes and spaces", async () => {
    const text =
      '; //a.test/:_authToken=no\n# //a.test/:_authToken=no\n//a.test/:_authToken = "abc" \r\n//b.test/:_authToken=def ; no';
    const registries = await read(text);
    assertEquals([of(registries, "https://a.test/"), of(registries, "https://b.test/")], ["Bearer abc", "Bearer def"]);
  });
});
