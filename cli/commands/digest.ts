import { UsageError } from "../../src/errors.ts";
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
    fullRef: { type: "boolean", help: "Write repository@digest instead of the digest" },
    tarball: { type: "string", valueName: "FILE", completes: "file", help: "A file with the image" },
  },
  examples: [
    { text: "Pin the image of a tag", command: "gcrane digest --full-ref registry.example.com/app:v1" },
    { text: "See the digest that a push of a file has", command: "gcrane digest --tarball app.tar" },
  ],
  async run(context) {
    const { args: { image }, flags: { fullRef, tarball }, stdout, signal } = context;
    const options = remoteOptions(context);
    if (tarball !== undefined) {
      if (fullRef) throw new UsageError("--full-ref is for registries, not for files", { hint: "leave out one" });
      const { load } = await import("../../src/source/mod.ts");
      return await stdout.print(await (await load(tarball, { ...options, tag: image })).digest({ signal }));
    }
    if (image === undefined) throw new UsageError("no image is given", { hint: "name it, or a file with --tarball" });
    const local = await localSource(image, context);
    if (local) {
      if (fullRef) throw new UsageError(`${image} is in no repository`, { hint: "leave out --full-ref" });
      const { open } = await import("../../src/source/mod.ts");
      return await stdout.print(await (await open(local, options)).digest({ signal }));
    }
    const { parseReference } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const reference = parseReference(image, { insecure: context.flags.insecure });
    const digest = await new Puller(options).digest(reference, options);
    await stdout.print(fullRef ? `${reference.repository}@${digest}` : digest);
  },
});
