import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { recursiveFlags, refuseRecursiveFlags } from "../recursive_flags.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane copy` */
export const command: Command = declare({
  description:
    `The digest stays the same. Layers that the destination has are not sent, and within a registry they are mounted instead of copied.

Of an index all images are copied, unless --platform names one. With --all-tags, SRC and DST are repositories.

With --recursive, SRC is a repository with all below it, or a registry, and DST is where they go; below a registry they keep their whole path. Manifests are copied by digest, then tagged, and what DST has is passed over, so a second run copies what is missing. Several --platform make smaller indexes, whose digests are new. What fails is listed at the end, and the rest goes on. A run that was killed compares again when it is started again; with --journal it goes on where it stopped. The flags from --tag-filter on go with --recursive.

--shard 2/8 copies the third of eight parts; a repository is in the same part always. In a Cloud Run job --shard auto takes both numbers from CLOUD_RUN_TASK_INDEX and CLOUD_RUN_TASK_COUNT. In a Kubernetes job with completionMode Indexed --shard auto/8 takes the first from JOB_COMPLETION_INDEX.`,
  args: { source: { valueName: "SRC", help: "What to copy" }, destination: { valueName: "DST", help: "Where to" } },
  flags: {
    allTags: { type: "boolean", short: "a", help: "Copy every tag of the repository" },
    recursive: { type: "boolean", short: "r", help: "Copy a repository and all below it, or a whole registry" },
    noClobber: { type: "boolean", short: "n", help: "Leave tags alone that the destination has" },
    jobs: { type: "number", short: "j", valueName: "N", minimum: 1, help: "How many layers and tags move at a time" },
    platform: {
      type: "strings",
      valueName: "PLATFORM",
      commas: true,
      help: "Which image of an index: os/arch[/variant][:osversion], linux/amd64 for example, or all; several with -r",
    },
    ...recursiveFlags,
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
      text: "Mirror a whole registry, and go on where a killed run stopped",
      command: "gcrane copy -r --journal mirror.journal registry.example.com mirror.example.com",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags } = context;
    if (flags.recursive) {
      const { runRecursiveCopy } = await import("../recursive_copy.ts");
      return await runRecursiveCopy(context);
    }
    refuseRecursiveFlags(flags);
    const { copy, copyRepository } = await import("../../src/crane/mod.ts");
    const [platform, ...others] = flags.platform;
    if (others.length > 0) throw new UsageError("several platforms can be copied with --recursive alone");
    const options = {
      ...remoteOptions({ ...context, flags: { ...flags, platform } }),
      onProgress: context.onProgress,
      jobs: flags.jobs,
      noClobber: flags.noClobber,
    };
    if (flags.allTags) await copyRepository(args.source, args.destination, options);
    else await copy(args.source, args.destination, options);
  },
});
