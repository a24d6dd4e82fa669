import { PlatformError, UsageError } from "../../src/errors.ts";
import { parsePlatform, type Platform } from "../../src/spec/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane index filter` */
export const command: Command = declare({
  description:
    `What is for none of the platforms is left out. A platform may say less than an image: "linux" keeps all that is for Linux.

The original stays. The result is pushed to its repository by digest, which is printed, unless -t gives it a name.`,
  args: { index: { help: "The index" } },
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
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, onProgress } = context;
    if (flags.platform.length === 0) {
      throw new UsageError("no platform is given", { hint: "say what to keep with --platform" });
    }
    const platforms = flags.platform.map(platformOf);
    const { filterIndex } = await import("../../src/crane/mod.ts");
    // This command's --platform names several, and chooses none.
    const options = remoteOptions({ ...context, flags: { ...flags, platform: undefined } });
    await stdout.print(await filterIndex(args.index, platforms, { ...options, onProgress, tag: flags.tag }));
  },
});

function platformOf(text: string): Platform {
  try {
    const platform = parsePlatform(text);
    if (platform.os !== "") return platform;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new UsageError(`--platform ${text}: ${error.message}`, { cause: error, hint: "for example linux/arm64" });
  }
  throw new UsageError("--platform is empty", { hint: "for example linux/arm64" });
}
