import { UsageError } from "../../src/errors.ts";
import type { Image, ImageIndex } from "../../src/image/mod.ts";
import { isIndex } from "../../src/spec/mod.ts";
import { jsonLine } from "../terminal_text.ts";
import { type Command, command as declare } from "../command.ts";
import { localSource, SOURCES_HELP } from "../local_source.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane digest` */
export const command: Command = declare({
  description:
    `Prints the digest of an image; of an index its own digest, or with --platform that of one of its images. An image without a manifest, as in tarballs of "docker save", gets Docker's manifest and the digest that a push of it has.

${SOURCES_HELP} With --tarball, IMAGE is the name of an image in the file.`,
  args: { image: { help: "The image", optional: true } },
  flags: {
    json: { type: "boolean", help: "Print the descriptor as one line of JSON: media type, digest, size" },
    fullRef: { type: "boolean", help: "Write repository@digest instead of the digest" },
    tarball: { type: "string", valueName: "FILE", completes: "file", help: "A file with the image" },
  },
  examples: [
    { text: "Pin the image of a tag", command: "gcrane digest --full-ref registry.example.com/app:v1" },
    { text: "See the digest that a push of a file has", command: "gcrane digest --tarball app.tar" },
  ],
  async run(context) {
    const { args: { image }, flags: { fullRef, tarball, json }, stdout, signal } = context;
    if (fullRef && json) throw new UsageError("--full-ref and --json exclude each other", { hint: "leave out one" });
    const print = async (view: Image | ImageIndex) =>
      await stdout.print(json ? jsonLine(await view.descriptor({ signal })) : await view.digest({ signal }));
    const options = remoteOptions(context);
    if (tarball !== undefined) {
      if (fullRef) throw new UsageError("--full-ref is for registries, not for files", { hint: "leave out one" });
      const { load } = await import("../../src/source/mod.ts");
      return await print(await load(tarball, { ...options, tag: image }));
    }
    if (image === undefined) throw new UsageError("no image is given", { hint: "name it, or a file with --tarball" });
    const local = await localSource(image, context);
    if (local) {
      if (fullRef) throw new UsageError(`${image} is in no repository`, { hint: "leave out --full-ref" });
      const { open } = await import("../../src/source/mod.ts");
      return await print(await open(local, options));
    }
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const reference = parseReference(image, { insecure: context.flags.insecure });
    const puller = new Puller(options);
    if (json) {
      const found = options.platform ? await puller.get(reference, { signal }) : undefined;
      const image = found && isIndex(found.descriptor.mediaType) ? await found.image(options) : undefined;
      const descriptor = await image?.descriptor({ signal }) ?? found?.descriptor ??
        await puller.head(reference, { signal });
      return await stdout.print(jsonLine(descriptor));
    }
    const digest = await puller.digest(reference, options);
    await stdout.print(fullRef ? `${reference.repository}@${digest}` : digest);
  },
});
