import { UsageError } from "../../src/errors.ts";
import { changeEach, changeOptions, inPlaceFlag, SEVERAL_HELP } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource } from "../local_source.ts";

/** `gcrane rebase` */
export const command: Command = declare({
  description:
    `Moves the layers on top of an image's base to another base and keeps its execution parameters. Does not download layers. Rebases every image of an index. With --platform, the result is the rebased image for it, or for several platforms an index of their images; with --keep-others, it is the whole index with only those images rebased.

A base that is not given is taken from the image's annotations org.opencontainers.image.base.name (the new base) and org.opencontainers.image.base.digest (the old one). The result has them too, so that the next rebase needs no flags.

The original stays. Pushes the result under the name of -t, with --in-place under that of the original, or to the same repository by digest, and prints its digest. ${SEVERAL_HELP}`,
  args: { images: { valueName: "IMAGE", help: "The images to rebase", repeated: true, optional: true } },
  flags: {
    original: { type: "string", valueName: "IMAGE", hidden: true, help: "The image to rebase, like the argument" },
    oldBase: { type: "string", valueName: "IMAGE", help: "The old base" },
    newBase: { type: "string", valueName: "IMAGE", help: "The new base" },
    rebased: { type: "string", valueName: "IMAGE", hidden: true, help: "The name of the result, like --tag" },
    keepOthers: {
      type: "boolean",
      help: "With --platform, keep the other images of the index unchanged",
    },
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
  },
  examples: [
    {
      text: "Rebase an image on a patched base",
      command:
        "gcrane rebase registry.example.com/app:v1 --old-base registry.example.com/base:v1 --new-base registry.example.com/base:v2 -t registry.example.com/app:v2",
    },
    {
      text: "Rebase an image on the current version of its base",
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
    const { rebase } = await import("../../src/crane/mod.ts");
    const { withClient } = await import("../../src/crane/internal.ts");
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
