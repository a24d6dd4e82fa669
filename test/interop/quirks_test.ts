import { assertEquals } from "@std/assert";
import { describePeer } from "../peers/mod.ts";
import { it } from "node:test";
import { read } from "../project/tree.ts";
import { quirkDocument, quirkRows, REASONS, type Row } from "./quirks_table.ts";

describePeer("registries with quirks, beside crane", ["crane"], () => {
  let rows: Promise<Row[]> | undefined;
  const allRows = () => rows ??= quirkRows();

  it("are mastered wherever crane masters them, or for a reason not", { timeout: 300_000 }, async () => {
    const worse = (await allRows()).flatMap(({ quirk, outcomes }) =>
      outcomes.filter(({ ours, crane }) => (crane === "yes" && ours !== "yes") || ours === "WRONG")
        .map(({ command, ours }) => `${quirk}, ${command}: ${ours}`)
    );
    assertEquals(worse.filter((line) => !Object.keys(REASONS).some((quirk) => line.startsWith(`${quirk},`))), []);
  });

  it("are in the document", { timeout: 300_000 }, async () => {
    assertEquals(quirkDocument(await allRows()), read("docs/quirks.md"));
  });
});
