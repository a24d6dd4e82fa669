import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { isHeaderText, jsonObject, listed } from "../../src/io/mod.ts";

describe("jsonObject", () => {
  it("reads an object", () => assertEquals(jsonObject('{"a":[1]}'), { a: [1] }));

  for (const text of ["", "{", "[]", "null", "1", '"{}"']) {
    it(`takes ${JSON.stringify(text)} for none`, () => assertEquals(jsonObject(text), undefined));
  }
});

describe("isHeaderText", () => {
  it("is true of printable ASCII alone", () => {
    assertEquals(["", "Bearer a.b~c", " "].map(isHeaderText), [true, true, true]);
    assertEquals(["a\nb", "a\tb", "\x7f", "ü"].map(isHeaderText), [false, false, false, false]);
  });
});

describe("listed", () => {
  it("names each once, and the first ones of very many", () => {
    assertEquals(listed([]), "");
    assertEquals(listed(["b", "a", "b"]), "b, a");
    const many = Array.from({ length: 1000 }, (_, index) => `v${index}`);
    assertEquals(listed(many), `${many.slice(0, 30).join(", ")}, …`);
  });
});
