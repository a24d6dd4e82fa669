// Runs s3rver with a bucket `images`: the argument is its folder; the output is the URL. It ends with its standard input.
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const require = createRequire(join(homedir(), ".cache/gcrane-peers/npm/"));
const S3rver = require("s3rver");

const server = new S3rver({
  directory: process.argv[2],
  address: "127.0.0.1",
  port: 0,
  silent: true,
  configureBuckets: [{ name: "images" }],
});
const { port } = await server.run();
console.log(`http://127.0.0.1:${port}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
