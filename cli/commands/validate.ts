import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { summary } from "../failure.ts";
import { imageSource, SOURCES_HELP } from "../local_source.ts";
import { platformsOptions } from "../remote_options.ts";

/** `gcrane validate` */
export const command: Command = declare({
  description:
    `Reads all content and compares every digest, size and list of layers. Prints PASS or FAIL for each image; after a FAIL the exit code is 1. Reads every image of an index, or those for one or several --platform.

${SOURCES_HELP}`,
  args: { images: { valueName: "IMAGE", help: "The images", repeated: true, optional: true } },
  flags: {
    remote: { type: "strings", valueName: "IMAGE", help: "An image in a registry" },
    tarball: { type: "strings", valueName: "FILE", completes: "file", help: "A tarball" },
    fast: { type: "boolean", help: "Don't read layers" },
  },
  examples: [
    { text: "Check an image in a registry", command: "gcrane validate --remote registry.example.com/app:v1" },
    { text: "Check a file", command: "gcrane validate --tarball app.tar" },
  ],
  transfers: true,
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const remote = [...args.images, ...flags.remote];
    if (remote.length + flags.tarball.length === 0) {
      throw new UsageError("no image to validate is given", { hint: "name an image, or a file with --tarball" });
    }
    const { validate, validateTarball } = await import("../../src/crane/mod.ts");
    const { withClient } = await import("../../src/crane/internal.ts");
    const reading = { ...platformsOptions(context), onReadProgress: context.onProgress, fast: flags.fast };
    const options = withClient(reading);
    const checks = [
      ...remote.map((name) => ({
        name,
        check: async () => await validate(await imageSource(name, context), options),
      })),
      ...flags.tarball.map((name) => ({ name, check: () => validateTarball(name, { fast: flags.fast, signal }) })),
    ];
    let failed = 0;
    for (const { name, check } of checks) {
      try {
        await check();
        await stdout.print(`PASS: ${name}`);
      } catch (error) {
        signal.throwIfAborted();
        failed++;
        await stdout.print(`FAIL: ${name}: ${summary(error)}`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
});
