// Uses the standard streams in the way that its first argument selects.
import {
  commandLineArguments,
  environmentVariable,
  exit,
  isTerminal,
  onInterrupt,
  removeTemporaries,
  stdinStream,
  temporaryDirectory,
  terminalSize,
  writeStderrSync,
  writeStdout,
} from "../../../src/runtime/mod.ts";

const [what, argument] = commandLineArguments();

switch (what) {
  case "text":
    await writeStdout(`${await new Response(stdinStream()).text()}|${argument}|${environmentVariable("GCRANE_TEST")}`);
    break;
  case "copy":
    for await (const chunk of stdinStream()) await writeStdout(chunk);
    break;
  case "flood": {
    // Not waited for one by one: the bytes must not mix.
    const writes = Array.from({ length: 64 }, (_, i) => writeStdout(new Uint8Array(100_000).fill(i)));
    await Promise.all(writes);
    break;
  }
  case "closed":
    try {
      for (;;) await writeStdout(new Uint8Array(65536));
    } catch (error) {
      writeStderrSync(`failed with ${(error as { code?: string }).code}`);
    }
    break;
  case "stderr":
    writeStderrSync("first ");
    writeStderrSync("second");
    exit(3);
    break;
  case "leave":
    await stdinStream().getReader().read();
    void stdinStream().getReader().read();
    await writeStdout("waiting");
    exit(5);
    break;
  case "terminal":
    await writeStdout(JSON.stringify([isTerminal("stdin"), isTerminal("stdout"), isTerminal("stderr")]));
    await writeStdout(String(JSON.stringify(terminalSize())));
    break;
  case "interrupt": {
    const path = await temporaryDirectory();
    const keepAlive = setInterval(() => {}, 1000);
    const undo = onInterrupt((signal) => {
      removeTemporaries();
      writeStderrSync(signal);
      clearInterval(keepAlive);
      undo();
      exit(130);
    });
    await writeStdout(path);
    break;
  }
}
