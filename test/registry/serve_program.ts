// A registry in a process of its own, which a test can kill: its argument is the directory, its output the URL. With a
// number for a second argument it kills itself right before it changes the disk for that time.
import process from "node:process";
import { serveRegistry } from "../../src/registry/mod.ts";

const [disk, dieAt] = process.argv.slice(2);
const { url } = await serveRegistry({ disk });
if (dieAt !== undefined) dieAtChange(Number(dieAt));
console.log(url);

type Call = (...args: unknown[]) => unknown;

/** All changes of the disk pass through these functions, of the module and of the files that it opens. */
function dieAtChange(number: number): void {
  let changes = 0;
  const watch = (owner: object, names: readonly string[], after: (result: unknown) => unknown = (it) => it) => {
    const methods = owner as Record<string, Call | undefined>;
    for (const name of names) {
      const method = methods[name];
      if (method === undefined) continue;
      methods[name] = (...args) => {
        const reads = name === "open" && (args[1] === undefined || args[1] === "r");
        if (!reads && ++changes === number) process.kill(process.pid, "SIGKILL");
        const result = method.apply(owner, args);
        return name === "open" ? Promise.resolve(result).then(after) : result;
      };
    }
  };
  const promises = process.getBuiltinModule("node:fs").promises;
  watch(promises, ["open", "rename", "unlink", "rm", "rmdir", "mkdir", "link", "writeFile", "utimes"], (file) => {
    watch(file as object, ["write", "writev", "sync", "datasync", "truncate"]);
    return file;
  });
}
