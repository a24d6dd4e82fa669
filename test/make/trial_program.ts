import { type Command, command, type CommandEntry, type Program } from "../../cli/command.ts";
import { globalFlags } from "../../cli/global_flags.ts";
import { NotFoundError, UsageError } from "../../src/errors.ts";
import { type Bytes, type ByteStream, registerTemporary, writeFileAtomic } from "../../src/runtime/mod.ts";

function entry(name: string, summary: string, made: Command, aliases?: string[]): CommandEntry {
  return { name, aliases, summary, load: () => Promise.resolve({ command: made }) };
}

/** Prints its arguments and flags as JSON: every type of flag is here. */
const show = command({
  description: "First paragraph.\n\nSecond paragraph.",
  args: { source: { valueName: "SRC", help: "Where from" }, target: { help: "Where to", optional: true } },
  flags: {
    allTags: { type: "boolean", short: "a", help: "Every tag" },
    noClobber: { type: "boolean", short: "n", help: "Overwrite nothing" },
    jobs: { type: "number", short: "j", valueName: "N", help: "How many at once", minimum: 1, default: 4 },
    depth: { type: "number", valueName: "N", help: "How deep" },
    label: { type: "strings", short: "l", valueName: "KEY=VALUE", help: "A label" },
    newLayer: { type: "strings", short: "f", valueName: "PATH", help: "A layer", commas: true, completes: "file" },
    entrypoint: { type: "string", short: "e", valueName: "COMMAND", help: "What runs" },
    format: {
      type: "string",
      valueName: "FORMAT",
      help: "How it's written [sic]: any",
      choices: ["tarball", "oci"],
      default: "tarball",
    },
    cache: { type: "string", valueName: "DIR", help: "Keeps layers", env: "TRIAL_CACHE", completes: "directory" },
    secret: { type: "boolean", help: "Not shown", hidden: true },
  },
  examples: [{ text: "Show a source", command: "trial show a" }],
  async run({ args, flags, stdout }) {
    const typed: { source: string; target: string | undefined } = args;
    const checked: {
      jobs: number;
      depth: number | undefined;
      format: "tarball" | "oci";
      platform: readonly string[];
    } = flags;
    await stdout.write(JSON.stringify({ args: typed, flags: { ...flags, ...checked } }));
  },
});

/** Takes several arguments before a last one. */
const gather = command({
  args: {
    images: { valueName: "IMAGE", help: "Images", repeated: true },
    path: { help: "A file", completes: "file" },
  },
  examples: [{ text: "Gather two", command: "trial gather a b file" }],
  async run({ args, stdout }) {
    const typed: { images: readonly string[]; path: string } = args;
    await stdout.write(JSON.stringify(typed));
  },
});

const lines = command({
  args: { count: { help: "How many" } },
  examples: [{ text: "Print three lines", command: "trial lines 3" }],
  async run({ args, stdout }) {
    for (let line = 0; line < Number(args.count); line++) await stdout.print(`line ${line}`);
  },
});

const flood = command({
  examples: [{ text: "Print for ever", command: "trial flood" }],
  async run({ stdout }) {
    for (;;) await stdout.print("again and again and again");
  },
});

const trickle = command({
  examples: [{ text: "Print a line and wait", command: "trial trickle" }],
  async run({ stdout, signal }) {
    void stdout.print("one line").catch(() => {});
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
});

const pour = command({
  examples: [{ text: "Write bytes for ever", command: "trial pour" }],
  async run({ stdout, signal }) {
    const endless: ByteStream = new ReadableStream<Bytes>({
      pull: (controller) => controller.enqueue(new Uint8Array(65536)),
    }, { highWaterMark: 0 });
    await stdout.pipe(endless, { signal });
  },
});

const echo = command({
  examples: [{ text: "Write standard input to standard output", command: "trial echo" }],
  run: ({ stdout, stdin, signal }) => stdout.pipe(stdin(), { signal }),
});

const hang = command({
  args: { file: { help: "A file in the making", optional: true } },
  examples: [{ text: "Never end", command: "trial hang" }],
  async run({ args, note }) {
    if (args.file !== undefined) {
      registerTemporary(args.file);
      await writeFileAtomic(args.file, "half");
    }
    note("ready");
    await new Promise(() => {});
  },
});

const heed = command({
  examples: [{ text: "End when told to", command: "trial heed" }],
  async run({ note, signal }) {
    const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    note("ready");
    await aborted;
  },
});

const fails: Record<string, () => unknown> = {
  missing: () => new NotFoundError("no image at example.com/a:b", { hint: "gcrane ls example.com/a lists its tags" }),
  usage: () => new UsageError("give --remote or --tarball"),
  bug: () => new TypeError("x is not a function"),
  errno: () => Object.assign(new Error("open /a: permission denied"), { code: "EACCES" }),
  text: () => "thrown text",
  lines: () => new NotFoundError("first line\nsecond \x1b[31mline"),
  causes: () =>
    new NotFoundError("outer", {
      cause: new Error("GET https://u:p@example.com/?sig=abc failed", {
        cause: new AggregateError([new Error("one"), new Error("Bearer abc123def")], "several"),
      }),
    }),
};

const fail = command({
  args: { how: { help: "Which failure", choices: Object.keys(fails) } },
  examples: [{ text: "Fail", command: "trial fail bug" }],
  run: ({ args }) => Promise.reject(fails[args.how]()),
});

const stray = command({
  examples: [{ text: "Lose an error", command: "trial stray" }],
  async run() {
    void Promise.reject(new TypeError("nobody waits for this"));
    await new Promise(() => {});
  },
});

const code = command({
  examples: [{ text: "End with a code", command: "trial code" }],
  run: () => Promise.resolve(3),
});

const talk = command({
  examples: [{ text: "Use every output", command: "trial talk" }],
  transfers: true,
  async run({ note, warn, stdout, onRequest, onProgress }) {
    note("a note");
    warn("careful\x1b[2J");
    warn("careful\x1b[2J");
    onRequest?.({
      method: "GET",
      url: "https://example.com/v2/?token=abc",
      status: 200,
      ms: 12,
      headers: [["Authorization", "Bearer abc"]],
    });
    onProgress?.({ id: "1", label: "layer", kind: "read", complete: 0, total: 10, state: "active" });
    await stdout.print(onProgress === undefined ? "no bars" : "bars");
  },
});

/** A program with one command for each thing that can happen. */
export const trial: Program = {
  name: "trial",
  summary: "Try the frame",
  flags: globalFlags,
  examples: [{ text: "Show a source", command: "trial show a" }],
  entries: [
    entry("show", "Show what was understood", show, ["sh"]),
    entry("gather", "Take several arguments", gather),
    entry("lines", "Print lines", lines),
    entry("flood", "Print for ever", flood),
    entry("trickle", "Print a line and wait", trickle),
    entry("pour", "Write bytes for ever", pour),
    { ...entry("echo", "Copy standard input", echo), below: [entry("again", "Copy it again", show)] },
    entry("hang", "Never end", hang),
    entry("heed", "End when told to", heed),
    entry("fail", "Fail", fail),
    entry("stray", "Lose an error", stray),
    entry("code", "End with 3", code),
    entry("talk", "Use every output", talk),
    {
      name: "group",
      summary: "Commands of a group",
      entries: [entry("one", "The first", show), entry("two", "The second", gather, ["zwei"])],
    },
    { name: "help", summary: "Show the help of a command", load: () => import("../../cli/commands/help.ts") },
    { name: "completion", summary: "Print a script", load: () => import("../../cli/commands/completion.ts") },
  ],
};
