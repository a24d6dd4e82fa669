import { it } from "node:test";
import { describePeer, runPeer } from "../peers/mod.ts";
import { exportedModules } from "./exports.ts";
import { standardModules } from "./standard_modules.ts";
import { top } from "./tree.ts";

// Node.js strips the types by itself and finds each module by the package's exports. Of the sources alone, as they are in
// a checkout: @std comes from a hook. The npm package has it inside, and test/package imports that. What Node.js
// does with a bundle that needs no hook is tested in test/crane/environments, where it calls every verb.
describePeer("Node.js strips the types of the sources and imports", ["node 22.18"], () => {
  // Not the command line, which is a program.
  for (const { name } of exportedModules().filter(({ name }) => name !== "@gcrane/gcrane/cli")) {
    it(name, async () => {
      const code = `await import(${JSON.stringify(name)});`;
      await runPeer("node 22.18", ["--import", standardModules(), "--input-type=module", "--eval", code], { cwd: top });
    });
  }
});
