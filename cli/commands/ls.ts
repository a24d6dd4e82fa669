import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane ls` */
export const command: Command = declare({
  description:
    `Tags are printed one per line. Registries that speak Google's extension (gcr.io, pkg.dev, "gcrane registry serve") say more: repositories below this one come first, then each image by its digest, followed by its tags.`,
  args: { repository: { valueName: "REPO", help: "The repository" } },
  flags: {
    fullRef: { type: "boolean", help: "Write repository:tag instead of the tag" },
    omitDigestTags: { type: "boolean", short: "O", help: "Leave out tags like sha256-… that stand for referrers" },
    json: { type: "boolean", help: "Print all that the registry says, as one line of JSON" },
  },
  examples: [
    { text: "See which tags there are", command: "gcrane ls registry.example.com/app" },
    { text: "See when images were uploaded", command: "gcrane ls --json gcr.io/project/app | jq .manifest" },
  ],
  async run(context) {
    const { args, flags, stdout, signal } = context;
    if (/^[^/]+:\d+\/?$/.test(args.repository)) {
      const hint = `gcrane catalog ${args.repository.replace("/", "")} lists its repositories`;
      throw new UsageError(`${args.repository} is a registry, not a repository`, { hint });
    }
    const { parseRepository } = await import("../../src/name/mod.ts");
    const { listRepository, listingLines } = await import("../../gcr/mod.ts");
    const repository = parseRepository(args.repository, { insecure: flags.insecure });
    const listing = await listRepository(repository, { ...remoteOptions(context), signal });
    if (flags.json) return await stdout.print(JSON.stringify(listing));
    for (const line of listingLines(repository, listing, flags)) await stdout.print(line);
  },
});
