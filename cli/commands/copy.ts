import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane copy` */
export const command: Command = declare({
  description:
    `The digest stays the same. Layers that the destination has are not sent, and within a registry they are mounted instead of copied.

Of an index all images are copied, unless --platform names one. With --all-tags, SRC and DST are repositories.`,
  args: { source: { valueName: "SRC", help: "What to copy" }, destination: { valueName: "DST", help: "Where to" } },
  flags: {
    allTags: { type: "boolean", short: "a", help: "Copy every tag of the repository" },
    noClobber: { type: "boolean", short: "n", help: "Leave tags alone that the destination has" },
    jobs: { type: "number", short: "j", valueName: "N", minimum: 1, help: "How many layers and tags move at a time" },
  },
  examples: [
    {
      text: "Copy an image to another registry",
      command: "gcrane copy registry.example.com/app:v1 mirror.example.com/app:v1",
    },
    {
      text: "Copy all tags that the other repository does not have",
      command: "gcrane copy -a -n registry.example.com/app mirror.example.com/app",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags } = context;
    const { copy, copyRepository } = await import("../../src/crane/mod.ts");
    const options = {
      ...remoteOptions(context),
      onProgress: context.onProgress,
      jobs: flags.jobs,
      noClobber: flags.noClobber,
    };
    if (flags.allTags) await copyRepository(args.source, args.destination, options);
    else await copy(args.source, args.destination, options);
  },
});
