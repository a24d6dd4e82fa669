import { UsageError } from "../../src/errors.ts";
import { changeEach, changeOptions, inPlaceFlag, SEVERAL_HELP } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource } from "../local_source.ts";

/** `gcrane rebase` */
export const command: Command = declare({
  description:
    `Puts the layers that an image has on top of its base onto another base; how it is run stays. Layers are not downloaded. Of an index, every image is rebased. With --platform, the result is the rebased image for it, or for several platforms an index of their images; with --keep-others, it is the whole index, in which those images alone are rebased.

What is not said of the bases is taken from the image's annotations org.opencontainers.image.base.name (the new base) and org.opencontainers.image.base.digest (the old one). The result has them too, so that the next time nothing need be said.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name, or --in-place that of the original. ${SEVERAL_HELP}`,
  args: { images: { valueName: "IMAGE", help: "What to rebase", repeated: true, optional: true } },
  flags: {
    original: { type: "string", valueName: "IMAGE", hidden: true, help: "The image to rebase, as an argument does" },
    oldBase: { type: "string", valueName: "IMAGE", help: "The image that it was built on" },
    newBase: { type: "string", valueName: "IMAGE", help: "The image to put it on instead" },
    rebased: { type: "string", valueName: "IMAGE", hidden: true, help: "What to push the result as, as --tag does" },
    keepOthers: {
      type: "boolean",
      help: "With --platform, keep the other images of the index as they are",
    },
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
  },
  examples: [
    {
      text: "Put an image on a patched base",
      command:
        "gcrane rebase registry.example.com/app:v1 --old-base registry.example.com/base:v1 --new-base registry.example.com/base:v2 -t registry.example.com/app:v2",
    },
    {
      text: "Put an image on what its base's name points at by now",
      command: "gcrane rebase --in-place registry.example.com/based:v1",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, onProgress } = context;
    const { oldBase, newBase, keepOthers } = flags;
    const { original } = flags;
    if (original !== undefined && args.images.length > 0) {
      throw new UsageError("the image to rebase is given twice", { hint: "leave out --original" });
    }
    const images = original === undefined ? args.images : [original];
    if (images.length === 0) throw new UsageError("no image is given", { hint: "name the image to rebase" });
    const tag = onlyOne(flags.tag, flags.rebased, { what: "the name of the result", flag: "--rebased" });
    const base = async (name: string | undefined) => name === undefined ? undefined : await imageSource(name, context);
    const bases = { oldBase: await base(oldBase), newBase: await base(newBase) };
    const options = { ...changeOptions(context, { tag, keepOthers }), onProgress, ...bases };
    const { rebase, withClient } = await import("../../src/crane/mod.ts");
    const connected = withClient(options);
    const change = async (image: string, tag: string | undefined) =>
      await rebase(await imageSource(image, context), { ...connected, tag });
    return await changeEach(images, change, { context, inPlace: flags.inPlace, tag });
  },
});

/** Returns the value of two equivalent flags, one of which has crane's old name. */
function onlyOne(
  value: string | undefined,
  old: string | undefined,
  { what, flag }: { what: string; flag: string },
): string | undefined {
  if (value === undefined || old === undefined) return value ?? old;
  throw new UsageError(`${what} is given twice`, { hint: `leave out ${flag}` });
}
