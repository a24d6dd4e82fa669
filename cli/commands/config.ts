import { type Command, command as declare } from "../command.ts";
import { localSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane config` */
export const command: Command = declare({
  description: `Of an index, the config of the image for --platform is printed, linux/amd64 if nothing is said.

${SOURCES_HELP}`,
  args: { image: { help: "The image" } },
  examples: [
    { text: "See an image's environment", command: "gcrane config registry.example.com/app:v1 | jq .config.Env" },
    { text: "See that of an image in a file", command: "gcrane config ./app.tar | jq .config.Env" },
  ],
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const options = remoteOptions(context);
    const local = await localSource(args.image, context);
    const image = local
      ? await (await import("../../src/source/mod.ts")).openImage(local, options)
      : await new Puller(options).image(parseReference(args.image, { insecure: flags.insecure }), options);
    await stdout.write(await image.rawConfigFile({ signal }));
  },
});
