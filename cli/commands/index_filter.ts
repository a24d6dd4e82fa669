import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { layoutToChange, localSource } from "../local_source.ts";
import { platformFlag } from "../flag_values.ts";
import { commandOptions } from "../remote_options.ts";

/** `gcrane index filter` */
export const command: Command = declare({
  description:
    `What is for none of the platforms is left out. A platform may say less than an image: "linux" keeps all that is for Linux.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name. Of an OCI layout or a tarball it is pushed as -t says; without -t, a layout is changed where it is, and "gcrane layout gc" removes what nothing leads to any more.`,
  args: { index: { help: "The index, or the path of a layout or a tarball" } },
  flags: {
    platform: {
      type: "strings",
      valueName: "PLATFORM",
      commas: true,
      help: "What to keep: os[/arch[/variant]][:osversion], several separated by commas",
    },
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
  },
  examples: [
    {
      text: "Keep two platforms",
      command:
        "gcrane index filter registry.example.com/multi:v1 --platform linux/amd64 --platform linux/arm64 -t registry.example.com/multi:small",
    },
    { text: "Strip a layout to one platform", command: "gcrane index filter ./multi --platform linux/arm64" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, onProgress } = context;
    if (flags.platform.length === 0) {
      throw new UsageError("no platform is given", { hint: "say what to keep with --platform" });
    }
    const platforms = flags.platform.map((text) => platformFlag(text));
    const { filterIndex, filterLayout } = await import("../../src/crane/mod.ts");
    const options = { ...commandOptions(context), onProgress };
    const local = await localSource(args.index, context);
    const layout = flags.tag === undefined ? await layoutToChange(local) : undefined;
    if (layout !== undefined) return await filterLayout(layout, platforms, options);
    await stdout.print(await filterIndex(local ?? args.index, platforms, { ...options, tag: flags.tag }));
  },
});
