import { UsageError } from "../../src/errors.ts";
import type { ImageChanges } from "../../src/mutate/mod.ts";
import type { Platform } from "../../src/spec/mod.ts";
import { type Command, command as declare } from "../command.ts";
import type { FlagValues } from "../flag.ts";
import { pairChanges } from "../pairs.ts";
import { platformFlag } from "../platform_flag.ts";
import { changeOptions } from "../change_options.ts";
import { localSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

const changeFlags = {
  annotation: { type: "strings", short: "a", valueName: "NAME=VALUE", help: "An annotation of the manifest to set" },
  label: { type: "strings", short: "l", valueName: "NAME=VALUE", help: "A label to set" },
  env: { type: "strings", short: "e", valueName: "NAME=VALUE", help: "An environment variable to set" },
  entrypoint: {
    type: "strings",
    valueName: "WORD",
    commas: true,
    help: "The command to run, its words separated by commas; without --cmd, the old arguments go",
  },
  cmd: {
    type: "strings",
    valueName: "WORD",
    commas: true,
    help: "The arguments of the command, separated by commas",
  },
  user: { type: "string", short: "u", valueName: "USER", help: "The user to run as, user[:group]" },
  workdir: { type: "string", short: "w", valueName: "DIR", help: "The directory to run in" },
  exposedPorts: {
    type: "strings",
    valueName: "PORT",
    commas: true,
    help: "All ports that it listens on, like 80/tcp, separated by commas",
  },
  setPlatform: { type: "string", valueName: "PLATFORM", help: "What it runs on: os/arch[/variant][:osversion]" },
  unsetAnnotation: { type: "strings", valueName: "NAME", help: "An annotation to take away" },
  unsetLabel: { type: "strings", valueName: "NAME", help: "A label to take away" },
  unsetEnv: { type: "strings", valueName: "NAME", help: "An environment variable to take away" },
  unsetEntrypoint: { type: "boolean", help: "Take away the command to run" },
  unsetCmd: { type: "boolean", help: "Take away the arguments of the command" },
  unsetUser: { type: "boolean", help: "Take away the user" },
  unsetWorkdir: { type: "boolean", help: "Take away the directory to run in" },
  unsetExposedPorts: { type: "boolean", help: "Take away all ports" },
} as const;

/** `gcrane mutate` */
export const command: Command = declare({
  description:
    `Sets or takes away what an image says of itself, and puts layers on top. Of an index, every image is changed in the same way. With --platform, the result is the changed image for it, or for several platforms an index of their images; with --keep-others, it is the whole index, in which those images alone are changed.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name. Layers that are there already are neither downloaded nor sent.

${SOURCES_HELP} The result needs -t then.`,
  args: { image: { help: "The image to change" } },
  flags: {
    ...changeFlags,
    append: {
      type: "strings",
      valueName: "PATH",
      commas: true,
      completes: "file",
      help: 'A tarball or a directory to put on top as a layer; "-" reads a tarball from standard input',
    },
    keepOthers: {
      type: "boolean",
      help: "With --platform, keep the other images of the index as they are",
    },
    tag: { type: "string", short: "t", valueName: "IMAGE", help: "What to push the result as" },
    repo: { type: "string", valueName: "REPOSITORY", help: "Push the result by digest to this repository" },
    output: {
      type: "string",
      short: "o",
      valueName: "FILE",
      completes: "file",
      help: "Write the result to a tarball instead of pushing it",
    },
  },
  examples: [
    {
      text: "Add a label to every platform, under the same name",
      command: "gcrane mutate registry.example.com/app:v1 -l team=web -t registry.example.com/app:v1",
    },
    {
      text: "Run something else, as somebody else",
      command: "gcrane mutate registry.example.com/app:v1 --entrypoint /bin/app,--serve -u 1000 --unset-env DEBUG",
    },
    {
      text: "Put files on top",
      command: "gcrane mutate registry.example.com/app:v1 --append rootfs.tar.gz -t registry.example.com/app:v2",
    },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, stdin, signal } = context;
    if (flags.tag !== undefined && flags.repo !== undefined) {
      throw new UsageError("-t and --repo both say where to push", { hint: "leave out one of the two" });
    }
    const changes = changesOf(flags);
    if (flags.output === undefined) {
      const options = { ...changeOptions(context, flags), onProgress: context.onProgress };
      const { mutate } = await import("../../src/crane/mod.ts");
      const source = await localSource(args.image, context) ?? args.image;
      const { append, repo: repository } = flags;
      return await stdout.print(await mutate(source, changes, { ...options, append, stdin, repository }));
    }
    if (flags.keepOthers) {
      throw new UsageError("a tarball holds no index, so --keep-others has no place", { hint: "leave it out" });
    }
    const options = { ...remoteOptions(context), onProgress: context.onProgress };
    const { append, openImage } = await import("../../src/crane/mod.ts");
    const { changeImage } = await import("../../src/mutate/mod.ts");
    const { writeTarballFile } = await import("../../src/tarball/mod.ts");
    const local = await localSource(args.image, context);
    const layered = await append(await openImage(local ?? args.image, options), flags.append, { stdin, signal });
    const reference = flags.repo ?? flags.tag ?? (local ? undefined : args.image);
    await writeTarballFile(flags.output, [{ reference, image: changeImage(layered, changes) }], options);
  },
});

/** What the flags change; `null` for what they take away. */
function changesOf(flags: FlagValues<typeof changeFlags>): ImageChanges {
  const changes: ImageChanges = {
    annotations: pairChanges({
      flag: "annotation",
      set: flags.annotation,
      unset: flags.unsetAnnotation,
      commas: true,
    }),
    labels: pairChanges({ flag: "label", set: flags.label, unset: flags.unsetLabel, commas: true }),
    env: pairChanges({ flag: "env", set: flags.env, unset: flags.unsetEnv }),
    entrypoint: oneOf("entrypoint", list(flags.entrypoint), flags.unsetEntrypoint),
    cmd: oneOf("cmd", list(flags.cmd), flags.unsetCmd),
    user: oneOf("user", flags.user, flags.unsetUser),
    workdir: oneOf("workdir", flags.workdir, flags.unsetWorkdir),
    exposedPorts: oneOf("exposed-ports", list(flags.exposedPorts), flags.unsetExposedPorts),
    platform: newPlatform(flags.setPlatform),
  };
  return changes;
}

function list(words: readonly string[]): readonly string[] | undefined {
  return words.length === 0 ? undefined : words;
}

/** A value to set, `null` to take it away, or `undefined` to leave it. */
function oneOf<T extends string | readonly string[]>(flag: string, value: T | undefined, unset: boolean) {
  if (value === undefined) return unset ? null : undefined;
  if (unset) throw new UsageError(`--${flag} and --unset-${flag} exclude each other`, { hint: "leave out one" });
  if (String(value) !== "") return value;
  throw new UsageError(`--${flag} is empty`, { hint: `--unset-${flag} takes it away` });
}

function newPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  const platform = platformFlag(text, "set-platform");
  if (platform.architecture) return platform;
  throw new UsageError(`--set-platform ${text}: an image is for an os and an architecture`, {
    hint: "for example linux/arm64",
  });
}
