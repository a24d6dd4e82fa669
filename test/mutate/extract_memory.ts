// Extracts a layer of a number of MiB and prints by how many MiB the process grew, and how many the layer was read
// ahead of the output. Runs in a process of its own, as one that ran other tests still holds their garbage.

import process from "node:process";
import { extractLayers } from "../../src/mutate/mod.ts";
import { track } from "../make/streams.ts";
import { header } from "../make/archives.ts";
import { uncheckedLayer } from "../make/entry_layers.ts";

const MIB = 1024 * 1024;
const CHUNK = 256 * 1024;
const size = Number(process.argv[2]) * MIB;

let pulled = 0;
function* chunks() {
  yield header({ name: "big", size });
  for (; pulled < size; pulled += CHUNK) yield new Uint8Array(CHUNK).fill(pulled / CHUNK);
}

const before = process.memoryUsage().rss;
let growth = 0;
let ahead = 0;
let written = 0;
for (const reader = extractLayers([uncheckedLayer(() => track(chunks()).stream)]).getReader();;) {
  const { value, done } = await reader.read();
  if (done) break;
  written += value.length;
  ahead = Math.max(ahead, pulled - written);
  growth = Math.max(growth, process.memoryUsage().rss - before);
}
console.log(JSON.stringify({ written: written / MIB, growth: growth / MIB, ahead: ahead / MIB }));
