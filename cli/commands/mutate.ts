import { UsageError } from "../../src/errors.ts";
import { changeEach, changeOptions, inPlaceFlag, SEVERAL_HELP } from "../change_each.ts";
import { changeFlags, changesOf, type ChangesOptions } from "../change_flags.ts";
import { type Command, command as declare } from "../command.ts";
import { layerFlags, layerOptions, outputFlag } from "../layer_flags.ts";
import { imageSource, localSource, SOURCES_HELP } from "../local_source.ts";
import { commandOptions, remoteOptions } from "../remote_options.ts";

/** `gcrane mutate` */
export const command: Command = declare({
  description:
    `Sets or removes values in an image's config and annotations, and adds layers on top. Changes every image of an index in the same way. With --platform, the result is the changed image for it, or for several platforms an index of their images; with --keep-others, it is the whole index with only those images changed.

The original stays. Pushes the result under the name of -t, with --in-place under that of the original, or to the same repository by digest, and prints its digest. ${SEVERAL_HELP} Existing layers are neither downloaded nor sent.

${SOURCES_HELP} The result then requires -t.`,
  args: { images: { valueName: "IMAGE", help: "The images to change, all in the same way", repeated: true } },
  flags: {
    ...changeFlags,
    append: {
      type: "strings",
      valueName: "PATH",
      commas: true,
      completes: "file",
      help: 'A tarball or a directory to add as a layer; "-" reads a tarball from standard input',
    },
    ...layerFlags,
    keepOthers: {
      type: "boolean",
      help: "With --platform, keep the other images of the index unchanged",
    },
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
    repo: { type: "string", valueName: "REPOSITORY", help: "Push the result by digest to this repository" },
    output: outputFlag,
  },
  examples: [
    {
      text: "Add a label to every platform of two images, under their own names",
      command: "gcrane mutate --in-place registry.example.com/app:v1 registry.example.com/multi:v1 -l team=web",
    },
    {
      text: "Change the entrypoint, the user and the environment",
      command: "gcrane mutate registry.example.com/app:v1 --entrypoint /bin/app,--serve -u 1000 --unset-env DEBUG",
    },
    {
      text: "Add files",
      command: "gcrane mutate registry.example.com/app:v1 --append rootfs.tar.gz -t registry.example.com/app:v2",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdin } = context;
    if (flags.tag !== undefined && flags.repo !== undefined) {
      throw new UsageError("-t and --repo both set the destination", { hint: "leave out one of the two" });
    }
    const { inPlace, append, repo: repository } = flags;
    if (flags.output !== undefined) return await writeOne(flags.output, context);
    const layers = { ...layerOptions(context), stdin };
    const options = { ...changeOptions(context, flags), onProgress: context.onProgress, onWarning: context.warn };
    const changes = await changesOf(flags, changesOptions(context));
    const { mutate } = await import("../../src/crane/mod.ts");
    const { withClient } = await import("../../src/crane/internal.ts");
    const connected = withClient(options);
    const change = async (image: string, tag: string | undefined) =>
      await mutate(await imageSource(image, context), changes, {
        ...connected,
        ...layers,
        append,
        tag,
        repository,
      });
    if (args.images.length > 1 && append.includes("-")) {
      throw new UsageError("standard input is a layer for one image, not for several", { hint: "name a file" });
    }
    return await changeEach(args.images, change, { context, inPlace, tag: flags.tag, repository });
  },
});

type MutateContext = Parameters<typeof remoteOptions>[0] & {
  readonly args: { readonly images: readonly string[] };
  readonly flags: Parameters<typeof changesOf>[0] & Parameters<typeof layerOptions>[0]["flags"] & {
    readonly append: readonly string[];
    readonly inPlace: boolean;
    readonly keepOthers: boolean;
    readonly repo: string | undefined;
    readonly tag: string | undefined;
  };
};

/** Writes the result to a tarball instead of pushing it. */
async function writeOne(path: string, context: MutateContext): Promise<void> {
  const { args: { images: [name, ...more] }, flags, signal, stdin, onProgress } = context;
  if (flags.keepOthers || flags.inPlace || more.length > 0) {
    throw new UsageError("-o writes one image, which excludes --keep-others, --in-place and several images", {
      hint: "leave them out",
    });
  }
  const options = { ...remoteOptions(context), onProgress, concurrency: flags.jobs };
  const { append } = await import("../../src/crane/mod.ts");
  const { openImage } = await import("../../src/source/mod.ts");
  const { changeImage } = await import("../../src/mutate/mod.ts");
  const { writeTarballFile } = await import("../../src/tarball/mod.ts");
  const local = await localSource(name, context);
  const layered = await append(await openImage(local ?? name, options), flags.append, {
    ...layerOptions(context),
    stdin,
    signal,
    onWarning: context.warn,
  });
  const reference = flags.repo ?? flags.tag ?? (local ? undefined : name);
  const image = changeImage(layered, await changesOf(flags, changesOptions(context)));
  await writeTarballFile(path, [{ reference, image }], options);
}

/** Returns what the changes need: for a subject's reference its descriptor, of an index that of the index itself. */
function changesOptions(context: MutateContext): ChangesOptions {
  return {
    warn: context.warn,
    async findSubject(reference) {
      const { head } = await import("../../src/crane/mod.ts");
      return await head(reference, commandOptions(context));
    },
  };
}
