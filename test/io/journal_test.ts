import { assertEquals, assertRejects } from "@std/assert";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Journal, type JournalLine } from "../../src/io/mod.ts";
import { FileError, JournalError } from "../../src/errors.ts";

const header = { journal: "test", version: 1, source: "a" };

async function withFile(work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_journal_"));
  try {
    await work(join(folder, "journal"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Opens a journal of numbers and gives those it has; the even ones are summed up. */
async function open(path: string, options: { header?: JournalLine; readOnly?: boolean } = {}): Promise<{
  journal: Journal;
  numbers: number[];
}> {
  const numbers: number[] = [];
  const journal = await Journal.open(path, {
    header,
    ...options,
    replay({ number }) {
      if (typeof number !== "number") throw new TypeError("no number");
      numbers.push(number);
    },
    summary: () => numbers.filter((number) => number % 2 === 0).map((number) => ({ number })),
  });
  return { journal, numbers };
}

/** The numbers that a journal has. */
async function numbersOf(path: string): Promise<number[]> {
  return (await open(path, { readOnly: true })).numbers;
}

async function write(path: string, ...numbers: number[]): Promise<void> {
  const { journal } = await open(path);
  await Promise.all(numbers.map((number) => journal.append({ number })));
  await journal.close();
}

describe("Journal", () => {
  it("gives back what was appended, in order, and keeps the summary", () =>
    withFile(async (path) => {
      await write(path, 1, 2, 3, 4);
      const { journal, numbers } = await open(path);
      await journal.append({ number: 5 });
      await journal.close();
      assertEquals(numbers, [1, 2, 3, 4]);
      assertEquals(await numbersOf(path), [2, 4, 5]);
    }));

  it("has a line in the file when append resolves, also of many at once", () =>
    withFile(async (path) => {
      const { journal } = await open(path);
      await Promise.all(Array.from({ length: 200 }, async (_, number) => {
        await journal.append({ number });
        assertEquals(readFileSync(path, "utf8").includes(`{"number":${number}}\n`), true);
      }));
      await journal.close();
    }));

  for (const torn of ['{"number":7', '{"number":7}', "{", '\0\0\0\0"']) {
    it(`drops a last line that was torn: ${JSON.stringify(torn)}`, () =>
      withFile(async (path) => {
        await write(path, 2);
        appendFileSync(path, torn);
        await write(path, 4);
        assertEquals(await numbersOf(path), [2, 4]);
      }));
  }

  it("takes an empty file for a new one", () =>
    withFile(async (path) => {
      writeFileSync(path, "");
      await write(path, 2);
      assertEquals(await numbersOf(path), [2]);
    }));

  it("read only, changes and makes nothing", () =>
    withFile(async (path) => {
      const { journal } = await open(path, { readOnly: true });
      await journal.append({ number: 1 });
      await journal.close();
      assertEquals(existsSync(path), false);
      await write(path, 1);
      const before = readFileSync(path, "utf8");
      assertEquals(await numbersOf(path), [1]);
      assertEquals(readFileSync(path, "utf8"), before);
    }));

  for (
    const [what, content, message] of [
      ["a text", "hello\nworld\n", /is not a journal of test/],
      ["a file without a newline", "some notes", /is not a journal of test/],
      ["another journal", '{"journal":"other","version":1}\n', /is not a journal of test/],
      ["another version", '{"journal":"test","version":2,"source":"a"}\n', /another version/],
      [
        "other work",
        '{"journal":"test","version":1,"source":"b","x":1}\n',
        /of other work: source "b", not "a"; x 1, not none/,
      ],
      ["nonsense in the middle", `${JSON.stringify(header)}\n{"number":"x"}\n{"number":1}\n`, /is invalid in line 2/],
      ["no JSON in the middle", `${JSON.stringify(header)}\n\n{"number":1}\n`, /is invalid in line 2/],
    ] as const
  ) {
    it(`refuses ${what}, and leaves it as it is`, () =>
      withFile(async (path) => {
        writeFileSync(path, content);
        const error = await assertRejects(() => open(path), JournalError);
        assertEquals([message.test(error.message), error.hint !== undefined], [true, true], error.message);
        assertEquals(readFileSync(path, "utf8"), content);
      }));
  }

  it("refuses a folder, and a place that can't be written to", () =>
    withFile(async (path) => {
      await assertRejects(() => open(join(path, "missing", "journal")), FileError, "can't use the journal");
      mkdirSync(path);
      await assertRejects(() => open(path), JournalError, "is not a file");
    }));
});
