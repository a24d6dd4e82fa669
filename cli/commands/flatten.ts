import { changeOptions } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { layerFlags, layerOptions } from "../layer_flags.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";

/** `gcrane flatten` */
export const command: Command = declare({
  description:
    `Makes one layer of all: the files of the image without those that later layers delete or replace. Of an index, every image is flattened, and its attestations, which are of the old layers, go. With --platform, the result is the flattened image for it, or for several platforms an index of their images.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name.

${SOURCES_HELP} The result needs -t then.`,
  args: { image: { help: "The image to flatten" } },
  flags: {
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
    ...layerFlags,
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
    const options = { ...changeOptions(context, { tag: flags.tag }), ...layerOptions(context), onProgress };
    const { flatten } = await import("../../src/crane/mod.ts");
    await stdout.print(await flatten(await imageSource(args.image, context), options));
  },
});
