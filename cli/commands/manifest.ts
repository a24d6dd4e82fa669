import { type Command, command as declare } from "../command.ts";
import { localSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane manifest` */
export const command: Command = declare({
  description:
    `Prints the unchanged bytes of a manifest; of an index those of the index itself, or with --platform those of one of its images. An image without a manifest, as in tarballs of "docker save", gets Docker's manifest.

${SOURCES_HELP}`,
  args: { image: { help: "The image" } },
  examples: [
    { text: "See the layers of an image", command: "gcrane manifest registry.example.com/app:v1 | jq .layers" },
  ],
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const options = remoteOptions(context);
    const local = await localSource(args.image, context);
    if (local) {
      const { open } = await import("../../src/source/mod.ts");
      return await stdout.write(await (await open(local, options)).rawManifest({ signal }));
    }
    const found = await new Puller(options).get(parseReference(args.image, { insecure: flags.insecure }), { signal });
    const { isIndex } = await import("../../src/spec/mod.ts");
    const whole = options.platform === undefined || !isIndex(found.descriptor.mediaType);
    await stdout.write(whole ? found.bytes : await (await found.image(options)).rawManifest({ signal }));
  },
});
