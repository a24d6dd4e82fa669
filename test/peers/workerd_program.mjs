// Runs a Worker of one module under workerd, with an R2 bucket that is bound as BUCKET: the arguments are the module and
// the folder for the bucket; the output is the URL. It ends when its standard input does.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const require = createRequire(join(homedir(), ".cache/gcrane-peers/npm/"));
const { Miniflare } = require("miniflare");

const [scriptPath, r2Persist] = process.argv.slice(2);
const miniflare = new Miniflare({
  modules: true,
  script: readFileSync(scriptPath, "utf8"),
  compatibilityDate: "2026-01-01",
  compatibilityFlags: (process.env.WORKER_FLAGS ?? "nodejs_compat").split(" ").filter(Boolean),
  r2Buckets: ["BUCKET"],
  r2Persist,
  bindings: JSON.parse(process.env.WORKER_BINDINGS ?? "{}"),
  host: "127.0.0.1",
  port: 0,
  unsafeTriggerHandlers: true,
  inspectorPort: 0,
});
const { href } = await miniflare.ready;
const inspector = await miniflare.getInspectorURL();
console.log(href.replace(/\/$/, ""), new URL("/core:user:", inspector).href);
process.stdin.resume();
process.stdin.on("end", () => miniflare.dispose().then(() => process.exit(0)));
