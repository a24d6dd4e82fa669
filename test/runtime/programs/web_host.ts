// Uses the room where there are web standards and nothing else, with a DigestStream as workerd has it where asked.
const hidden = { value: undefined, configurable: true, writable: true };
const [what] = process.argv.slice(2);
for (const name of ["Deno", "process"]) Object.defineProperty(globalThis, name, hidden);

/** The hash stream of workerd, made of `crypto.subtle`. */
class FakeDigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor(algorithm: string) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const result = Promise.withResolvers<ArrayBuffer>();
    super({
      write: (chunk) => void chunks.push(chunk.slice()),
      close: async () => result.resolve(await crypto.subtle.digest(algorithm, await new Blob(chunks).arrayBuffer())),
    });
    this.digest = result.promise;
  }
}

if (what === "digest-stream") Object.assign(crypto, { DigestStream: FakeDigestStream });

const runtime = await import("../../../src/runtime/mod.ts");
const text = new TextEncoder().encode("abc");
const streamOf = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();

async function nameOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "no error";
  } catch (error) {
    return (error as Error).name;
  }
}

const hashes: string[] = [];
for (const algorithm of ["sha256", "sha512"] as const) {
  const hash = await runtime.streamingHash(algorithm);
  hash.update(text.subarray(0, 1));
  hash.update(text.subarray(1));
  hashes.push(await hash.hex() === await runtime.hashHex(text, algorithm) ? "same" : "different");
}

const compressed = new Uint8Array(await new Response(runtime.gzipStream(streamOf(text))).arrayBuffer());
const back = await new Response(runtime.gunzipStream(streamOf(compressed))).text();
const portable = new Response(runtime.gzipStream(streamOf(text), { portable: true }));
const corrupt = runtime.gunzipStream(streamOf(compressed.subarray(0, 12)));

console.log(JSON.stringify({
  runtime: runtime.runtimeName(),
  sync: runtime.streamingHashSync("sha256") === undefined,
  hashes,
  gzip: back,
  portable: await runtime.hashHex(new Uint8Array(await portable.arrayBuffer()), "sha256"),
  member: await new Response(runtime.gunzipStream(streamOf(await runtime.gzipBytes(text)))).text(),
  corrupt: await nameOf(() => new Response(corrupt).text()),
  zstd: await nameOf(() => new Response(runtime.zstdDecompressStream(streamOf(text))).text()),
  zstdCompress: await nameOf(() => new Response(runtime.zstdCompressStream(streamOf(text))).text()),
  failures: [
    await nameOf(() => runtime.stat("/")),
    await nameOf(() => runtime.exists("/")),
    await nameOf(() => runtime.readFile("/")),
    await nameOf(() => runtime.readTextFile("/")),
    await nameOf(() => runtime.openFile("/")),
    await nameOf(() => new Response(runtime.readStream("/")).text()),
    await nameOf(() => runtime.writeFileAtomic("/x", "x")),
    await nameOf(() => runtime.openWriter("/x")),
    await nameOf(() => runtime.temporaryDirectory()),
    await nameOf(() => runtime.runCommand("true", [])),
    await nameOf(() => runtime.serveFetch(() => new Response())),
    await nameOf(() => runtime.runtimeFetch({ insecureTls: true })),
    await nameOf(() => runtime.writeStdout("x")),
    await nameOf(() => new Response(runtime.stdinStream()).text()),
    await nameOf(() => runtime.exit(1)),
  ],
  environment: [
    runtime.environmentVariable("HOME") ?? null,
    runtime.homeDirectory() ?? null,
    runtime.currentDirectory(),
    runtime.platformOs(),
    runtime.userId() ?? null,
    runtime.commandLineArguments(),
    runtime.isTerminal("stdout"),
    runtime.joinPath("a", "..", "b"),
  ],
  plainFetch: typeof runtime.runtimeFetch(),
}));
runtime.removeTemporaries();
runtime.writeStderrSync("");
runtime.onInterrupt(() => {})();
