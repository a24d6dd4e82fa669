// Asks on the terminal in the way that its first argument selects.
import {
  askLine,
  commandLineArguments,
  exit,
  onInterrupt,
  terminalSize,
  writeStdout,
} from "../../../src/runtime/mod.ts";

const [what] = commandLineArguments();
const interrupted = new AbortController();
onInterrupt((signal) => interrupted.abort(new Error(`interrupted by ${signal}`)));
const { signal } = interrupted;
try {
  switch (what) {
    case "line":
      await writeStdout(`<${await askLine("Name? ", { signal })}>`);
      await writeStdout(`<${await askLine("Again? ", { signal })}>`);
      break;
    case "secret":
      await writeStdout(`<${btoa(await askLine("Secret? ", { secret: true, signal }))}>`);
      await writeStdout(`<${await askLine("Name? ", { signal })}>`);
      break;
    case "size":
      await writeStdout(String(JSON.stringify(terminalSize())));
      break;
  }
  exit(0);
} catch (error) {
  await writeStdout(`failed: ${(error as Error).message}`);
  exit(1);
}
