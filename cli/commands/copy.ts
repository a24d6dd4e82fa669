import { type Command, command as declare } from "../command.ts";
import { keychainNames } from "../global_flags.ts";
import { keychainOf } from "../keychains.ts";
import { remoteOptions } from "../remote_options.ts";

const keychainFlag = (end: string, env: string) =>
  ({
    type: "strings",
    valueName: "NAME",
    commas: true,
    env,
    offers: keychainNames,
    help: `As --keychain, for the ${end} alone`,
  }) as const;

/** `gcrane copy` */
export const command: Command = declare({
  description:
    `The digest stays the same. Layers that the destination has are not sent, and within a registry they are mounted instead of copied.

Of an index all images are copied, unless --platform names one. With --all-tags, SRC and DST are repositories.

Where the two ends need other credentials, though they may be one registry, --src-keychain and --dst-keychain say which.`,
  args: { source: { valueName: "SRC", help: "What to copy" }, destination: { valueName: "DST", help: "Where to" } },
  flags: {
    allTags: { type: "boolean", short: "a", help: "Copy every tag of the repository" },
    noClobber: { type: "boolean", short: "n", help: "Leave tags alone that the destination has" },
    jobs: { type: "number", short: "j", valueName: "N", minimum: 1, help: "How many layers and tags move at a time" },
    srcKeychain: keychainFlag("source", "GCRANE_SRC_KEYCHAIN"),
    dstKeychain: keychainFlag("destination", "GCRANE_DST_KEYCHAIN"),
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
    {
      text:
        "Copy with a docker config of its own for the source, and DST_USERNAME and DST_PASSWORD for the destination",
      command:
        "gcrane copy --src-keychain docker:./source.json --dst-keychain env:DST registry.example.com/app:v1 mirror.example.com/app:v1",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags } = context;
    const { copy, copyRepository } = await import("../../src/crane/mod.ts");
    const { srcKeychain, dstKeychain } = flags;
    const options = {
      ...remoteOptions(context),
      ...(dstKeychain.length > 0 && { keychain: keychainOf(dstKeychain, context) }),
      ...(srcKeychain.length > 0 && { sourceKeychain: keychainOf(srcKeychain, context) }),
      onProgress: context.onProgress,
      jobs: flags.jobs,
      noClobber: flags.noClobber,
    };
    if (flags.allTags) await copyRepository(args.source, args.destination, options);
    else await copy(args.source, args.destination, options);
  },
});
