import { it } from "node:test";
import { describePeer, runPeer } from "../peers/mod.ts";
import { exportedModules } from "./exports.ts";
import { standardModules } from "./standard_modules.ts";
import { top } from "./tree.ts";

// Node.js strips the types by itself and finds the package by its name through package.json.
describePeer("Node.js imports", ["node 22.18"], () => {
  // Not the command line, which is a program.
  for (const { name } of exportedModules().filter(({ name }) => name !== "@gcrane/gcrane/cli")) {
    it(name, async () => {
      const code = `await import(${JSON.stringify(name)});`;
      await runPeer("node 22.18", ["--import", standardModules(), "--input-type=module", "--eval", code], { cwd: top });
    });
  }
});
