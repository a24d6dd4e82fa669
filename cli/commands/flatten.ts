import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane flatten` */
export const command: Command = declare({
  description:
    `Makes one layer of all: the files of the image without those that later layers delete or replace. Of an index, every image is flattened, unless --platform names one, and its attestations, which are of the old layers, go.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name.`,
  args: { image: { help: "The image to flatten" } },
  flags: {
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
    compression: {
      type: "string",
      valueName: "KIND",
      choices: ["gzip", "zstd", "none"],
      default: "gzip",
      help: "How to store the layer",
    },
  },
  examples: [
    {
      text: "Push an image without the files that it hides",
      command: "gcrane flatten registry.example.com/app:v1 -t registry.example.com/app:flat",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, onProgress } = context;
    const { flatten } = await import("../../src/crane/mod.ts");
    const { tag, compression } = flags;
    await stdout.print(await flatten(args.image, { ...remoteOptions(context), onProgress, tag, compression }));
  },
});
