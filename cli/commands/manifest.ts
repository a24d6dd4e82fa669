import type { Image, ImageIndex } from "../../src/image/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import type { Descriptor } from "../../src/spec/mod.ts";
import { jsonLine } from "../terminal_text.ts";
import { type Command, command as declare } from "../command.ts";
import { localSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane manifest` */
export const command: Command = declare({
  description:
    `Prints the unchanged bytes of a manifest; of an index those of the index itself, or with --platform those of one of its images. An image without a manifest, as in tarballs of "docker save", gets Docker's manifest.

${SOURCES_HELP}`,
  args: { image: { help: "The image" } },
  flags: {
    json: { type: "boolean", help: "Print the descriptors of the manifest and of what it names as one line of JSON" },
  },
  examples: [
    { text: "See the layers of an image", command: "gcrane manifest registry.example.com/app:v1 | jq .layers" },
    {
      text: "List all digests that an image names",
      command: "gcrane manifest --json registry.example.com/app:v1 | jq -r '.config.digest, .blobs[].digest'",
    },
  ],
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const options = remoteOptions(context);
    const print = async (bytes: Bytes, descriptor: Descriptor) => {
      if (!flags.json) return await stdout.write(bytes);
      const { successors } = await import("../../src/graph/mod.ts");
      await stdout.print(jsonLine({ ...descriptor, ...successors(bytes, descriptor.mediaType, args.image) }));
    };
    const printView = async (view: Image | ImageIndex) =>
      await print(await view.rawManifest({ signal }), await view.descriptor({ signal }));
    const local = await localSource(args.image, context);
    if (local) {
      const { open } = await import("../../src/source/mod.ts");
      return await printView(await open(local, options));
    }
    const found = await new Puller(options).get(parseReference(args.image, { insecure: flags.insecure }), { signal });
    const { isIndex } = await import("../../src/spec/mod.ts");
    const whole = options.platform === undefined || !isIndex(found.descriptor.mediaType);
    if (whole) await print(found.bytes, found.descriptor);
    else await printView(await found.image(options));
  },
});
