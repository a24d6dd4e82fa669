import { UsageError } from "../../src/errors.ts";
import { changeEach, inPlaceFlag } from "../change_each.ts";
import { type Command, command as declare } from "../command.ts";
import { imageSource, layoutToChange, localSource, SOURCES_HELP } from "../local_source.ts";
import { platformsOptions } from "../remote_options.ts";

/** `gcrane index append` */
export const command: Command = declare({
  description:
    `An image is given by reference, or by the path of an OCI layout or a tarball. Adds the members of an index, or with --flatten=false the index itself; --platform selects one or several of its images. The platform of an image is taken from its index or its config.

Without BASE the index is new and requires -t. Pushes the result under the name of -t, with --in-place under that of the base, or by digest; the base is unchanged. If BASE is the path of a layout ("./layout") and there is no -t, that layout is changed, or created.

${SOURCES_HELP}`,
  args: {
    base: { help: "The index to extend, or the path of a layout", optional: true },
    more: { valueName: "IMAGE", help: "An image or an index to add, like -m", optional: true, repeated: true },
  },
  flags: {
    manifest: {
      type: "strings",
      short: "m",
      valueName: "IMAGE",
      commas: true,
      completes: "file",
      help: "An image or an index to add",
    },
    ...inPlaceFlag,
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "The name of the result" },
    flatten: { type: "boolean", default: true, help: "Add the members of an index instead of the index" },
    dockerEmptyBase: { type: "boolean", help: "Without BASE, use Docker's media type instead of OCI's" },
  },
  examples: [
    {
      text: "Create an index of images",
      command:
        "gcrane index append -m registry.example.com/app:v1 -m registry.example.com/base:v1 -t registry.example.com/all:v1",
    },
    {
      text: "Add a saved image to an index",
      command: "gcrane index append registry.example.com/multi:v1 -m ./app.tar -t registry.example.com/multi:v2",
    },
    { text: "Collect images in a layout", command: "gcrane index append ./gathered -m registry.example.com/app:v1" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, onProgress } = context;
    const { base } = args;
    const members = [...flags.manifest, ...args.more];
    const { tag, flatten, inPlace, dockerEmptyBase: docker } = flags;
    if (members.length === 0) {
      throw new UsageError("no image to add is given", { hint: "name it with -m" });
    }
    if (base !== undefined && docker) {
      throw new UsageError("--docker-empty-base is for an index without a base", { hint: "leave out one of the two" });
    }
    const options = { ...platformsOptions(context), onProgress, flatten };
    const { appendToIndex, appendToLayout } = await import("../../src/crane/mod.ts");
    const sources = await Promise.all(members.map(async (name) => await imageSource(name, context)));
    const local = base === undefined ? undefined : await localSource(base, context);
    const layout = tag === undefined ? await layoutToChange(local) : undefined;
    if (layout !== undefined) return await appendToLayout(layout, sources, options);
    if (base === undefined) {
      if (inPlace) throw new UsageError("--in-place requires a base", { hint: "name the result with -t" });
      return await stdout.print(await appendToIndex(undefined, sources, { ...options, tag, docker }));
    }
    const change = async (base: string, tag: string | undefined) =>
      await appendToIndex(local ?? base, sources, { ...options, tag });
    return await changeEach([base], change, { context, inPlace, tag });
  },
});
