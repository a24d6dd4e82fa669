import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import {
  anonymous,
  type Authenticator,
  basic,
  type Keychain,
  lazyKeychain,
  multiKeychain,
  refreshingKeychain,
} from "../../src/authn/mod.ts";

const target = { registry: "gcr.io", repository: "a/b" };

function fixed(authenticator: Authenticator): Keychain {
  return { resolve: () => Promise.resolve(authenticator) };
}

describe("multiKeychain", () => {
  it("takes the first that knows the target, and asks no further", async () => {
    const never: Keychain = { resolve: () => Promise.reject(new Error("asked in vain")) };
    const ann = basic("ann", "p");
    assertStrictEquals(await multiKeychain(fixed(anonymous), fixed(ann), never).resolve(target), ann);
    await assertRejects(() => multiKeychain(never, fixed(ann)).resolve(target), Error, "asked in vain");
  });

  it("is anonymous when none does", async () => {
    assertStrictEquals(await multiKeychain().resolve(target), anonymous);
    assertStrictEquals(await multiKeychain(fixed(anonymous)).resolve(target), anonymous);
  });

  it("hands on the target and the signal", async () => {
    const seen: unknown[] = [];
    const spy: Keychain = {
      resolve(target, options) {
        seen.push(target, options?.signal);
        return Promise.resolve(anonymous);
      },
    };
    const { signal } = new AbortController();
    await multiKeychain(spy).resolve(target, { signal });
    assertEquals(seen, [target, signal]);
  });
});

describe("lazyKeychain", () => {
  it("is made once, when it is first asked, and again after a failure", async () => {
    let made = 0;
    const keychain = lazyKeychain(() => {
      if (++made === 1) return Promise.reject(new Error("not yet"));
      return Promise.resolve(fixed(basic("ann", "p")));
    });
    assertEquals(made, 0);
    await assertRejects(() => keychain.resolve(target), Error, "not yet");
    const found = await Promise.all([keychain.resolve(target), keychain.resolve(target)]);
    assertEquals([made, found[0] === found[1]], [2, true]);
  });

  it("ends only the wait of who aborts", async () => {
    let ready: (keychain: Keychain) => void = () => {};
    const keychain = lazyKeychain(() => new Promise((resolve) => ready = resolve));
    const controller = new AbortController();
    const aborted = keychain.resolve(target, { signal: controller.signal });
    const patient = keychain.resolve(target);
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    ready(fixed(anonymous));
    assertStrictEquals(await patient, anonymous);
  });
});

describe("refreshingKeychain", () => {
  /** A keychain whose credentials are numbered, under a clock that stands still until it is set. */
  function numbered() {
    const state = { now: 0, asked: 0, fails: false };
    const inner: Keychain = {
      resolve() {
        if (state.fails) return Promise.reject(new Error("no answer"));
        return Promise.resolve(basic(`user${++state.asked}`, "p"));
      },
    };
    return { state, keychain: refreshingKeychain(inner, { durationMs: 1000, clock: () => state.now }) };
  }
  const user = async (authenticator: Authenticator) => (await authenticator.authorization()).username;

  it("asks again only when the credentials are older than the duration", async () => {
    const { state, keychain } = numbered();
    const found = await keychain.resolve(target);
    assertEquals(await user(found), "user1");
    state.now = 1000;
    assertEquals(await user(found), "user1");
    state.now = 1001;
    assertEquals(await user(found), "user2");
    state.now = 2001;
    assertEquals(await user(found), "user2");
    state.now = 2002;
    assertEquals(await user(found), "user3");
  });

  it("asks once for all who wait", async () => {
    const { state, keychain } = numbered();
    const found = await keychain.resolve(target);
    state.now = 5000;
    assertEquals(await Promise.all([user(found), user(found), user(found)]), ["user2", "user2", "user2"]);
    assertEquals(state.asked, 2);
  });

  it("fails when it can't ask again, and tries anew for the next", async () => {
    const { state, keychain } = numbered();
    const found = await keychain.resolve(target);
    state.now = 5000;
    state.fails = true;
    await assertRejects(() => user(found), Error, "no answer");
    state.fails = false;
    assertEquals(await user(found), "user2");
  });

  it("stays who it was where nobody is known any more", async () => {
    const answers = [basic("ann", "p"), anonymous, basic("bob", "p")];
    let now = 0;
    const inner: Keychain = { resolve: () => Promise.resolve(answers.shift()!) };
    const found = await refreshingKeychain(inner, { durationMs: 1, clock: () => now }).resolve(target);
    const users = [];
    for (now = 0; now < 6; now += 2) users.push(await user(found));
    assertEquals(users, ["ann", "ann", "bob"]);
  });

  it("ends only the wait of who aborts", async () => {
    let answer: (authenticator: Authenticator) => void = () => {};
    const slow = new Promise<Authenticator>((resolve) => answer = resolve);
    let asked = 0;
    const inner: Keychain = { resolve: () => asked++ === 0 ? Promise.resolve(basic("old", "p")) : slow };
    let now = 0;
    const found = await refreshingKeychain(inner, { durationMs: 1, clock: () => now }).resolve(target);
    now = 10;
    const controller = new AbortController();
    const aborted = found.authorization({ signal: controller.signal });
    const patient = found.authorization();
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    answer(basic("new", "p"));
    assertEquals((await patient).username, "new");
    assertEquals(asked, 2);
  });

  it("leaves anonymous alone", async () => {
    assertStrictEquals(await refreshingKeychain(fixed(anonymous)).resolve(target), anonymous);
  });
});
