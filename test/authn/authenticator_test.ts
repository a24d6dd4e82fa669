import {
  assert,
  assertEquals,
  assertFalse,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { AuthError } from "../../src/errors.ts";
import { anonymous, basic, bearer, fromConfig } from "../../src/authn/mod.ts";

describe("an authenticator", () => {
  it("shows what it was made with", async () => {
    assertEquals(await anonymous.authorization(), {});
    assertEquals(await basic("ann", "p").authorization(), { username: "ann", password: "p" });
    assertEquals(await bearer("t").authorization(), { registryToken: "t" });
    const tokens = { identityToken: "i", registryToken: "r" };
    assertEquals(await fromConfig(tokens).authorization(), tokens);
  });

  it("is anonymous when there is nothing to show", () => {
    assertStrictEquals(fromConfig({}), anonymous);
    assertStrictEquals(fromConfig({ username: "", password: "", auth: "" }), anonymous);
    assertNotStrictEquals(basic("ann", ""), anonymous);
  });

  it("shows nothing to who prints it", () => {
    for (const authenticator of [basic("ann", "s3cret"), bearer("s3cret"), fromConfig({ identityToken: "s3cret" })]) {
      assertFalse(inspect(authenticator, { depth: 9, showHidden: true }).includes("s3cret"));
      assertFalse(JSON.stringify(authenticator).includes("s3cret"));
    }
  });
});

describe("a registry token", () => {
  it("is refused, and not repeated, when no header can carry it", () => {
    for (const token of ["s3c\r\nret", "s3cret\n", "s3c\0ret", "s3crét", "s3cret✓"]) {
      for (const make of [() => bearer(token), () => fromConfig({ username: "ann", registryToken: token })]) {
        const error = assertThrows(make, AuthError);
        assertEquals(error.message, "the credentials: the registry token has characters that no header can carry");
        assertFalse(inspect(error).includes("s3c"));
      }
    }
  });
});

describe("auth", () => {
  const decode = async (auth: string) => await fromConfig({ auth, username: "other", password: "y" }).authorization();

  it("overrides the name and the password, padded or not", async () => {
    assertEquals(await decode("YW5uOnA="), { username: "ann", password: "p" });
    assertEquals(await decode("YW5uOnA"), { username: "ann", password: "p" });
    assertEquals(await decode(" YW5u\nOnA=\n"), { username: "ann", password: "p" });
  });

  it("is cut at its first colon", async () => {
    assertEquals(await decode(btoa("ann:a:b:")), { username: "ann", password: "a:b:" });
    assertEquals(await decode(btoa("ann:")), { username: "ann" });
  });

  it("is UTF-8", async () => {
    assertEquals(await decode("w6RubjpwYXNz8J+Yig=="), { username: "änn", password: "pass😊" });
  });

  it("loses the NULs that old versions of docker added", async () => {
    assertEquals(await decode(btoa("ann:p\0\0")), { username: "ann", password: "p" });
  });

  it("is refused, and not repeated, when it is something else", () => {
    for (const auth of ["s3cret!", btoa("s3cret"), btoa("ann:\xff")]) {
      const error = assertThrows(() => fromConfig({ auth }), AuthError, `"auth" is not base64 of username:password`);
      const said = [error.message, error.hint, inspect(error.cause)].join();
      assert(!said.includes("s3cret") && !said.includes(auth));
    }
  });
});
