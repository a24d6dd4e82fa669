import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";
import { UsageError } from "../../src/errors.ts";

/** `gcrane blob` */
export const command: Command = declare({
  description: "Writes the bytes as they are stored, and verifies them.",
  args: { blob: { help: "The blob, as repository@digest" } },
  examples: [
    { text: "Look into a layer", command: "gcrane blob registry.example.com/app@sha256:… | tar -tz" },
  ],
  transfers: true,
  async run(context) {
    const { args, stdout, signal } = context;
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const reference = parseReference(args.blob, { insecure: context.flags.insecure });
    if (reference.kind !== "digest") {
      throw new UsageError(`${args.blob} names no blob: a blob has a digest`, { hint: "write repository@sha256:…" });
    }
    const puller = new Puller({ ...remoteOptions(context), onReadProgress: context.onProgress });
    const layer = await puller.layer(reference, { signal });
    await stdout.pipe(await layer.compressed({ signal }), { signal });
  },
});
