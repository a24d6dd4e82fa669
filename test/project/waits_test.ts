import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { typescript } from "./tree.ts";
import { endlessWaits } from "./waits.ts";

describe("waits in tests", () => {
  it("have an end", () => {
    const tests = [...typescript()].filter(([path]) => path.startsWith("test/"));
    const found = tests.flatMap(([path, source]) => endlessWaits(source).map((loop) => `${path}: ${loop}`));
    assertEquals(found, []);
  });

  it("would be caught without one", () => {
    // In parts, so that this file does not match itself.
    const [wait, loop] = ["await new Promise((done) => setTimeout(done, 1))", "while"];
    const source = `
${loop} (!isOver()) ${wait};
  ${loop} (await status() !== 401); // in a second
if (late) ${loop} (x === undefined) {
  x = read();

  await delay(10);
}
for (let turn = 0;; turn++) {
  if (isOver()) break;
  ${wait};
}
`;
    assertEquals(endlessWaits(source), [
      `${loop} (!isOver())`,
      `${loop} (await status() !== 401)`,
      `${loop} (x === undefined)`,
      "for (let turn = 0;; turn++)",
    ]);
  });

  it("are no loops that end by themselves, or do not wait", () => {
    const source = `
while (!(await reader.read()).done);
while (Date.now() < end) {
  await delay(1);
}
for (let turn = 0; turn < 3; turn++) await delay(1);
while (queue.length > 0) await work(queue.pop());
while (at < length) at++;
await delay(1);
`;
    assertEquals(endlessWaits(source), []);
  });
});
