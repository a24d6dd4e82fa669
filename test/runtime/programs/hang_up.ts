import { isHangUpIgnored, writeStdout } from "../../../src/runtime/mod.ts";

await writeStdout(`${isHangUpIgnored()}\n`);
