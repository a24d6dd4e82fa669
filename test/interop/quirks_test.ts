import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { read } from "../project/tree.ts";
import { documentedRows, quirkRows, REASONS, type Row } from "./quirks_table.ts";
import { once } from "../project/applicable.ts";

/** One line for each outcome, crane's where it is known. */
function outcomesOf(rows: readonly Row[], withCrane: boolean): string[] {
  return rows.flatMap(({ quirk, outcomes }) =>
    outcomes.flatMap(({ command, ours, crane }) => [
      `${quirk}, ${command}: ${ours}`,
      ...(withCrane && crane !== undefined ? [`${quirk}, ${command} by crane: ${crane}`] : []),
    ])
  );
}

describe("registries with quirks", () => {
  const documented = documentedRows(read("docs/quirks.md"));

  it("are mastered wherever crane masters them, or for a reason not", () => {
    const worse = documented.filter(({ outcomes }) =>
      outcomes.some(({ ours, crane }) => (crane === "yes" && ours !== "yes") || ours === "WRONG" || crane === "WRONG")
    );
    assertEquals(worse.map(({ quirk }) => quirk).sort(), Object.keys(REASONS).sort());
  });

  it(
    "have the outcomes of the document, ours and, where it is installed, crane's",
    { timeout: 900_000, skip: once() },
    async () => {
      const rows = await quirkRows();
      const withCrane = rows.some(({ outcomes }) => outcomes.some(({ crane }) => crane !== undefined));
      assertEquals(outcomesOf(rows, withCrane), outcomesOf(documented, withCrane));
    },
  );
});
