import { UsageError } from "../../src/errors.ts";
import { changeEach, inPlaceFlag } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { layoutToChange, localSource } from "../local_source.ts";
import { platformFlag } from "../flag_values.ts";
import { commandOptions } from "../remote_options.ts";

/** `gcrane index filter` */
export const command: Command = declare({
  description:
    `Removes the images for all other platforms. A platform may be partial: "linux" keeps all images for Linux.

The original stays. Pushes the result under the name of -t, with --in-place under that of the original, or to the same repository by digest, and prints its digest. The result from a tarball requires -t. Without -t, a layout is changed in place, and "gcrane layout gc" removes unreachable blobs.`,
  args: { index: { help: "The index, or the path of a layout or a tarball" } },
  flags: {
    platform: {
      type: "strings",
      valueName: "PLATFORM",
      commas: true,
      help: "The platforms to keep: os[/arch[/variant]][:osversion]",
    },
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
  },
  examples: [
    {
      text: "Keep two platforms",
      command:
        "gcrane index filter registry.example.com/multi:v1 --platform linux/amd64 --platform linux/arm64 -t registry.example.com/multi:small",
    },
    { text: "Reduce a layout to one platform", command: "gcrane index filter ./multi --platform linux/arm64" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, onProgress } = context;
    const { tag, inPlace } = flags;
    if (flags.platform.length === 0) {
      throw new UsageError("no platform is given", { hint: "name the platforms to keep with --platform" });
    }
    const platforms = flags.platform.map((text) => platformFlag(text));
    const { filterIndex, filterLayout } = await import("../../src/crane/mod.ts");
    const options = { ...commandOptions(context), onProgress };
    const local = await localSource(args.index, context);
    const layout = tag === undefined ? await layoutToChange(local) : undefined;
    if (layout !== undefined) return await filterLayout(layout, platforms, options);
    const change = async (index: string, tag: string | undefined) =>
      await filterIndex(local ?? index, platforms, { ...options, tag });
    return await changeEach([args.index], change, { context, inPlace, tag });
  },
});
