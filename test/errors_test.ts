import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import * as errors from "../src/errors.ts";
import type { GcraneErrorCode } from "../src/errors.ts";
import { read } from "./project/tree.ts";

const { GcraneError, HttpError, ...others } = errors;

/** Every error class, made once. */
const made = [
  ...Object.values(others).map((OneError) => new OneError("it failed", { hint: "try again" })),
  new HttpError("it failed", {
    hint: "try again",
    status: 500,
    method: "GET",
    url: "https://registry.example.com/v2/",
  }),
];

describe("error classes", () => {
  it("have a code each, and the union of codes has these and no others", () => {
    const union = /type GcraneErrorCode =([^;]+);/.exec(read("src/errors.ts"))?.[1] ?? "";
    const codes: GcraneErrorCode[] = made.map(({ code }) => code);
    assertEquals(codes.toSorted(), [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code).sort());
    assertEquals(new Set(codes).size, made.length);
  });

  it("are told apart by their codes, which narrow their types", () => {
    const detail = (error: errors.FileError | errors.HttpError) =>
      error.code === "HTTP_STATUS" ? error.status : error.errno;
    assertEquals(detail(new errors.FileError("it failed", { errno: "ENOENT" })), "ENOENT");
    assertEquals(made.filter((error) => error instanceof HttpError).map(detail), [500]);
  });

  it("are GcraneErrors with the name of the class, the message and the hint", () => {
    for (const error of made) {
      assert(error instanceof GcraneError);
      assertEquals([error.name, error.message, error.hint], [error.constructor.name, "it failed", "try again"]);
    }
  });
});
