import { type Command, command as declare } from "../command.ts";
import { imageSource } from "../local_source.ts";
import { commandOptions } from "../remote_options.ts";
import { oneLine } from "../terminal_text.ts";

/** `gcrane index list` */
export const command: Command = declare({
  description:
    `Prints digest, media type and platform of each member, with "-" for a missing platform. The index may also be an OCI layout or a tarball; "-" reads a tarball from standard input.`,
  args: { index: { help: "The index, or the path of a layout or a tarball" } },
  examples: [
    { text: "See the platforms of an image", command: "gcrane index list registry.example.com/multi:v1" },
    { text: "See the content of a layout", command: "gcrane index list ./layout" },
  ],
  async run(context) {
    const { args, stdout } = context;
    const { indexMembers } = await import("../../src/crane/mod.ts");
    const { platformString } = await import("../../src/spec/mod.ts");
    const source = await imageSource(args.index, context);
    const members = await indexMembers(source, commandOptions(context));
    await stdout.print(row("Digest", "MediaType", "Platform"));
    for (const { digest, mediaType, platform } of members) {
      await stdout.print(row(digest, oneLine(mediaType), oneLine(platform ? platformString(platform) : "") || "-"));
    }
  },
});

/** Returns columns as wide as crane's, for scripts that cut them by position. */
function row(digest: string, mediaType: string, platform: string): string {
  return `${digest.padEnd(70)} ${mediaType.padEnd(20)} ${platform}`;
}
