import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane tag` */
export const command: Command = declare({
  description: "Downloads only the manifest. To tag in another repository, use copy.",
  args: { image: { help: "The image to tag" }, tag: { help: "The new tag" } },
  examples: [{ text: "Tag a version as the latest", command: "gcrane tag registry.example.com/app:v1 latest" }],
  async run(context) {
    const { args } = context;
    if (/[:/@]/.test(args.tag)) {
      const hint = `give the tag alone: gcrane tag ${args.image} ${/:([^:/@]+)$/.exec(args.tag)?.[1] ?? "latest"}`;
      throw new UsageError(`${args.tag} is not a tag`, { hint });
    }
    const { tag } = await import("../../src/crane/mod.ts");
    await tag(args.image, args.tag, remoteOptions(context));
  },
});
