import type { CopyRepositoryResult, PlannedTag } from "../../src/crane/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { endKeychainFlags, endKeychains } from "../keychains.ts";
import { looksLikeFile } from "../copy_elsewhere.ts";
import { imageSource, namedSource, referenceText } from "../local_source.ts";
import {
  bandwidthOf,
  noTagText,
  recursiveFlags,
  refuseRecursiveFlags,
  refuseTagChoice,
  refuseTransferFlags,
  tagChoiceFlags,
  transferFlags,
} from "../recursive_flags.ts";
import { platformsOptions } from "../remote_options.ts";
import { jsonLine } from "../terminal_text.ts";
import { count } from "../units.ts";

/** `gcrane copy` */
export const command: Command = declare({
  description:
    `Copies an image with its digest unchanged. Does not send layers that the destination has, and mounts layers within a registry.

For a mirror, --all-tags copies the tags of one repository; --recursive copies a repository with all below it, or a whole registry, also manifests without a tag, and can delete what the source does not have.

Copies every image of an index. With --platform, copies the image for one platform, or an index of the images for several. With --all-tags, SRC and DST are repositories.

SRC may also be the path of an OCI layout or a tarball, "-" for a tarball on standard input, or daemon://NAME for an image in the Docker Engine that DOCKER_HOST names, or in podman. DST may be daemon://NAME, "-" for a tarball on standard output, or a path: of a tarball if it ends in .tar or begins with docker-archive:, of a layout in a tar archive with oci-archive:, else of a layout. A path begins with "/", "./", "../" or "~/", or with one of these prefixes. A tarball and an engine get the image for --platform, linux/amd64 by default.

With --recursive, SRC is a repository with all below it, or a registry, and DST is the root of the copies; below a registry they keep their whole path. Manifests are copied by digest, then tagged. Content of DST is not copied again, so a second run copies only what is missing. A failure does not stop the rest; all failures are listed at the end. An interrupted run compares everything again when it is repeated; with --journal, also for --all-tags, it continues where it stopped. --tag-filter and --semver choose tags for --all-tags and --recursive; the flags from --exclude on require --recursive.

--shard 2/8 copies the third of eight parts; a repository is always in the same part. In a Cloud Run job, --shard auto takes both numbers from CLOUD_RUN_TASK_INDEX and CLOUD_RUN_TASK_COUNT. In a Kubernetes job with completionMode Indexed, --shard auto/8 takes the index from JOB_COMPLETION_INDEX.

With --src-keychain and --dst-keychain the two ends use different credentials, even in one registry.`,
  args: {
    source: { valueName: "SRC", help: "The image to copy" },
    destination: { valueName: "DST", help: "The destination" },
  },
  flags: {
    allTags: { type: "boolean", short: "a", help: "Copy every tag of one repository" },
    recursive: { type: "boolean", short: "r", help: "Copy a repository and all below it, or a whole registry" },
    noClobber: { type: "boolean", short: "n", help: "Keep tags that exist at the destination; for a single one, fail" },
    jobs: {
      type: "number",
      short: "j",
      valueName: "N",
      help: "The number of concurrent copies of layers and of tags; 0 for the default number",
    },
    ...transferFlags,
    ...tagChoiceFlags,
    json: { type: "boolean", help: "Print the sum as one line of JSON" },
    ...endKeychainFlags,
    ...recursiveFlags,
  },
  examples: [
    {
      text: "Copy an image to another registry",
      command: "gcrane copy registry.example.com/app:v1 mirror.example.com/app:v1",
    },
    {
      text: "Copy two platforms of an image",
      command:
        "gcrane copy --platform linux/amd64,linux/arm64 registry.example.com/multi:v1 mirror.example.com/multi:v1",
    },
    {
      text: "Copy all tags that are missing in the other repository",
      command: "gcrane copy -a -n registry.example.com/app mirror.example.com/app",
    },
    {
      text: "Save an image with all its platforms in a layout",
      command: "gcrane copy registry.example.com/app:v1 ./layout",
    },
    {
      text: "Mirror a whole registry, and continue an interrupted run",
      command: "gcrane copy -r --journal mirror.journal registry.example.com mirror.example.com",
    },
    {
      text: "Use a separate docker config for the source, and DST_USERNAME and DST_PASSWORD for the destination",
      command:
        "gcrane copy --src-keychain docker:./source.json --dst-keychain env:DST registry.example.com/app:v1 mirror.example.com/app:v1",
    },
  ],
  transfers: true,
  async run(command) {
    const context = withJobs(command);
    const { args, flags, stdout, note, asCrane } = context;
    if (flags.recursive) {
      const { runRecursiveCopy } = await import("../recursive_copy.ts");
      return await runRecursiveCopy(context);
    }
    refuseRecursiveFlags(flags);
    if (!flags.allTags) refuseTagChoice(flags);
    const { source, destination } = args;
    const to = await namedSource(destination);
    const isLocal = to.kind !== "reference" || (await namedSource(source)).kind !== "reference";
    if (flags.allTags && isLocal) {
      throw new UsageError("--all-tags is for repositories of registries", { hint: "name one image" });
    }
    if (flags.journal !== undefined && !flags.allTags) {
      throw new UsageError("--journal requires --recursive or --all-tags", {
        hint: "a copy of one image sends what is missing at the destination anyway",
      });
    }
    if (isLocal) refuseTransferFlags(flags);
    if (to.kind !== "reference") {
      if (flags.json) throw new UsageError("--json is for copies to registries", { hint: "leave it out" });
      if (flags.noClobber) throw new UsageError("--no-clobber is for tags of registries", { hint: "leave it out" });
      const keychain = flags.srcKeychain.length > 0 ? flags.srcKeychain : flags.keychain;
      const { copyElsewhere } = await import("../copy_elsewhere.ts");
      return await copyElsewhere(source, to, { ...context, flags: { ...flags, keychain } });
    }
    if (looksLikeFile(to.text)) {
      throw new UsageError(`${to.text} is a reference, but looks like a file`, {
        hint: `write ./${to.text} or docker.io/library/${to.text}`,
      });
    }
    const { copy, copyRepository } = await import("../../src/crane/mod.ts");
    const options = {
      ...platformsOptions(context),
      ...endKeychains(flags, context),
      onProgress: context.onProgress,
      jobs: flags.jobs,
      noClobber: flags.noClobber,
      withReferrers: flags.withReferrers,
      rate: flags.rate,
      bytesPerSecond: bandwidthOf(flags.bandwidth),
    };
    if (flags.allTags) {
      const { journal, tagFilter, semver } = flags;
      const planned: string[] = [];
      const dryRun = (tag: PlannedTag) => void planned.push(`copy ${tag.source} ${tag.target}`);
      const choice = { journal, tagFilter, semver, ...(flags.dryRun && { dryRun }) };
      const result = await copyRepository(await referenceText(source), to.text, { ...options, ...choice });
      for (const line of planned.sort()) await stdout.print(line);
      if (flags.json) await stdout.print(jsonLine(result));
      await stdout.flush();
      const { copied, there, kept, resumed } = result;
      const none = copied + there + kept + resumed === 0 ? noTagText(source, flags) : undefined;
      if (none !== undefined) {
        note(none);
        return flags.require ? 1 : 0;
      }
      if (flags.json || (asCrane && kept === 0)) return;
      note(`${flags.dryRun ? "would copy" : "copied"} ${copiedText(result)}`);
      return;
    }
    const digest = await copy(await imageSource(source, context), to.text, options);
    if (flags.json) await stdout.print(jsonLine({ source, destination: to.text, digest }));
  },
});

/** Returns the sum of a copy of tags, or of its dry run. */
function copiedText({ copied, there, kept, resumed }: CopyRepositoryResult): string {
  const parts = [count(copied, "tag"), `${count(there, "tag")} ${there === 1 ? "was" : "were"} there already`];
  if (kept > 0) parts.push(`kept ${count(kept, "tag")}`);
  if (resumed > 0) parts.push(`${resumed} more were done before`);
  return parts.join(", ");
}

/** Returns the context with `--jobs 0` as its default, as crane has it. */
function withJobs<C extends { readonly flags: { readonly jobs: number | undefined } }>(context: C): C {
  return context.flags.jobs === 0 ? { ...context, flags: { ...context.flags, jobs: undefined } } : context;
}
