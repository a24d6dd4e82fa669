// Runs gcrane with the arguments, and writes what it has used that takes time to load to standard error: node's process
// on Deno, node's modules, and timers.
import { main } from "../../../cli/main.ts";
import { commandLineArguments, exit, writeStderrSync } from "../../../src/runtime/mod.ts";

const used = new Set<string>();

const before = Object.getOwnPropertyDescriptor(globalThis, "process")!;
if ("Deno" in globalThis) {
  Object.defineProperty(globalThis, "process", {
    configurable: true,
    get() {
      used.add("process");
      return before.get?.call(globalThis) ?? before.value;
    },
  });
} else {
  const host = globalThis.process;
  const builtin = host.getBuiltinModule;
  host.getBuiltinModule = ((name: string) => {
    used.add(name);
    return builtin.call(host, name);
  }) as typeof builtin;
}
const timer = globalThis.setTimeout;
globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
  used.add("setTimeout");
  return timer(...args);
}) as typeof setTimeout;
// On a busy machine the server may take longer than the wait that comes before a timer.
AbortSignal.timeout = () => new AbortController().signal;

const code = await main(commandLineArguments());
writeStderrSync(JSON.stringify([...used].sort()));
exit(code);
