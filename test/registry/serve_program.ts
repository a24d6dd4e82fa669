// A registry in a process of its own, which a test can kill: its argument is the directory, its output the URL.
import process from "node:process";
import { serveRegistry } from "../../src/registry/mod.ts";

const { url } = await serveRegistry({ disk: process.argv[2] });
console.log(url);
