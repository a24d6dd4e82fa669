import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { until, within } from "./waiting.ts";

describe("a wait", () => {
  it("ends when its condition holds", async () => {
    let looks = 0;
    await until(() => ++looks === 3);
    await until(() => Promise.resolve(++looks === 6));
    assertEquals([looks, await within(Promise.resolve("x"), { what: "x" })], [6, "x"]);
  });

  it("ends with an error that names what it waited for", async () => {
    const door = { isOpen: false };
    await assertRejects(() => until(() => door.isOpen, { limit: 5 }), Error, "door.isOpen");
    await assertRejects(
      () => until(() => false, { what: "a miracle", limit: 5 }),
      Error,
      "waited in vain for a miracle",
    );
    await assertRejects(() => until(() => new Promise(() => {}), { what: "an answer", limit: 5 }), Error, "an answer");
    await assertRejects(() => within(new Promise(() => {}), { what: "an end", limit: 5 }), Error, "vain for an end");
  });

  it("ends with the error of its condition", async () => {
    const broken = () => Promise.reject(new Error("broken"));
    await assertRejects(() => until(broken, { limit: 5 }), Error, "broken");
  });
});
