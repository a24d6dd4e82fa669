import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane digest` */
export const command: Command = declare({
  description: "Of an index, its own digest is printed, unless --platform names one of its images.",
  args: { image: { help: "The image" } },
  flags: { fullRef: { type: "boolean", help: "Write repository@digest instead of the digest" } },
  examples: [
    { text: "Pin what a tag points at now", command: "gcrane digest --full-ref registry.example.com/app:v1" },
  ],
  async run(context) {
    const { args, flags, stdout } = context;
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const options = remoteOptions(context);
    const reference = parseReference(args.image, { insecure: flags.insecure });
    const digest = await new Puller(options).digest(reference, options);
    await stdout.print(flags.fullRef ? `${reference.context}@${digest}` : digest);
  },
});
