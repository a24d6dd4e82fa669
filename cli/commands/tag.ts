import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane tag` */
export const command: Command = declare({
  description: "Downloads only the manifest. To tag in another repository, use copy.",
  args: {
    image: { help: "The image to tag" },
    tags: { valueName: "TAG", help: "A new tag", repeated: true },
  },
  examples: [
    { text: "Tag a version as the latest", command: "gcrane tag registry.example.com/app:v1 latest" },
    { text: "Give a release its tags", command: "gcrane tag registry.example.com/app:v1 v1.2 v1.2.3 latest" },
  ],
  async run(context) {
    const { args } = context;
    const wrong = args.tags.find((tag) => /[:/@]/.test(tag));
    if (wrong !== undefined) {
      const hint = `give the tag alone: gcrane tag ${args.image} ${/:([^:/@]+)$/.exec(wrong)?.[1] ?? "latest"}`;
      throw new UsageError(`${wrong} is not a tag`, { hint });
    }
    const { tag } = await import("../../src/crane/mod.ts");
    await tag(args.image, args.tags, remoteOptions(context));
  },
});
