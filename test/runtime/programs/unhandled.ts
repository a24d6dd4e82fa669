// Loses errors in every way, and writes down which of them it hears of.
import { commandLineArguments, exit, onUnhandledError, writeStdout } from "../../../src/runtime/mod.ts";

const heard: string[] = [];
const undo = onUnhandledError((error) => heard.push(error instanceof Error ? error.message : String(error)));

const turns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve));
};

void Promise.reject(new Error("rejected"));
await turns();
void Promise.reject("no error at all");
await turns();
setTimeout(() => {
  throw new Error("thrown");
});
await turns();
await writeStdout(JSON.stringify(heard));
if (commandLineArguments()[0] === "undo") {
  undo();
  void Promise.reject(new Error("not heard of"));
  await turns();
  await writeStdout(` and then ${heard.length - 3}`);
}
exit(0);
