import { changeEach, changeOptions, inPlaceFlag } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { layerFlags, layerOptions } from "../layer_flags.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";

/** `gcrane flatten` */
export const command: Command = declare({
  description:
    `Merges all layers into one, without files that later layers delete or replace. Flattens every image of an index and drops its attestations, which describe the old layers. With --platform, the result is the flattened image for it, or for several platforms an index of their images.

The original stays. Pushes the result under the name of -t, with --in-place under that of the original, or to the same repository by digest, and prints its digest.

${SOURCES_HELP} The result then requires -t.`,
  args: { image: { help: "The image to flatten" } },
  flags: {
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
    ...layerFlags,
  },
  examples: [
    {
      text: "Push an image without hidden files",
      command: "gcrane flatten registry.example.com/app:v1 -t registry.example.com/app:flat",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, onProgress } = context;
    const { tag, inPlace } = flags;
    const options = {
      ...changeOptions(context, { tag }),
      ...layerOptions(context),
      onProgress,
      onWarning: context.warn,
    };
    const { flatten } = await import("../../src/crane/mod.ts");
    const change = async (image: string, tag: string | undefined) =>
      await flatten(await imageSource(image, context), { ...options, tag });
    return await changeEach([args.image], change, { context, inPlace, tag });
  },
});
