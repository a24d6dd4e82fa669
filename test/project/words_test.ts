import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { documents, read, typescript } from "./tree.ts";
import { bannedWords } from "./words.ts";

describe("bannedWords", () => {
  it("finds a word in a comment, with file and line", () => {
    const source = "const who = 1;\n\n/**\n * Returns what nobody\n * told it.\n */\nf(who); // Whoever reads\n";
    assertEquals(bannedWords("src/name/x.ts", source), [
      "src/name/x.ts:4: nobody",
      "src/name/x.ts:5: told",
      "src/name/x.ts:7: whoever",
    ]);
  });

  it("finds a word in a message or a help text of the package", () => {
    const source = 'fail("the registry says no");\nfail(`${host.split("}")[0]}\nsays ${it} tells`);\nfail("nosaying");';
    assertEquals(bannedWords("cli/x.ts", source), ["cli/x.ts:1: says", "cli/x.ts:3: says", "cli/x.ts:3: tells"]);
  });

  it("takes the strings of a test for data", () => {
    assertEquals(bannedWords("test/x_test.ts", 'it("says so", () => "// who"); // who'), ["test/x_test.ts:1: who"]);
  });

  it("does not take a name, a regular expression or part of a word for a banned word", () => {
    const source = "who.says(/told \\/\\/ said/); // whoami, a layer whose digest is foretold\n";
    assertEquals(bannedWords("src/x.ts", source), []);
  });

  it("reads all of a document", () => {
    assertEquals(bannedWords("README.md", "# Who\n\n`tells`\n"), ["README.md:1: who", "README.md:3: tells"]);
  });
});

describe("the project's words", () => {
  it("are plain technical English in comments, messages and documents", () => {
    const texts = new Map([...typescript(), ...documents().map((path) => [path, read(path)] as const)]);
    const rule = /^test\/project\/words(_test)?\.ts$/;
    const wrong = [...texts].filter(([path]) => !rule.test(path))
      .flatMap(([path, source]) => bannedWords(path, source));
    assertEquals(wrong, []);
  });
});
