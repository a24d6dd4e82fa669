import type { GcPins } from "../gcr/mod.ts";
import { Limits, readAll } from "../src/io/mod.ts";
import type { Context } from "./command.ts";
import type { Flags, FlagValues } from "./flag.ts";
import { readNamed } from "./named_file.ts";

/** The flags of both `gc` and `gc apply`. */
export const gcFlags = {
  inUse: {
    type: "strings",
    valueName: "FILE",
    help: "Keep content in use: a file, or - for standard input, with a reference or a digest on each line",
    completes: "file",
  },
  pin: { type: "strings", valueName: "REF", help: "Keep this tag or digest" },
  maxDelete: { type: "number", valueName: "N", help: "Delete at most N manifests" },
  rate: { type: "number", valueName: "N", minimum: 1, help: "Send at most N requests per second" },
  jobs: {
    type: "number",
    short: "j",
    valueName: "N",
    minimum: 1,
    default: 8,
    help: "Send up to N concurrent requests",
  },
  journal: {
    type: "string",
    valueName: "FILE",
    help: "Record the completed work in FILE, with which the same command continues an interrupted one",
    completes: "file",
  },
} as const satisfies Flags;

/** Reads the content of `--in-use` and `--pin`. */
export async function readPins(
  context: Pick<Context, "stdin" | "signal">,
  flags: Pick<FlagValues<typeof gcFlags>, "inUse" | "pin"> & { readonly insecure: boolean },
): Promise<GcPins> {
  const { insecure } = flags;
  const { joinPins } = await import("../gcr/internal.ts");
  const { parsePins } = await import("../gcr/mod.ts");
  const lists = [parsePins(flags.pin.join("\n"), "--pin", { insecure })];
  for (const path of flags.inUse) {
    const text = path === "-" ? await standardInput(context) : await readNamed(path);
    lists.push(parsePins(text, path === "-" ? "standard input" : path, { insecure }));
  }
  return joinPins(lists);
}

/** Reads standard input as text. */
export async function standardInput({ stdin, signal }: Pick<Context, "stdin" | "signal">): Promise<string> {
  const bytes = await readAll(stdin(), { limit: Limits.page, what: "standard input", signal });
  return new TextDecoder().decode(bytes);
}
