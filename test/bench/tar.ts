/**
 * Times our tar codec, its functions and its streams, against @std/tar where JSR_URL names a registry that has it: a
 * layer of one file of 100 MB and one of 20,000 small files, in memory. Prints medians in MB/s and ratios of time.
 *
 *     JSR_URL=http://… deno task bench:tar [--runs N]
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { type Bytes, readTar, TarStream, type TarStreamInput, UntarStream, writeTar } from "../../src/tar/mod.ts";
import { loadStdTar, type TarStreams } from "../make/std_tar.ts";
import { median } from "./measure.ts";

const CHUNK = 64 * 1024;
const noise = Uint8Array.from({ length: CHUNK }, (_, i) => i * i % 251);

interface File {
  readonly path: string;
  readonly size: number;
}

const LAYERS: Record<string, File[]> = {
  "100 MB": [{ path: "usr/lib/large", size: 100_000_000 }],
  "20,000 files": Array.from({ length: 20_000 }, (_, i) => ({ path: `usr/share/${i % 100}/${i}`, size: i * 7 % 4096 })),
};

/** Content in chunks; a copy of each, as streams of bytes transfer what they are given. */
function contentOf({ size }: File): ReadableStream<Bytes> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const chunk = noise.slice(0, left);
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}

function inputsOf(files: readonly File[]): ReadableStream<TarStreamInput> {
  const rest = files.values();
  return new ReadableStream({
    pull(controller) {
      const { value } = rest.next();
      if (value === undefined) return controller.close();
      controller.enqueue({ type: "file", ...value, readable: contentOf(value) });
    },
  }, { highWaterMark: 0 });
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for (const reader = stream.getReader(); !(await reader.read()).done;);
}

function chunksOf(archive: Bytes): ReadableStream<Bytes> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= archive.length) return controller.close();
      controller.enqueue(archive.slice(at, at += CHUNK));
    },
  }, { highWaterMark: 0 });
}

interface Codec {
  readonly name: string;
  write(files: readonly File[]): Promise<void>;
  read(archive: Bytes): Promise<void>;
}

const functions: Codec = {
  name: "writeTar, readTar",
  write: (files) => drain(writeTar(files.map((file) => ({ ...file, content: () => contentOf(file) })))),
  async read(archive) {
    for await (const entry of readTar(chunksOf(archive))) while (await entry.read() !== undefined);
  },
};

function streams(name: string, { TarStream, UntarStream }: TarStreams): Codec {
  return {
    name,
    write: (files) => drain(inputsOf(files).pipeThrough(new TarStream())),
    async read(archive) {
      for await (const { readable } of chunksOf(archive).pipeThrough(new UntarStream())) {
        if (readable !== undefined) await drain(readable);
      }
    },
  };
}

const { values: flags } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
const codecs = [functions, streams("our streams", { TarStream, UntarStream })];
const std = await loadStdTar();
if (std === undefined) console.log("JSR_URL names no registry that has @std/tar: ours alone");
else codecs.push(streams("@std/tar", std));

for (const [layer, files] of Object.entries(LAYERS)) {
  const made = writeTar(files.map((file) => ({ ...file, content: () => contentOf(file) })));
  const archive = new Uint8Array(await new Response(made).arrayBuffer());
  for (const work of ["write", "read"] as const) {
    const seconds = codecs.map((): number[] => []);
    for (let round = 0; round <= Number(flags.runs); round++) {
      for (const [index, codec] of codecs.entries()) {
        const started = performance.now();
        await (work === "write" ? codec.write(files) : codec.read(archive));
        if (round > 0) seconds[index].push((performance.now() - started) / 1000); // the first round warms up
      }
    }
    const medians = seconds.map(median);
    for (const [index, { name }] of codecs.entries()) {
      const ratio = std === undefined || index === 2 ? "" : `  ${(medians[index] / medians[2]).toFixed(3)} × @std/tar`;
      const speed = (archive.length / 1e6 / medians[index]).toFixed(0);
      console.log(`${work.padEnd(6)} ${layer.padEnd(13)} ${name.padEnd(18)} ${speed.padStart(6)} MB/s${ratio}`);
    }
  }
}
process.exit();
