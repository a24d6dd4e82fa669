// Runs a command that may hang.

/** How {@linkcode runWatched} runs. */
export interface RunWatchedOptions {
  /**
   * The environment variables.
   * @default those of the driver
   */
  env?: Record<string, string>;
  /** The longest silence, in milliseconds. */
  silence: number;
  /** The longest run, in milliseconds. */
  total: number;
  /**
   * Where its output goes, standard error too.
   * @default to the driver's own output
   */
  write?: (chunk: Uint8Array) => void | Promise<void>;
}

/** How a command ended. */
export interface WatchedResult {
  /** The exit code; 1 if it was killed. */
  code: number;
  /** Why it was killed, if it was. */
  hung?: string;
}

/** Runs a command and hands on its output as it comes; kills it when it falls silent or takes too long. */
export async function runWatched(argv: readonly string[], options: RunWatchedOptions): Promise<WatchedResult> {
  const child = new Deno.Command(argv[0], {
    args: argv.slice(1),
    clearEnv: options.env !== undefined,
    env: options.env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  let hung: string | undefined;
  let lastLine = "";
  const kill = (why: string) => {
    if (hung !== undefined) return;
    hung = `${why}; its last line was: ${lastLine}`;
    child.kill("SIGKILL");
  };
  const limit = setTimeout(() => kill(`it took over ${options.total / 1000} s`), options.total);
  const silent = () => kill(`it said nothing for ${options.silence / 1000} s`);
  let silence = setTimeout(silent, options.silence);

  const decoder = new TextDecoder();
  const pass = async (from: ReadableStream<Uint8Array>, write: (chunk: Uint8Array) => void | Promise<void>) => {
    for await (const chunk of from) {
      clearTimeout(silence);
      silence = setTimeout(silent, options.silence);
      lastLine = decoder.decode(chunk).trimEnd().split("\n").at(-1) || lastLine;
      await write(chunk);
    }
  };
  const { write } = options;
  const output = Promise.all([
    pass(child.stdout, write ?? writerTo(Deno.stdout)),
    pass(child.stderr, write ?? writerTo(Deno.stderr)),
  ]);
  const { code } = await child.status;
  clearTimeout(limit);
  await drained(output);
  clearTimeout(silence);
  return hung === undefined ? { code } : { code: 1, hung };
}

/** Gives the function that writes whole chunks. */
function writerTo(to: { write(chunk: Uint8Array): Promise<number> }): (chunk: Uint8Array) => Promise<void> {
  return async (chunk) => {
    for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
  };
}

/** Waits for what is left of the output, but not for a grandchild that outlives the command and holds the pipe. */
async function drained(output: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => timer = setTimeout(resolve, 2000));
  await Promise.race([output, enough]);
  clearTimeout(timer);
}
