import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "node:test";
import { FileError, ManifestError, UnsupportedError } from "../../src/errors.ts";
import { fileFailure, missingIsUndefined, temporaryFailure } from "../../src/io/mod.ts";

describe("fileFailure", () => {
  for (
    const [runtime, code, message, words] of [
      [
        "Node and Bun",
        "ENOENT",
        "ENOENT: no such file or directory, open '/x/.a.tar.1.tmp'",
        "no such file or directory",
      ],
      ["Node, two paths", "EACCES", "EACCES: permission denied, rename '/x/a' -> '/x/b'", "permission denied"],
      ["Node, no path", "ENOSPC", "ENOSPC: no space left on device, write", "no space left on device"],
      ["Deno", "ENOTDIR", "Not a directory (os error 20): mkdir '/x/a'", "not a directory"],
      ["Deno, no path", "ENOSPC", "No space left on device (os error 28)", "no space left on device"],
    ]
  ) {
    it(`keeps the system's words and leaves out the runtime's: ${runtime}`, () => {
      const cause = Object.assign(new Error(message), { code });
      const failure = fileFailure("can't write /x/a.tar", cause);
      assert(failure instanceof FileError);
      assertEquals([failure.message, failure.errno, failure.cause], [`can't write /x/a.tar: ${words}`, code, cause]);
    });
  }

  it("names the flag where Deno gives no permission", () => {
    const cause = new Error('Requires write access to "/x/a.tar", run again with the --allow-write flag');
    cause.name = "NotCapable";
    const failure = fileFailure("can't write /x/a.tar", cause);
    assert(failure instanceof FileError);
    assertEquals([failure.message, failure.hint, failure.cause], [
      "can't write /x/a.tar: Deno does not allow it",
      "run again with the --allow-write flag",
      cause,
    ]);
  });

  it("says that a runtime has no files", () => {
    const cause = new Error("The file system is not available on this runtime (web)");
    cause.name = "NotSupportedError";
    const failure = fileFailure("can't read /x/a.tar", cause);
    assert(failure instanceof UnsupportedError);
    assertEquals(
      [failure.message, failure.cause],
      ["can't read /x/a.tar: the file system is not available on this runtime (web)", cause],
    );
  });

  it("leaves other errors as they are", () => {
    const others = [
      new ManifestError("no manifest"),
      Object.assign(new Error("reset"), { code: "ECONNRESET" }),
      new TypeError("a bug"),
      "text",
    ];
    for (const error of others) assertStrictEquals(fileFailure("can't read it", error), error);
  });
});

describe("missingIsUndefined", () => {
  it("takes a path that does not exist for no value, and throws any other error", () => {
    for (const code of ["ENOENT", "ENOTDIR"]) {
      assertEquals(missingIsUndefined(Object.assign(new Error("not there"), { code })), undefined);
    }
    for (const error of [Object.assign(new Error("denied"), { code: "EACCES" }), new TypeError("a bug"), undefined]) {
      let thrown: unknown = "nothing";
      try {
        missingIsUndefined(error);
      } catch (caught) {
        thrown = caught;
      }
      assertStrictEquals(thrown, error);
    }
  });
});

describe("temporaryFailure", () => {
  it("says how to name another directory where the file system failed, and leaves other errors as they are", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const failure = temporaryFailure("a layer", full);
    assert(failure instanceof FileError);
    assertEquals([failure.errno, failure.cause], ["ENOSPC", full]);
    assertEquals(failure.hint, "set TMPDIR to a directory with enough space");
    const bug = new TypeError("a bug");
    assertStrictEquals(temporaryFailure("a layer", bug), bug);
  });
});
