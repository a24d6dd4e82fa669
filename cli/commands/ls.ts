import type { RepositoryListing } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import type { Registry, Repository } from "../../src/name/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { summary } from "../failure.ts";
import { ListedNames } from "../listed_names.ts";
import { listedTagFlags, ListedTags } from "../listed_tags.ts";
import { commandOptions } from "../remote_options.ts";
import { jsonLine } from "../terminal_text.ts";

/** `gcrane ls` */
export const command: Command = declare({
  description:
    `Prints the sorted tags, one per line, as repository:tag, or alone with --tags. For registries with Google's extension (gcr.io, pkg.dev, "gcrane registry serve"), prints the repositories below this one first, then each image by its digest, followed by its tags.

--filter and --semver choose tags, --sort orders them, and --latest lists one: the highest version that is not a prerelease, or the first tag by --sort. Called as crane, prints only the tags, each alone.

On a terminal, or with --table, prints a table: tags, digest, type and platforms, total size, and the age since the upload, or since the build if the registry gives no upload time.

With --recursive, lists the repositories below too, from the registry's listing or its catalog. A failure is reported, the rest is still listed, and the exit code is 1.`,
  args: { root: { valueName: "REPO", help: "A repository; with -r also a registry, for all its repositories" } },
  flags: {
    recursive: {
      type: "boolean",
      short: "r",
      help: "Include the repositories below; prints tags with their repository",
    },
    fullRef: { type: "boolean", help: "Write repository:tag, also with --tags and for crane" },
    ...listedTagFlags,
    omitDigestTags: { type: "boolean", short: "O", help: "Leave out tags like sha256-… that hold referrers" },
    json: { type: "boolean", help: "Print the registry's full listing, one line of JSON for each repository" },
    table: { type: "boolean", help: "Print a table even if standard output is not a terminal" },
    names: { type: "boolean", help: "Print only names even if standard output is a terminal" },
  },
  examples: [
    { text: "List the tags", command: "gcrane ls registry.example.com/app" },
    {
      text: "See which release is the latest",
      command: "gcrane ls --tags --semver '>=1.0.0' --latest registry.example.com/app",
    },
    { text: "See their type, size and age", command: "gcrane ls --table registry.example.com/app" },
    { text: "List a whole registry", command: "gcrane ls -r registry.example.com" },
    { text: "See when images were uploaded", command: "gcrane ls --json gcr.io/project/app | jq .manifest" },
  ],
  async run(context) {
    const { args, flags, stdout, signal, note, warn, asCrane } = context;
    if ([flags.json, flags.table, flags.names].filter(Boolean).length > 1) {
      throw new UsageError("--json, --table and --names exclude one another: choose one");
    }
    const { isDigestTag, listingLines, listRepository, parseRoot, walkRepositories } = await import(
      "../../gcr/internal.ts"
    );
    const { Puller } = await import("../../src/remote/mod.ts");
    const options = { ...commandOptions(context), signal };
    const puller = new Puller(options);
    const root = parseRoot(args.root, { insecure: flags.insecure });
    const { omitDigestTags, recursive } = flags;
    const hides = (tag: string) => omitDigestTags && isDigestTag(tag);
    const listed = new ListedTags(flags, { asCrane, hides });
    const isTable = flags.table ||
      (stdout.isTerminal && !flags.json && !flags.names && !flags.fullRef && !listed.only);
    let tables = 0;
    let chosen = 0;
    const print = async (repository: Repository, found: RepositoryListing) => {
      if (flags.json && !listed.isChoice && !listed.only) return await stdout.print(jsonLine(found));
      const names = new ListedNames();
      const listing = await listed.of(repository, names.allowedIn(repository, found), { puller, signal });
      names.report(`${repository}`, warn);
      chosen += listing.tags.length;
      if (flags.json) return await stdout.print(jsonLine(listing));
      const shownListing = recursive ? { ...listing, ...(listing.child ? { child: [] } : {}) } : listing;
      if (!isTable) {
        const isBare = (flags.tags || asCrane) && !flags.fullRef && !recursive;
        const lines = listed.only
          ? listing.tags.map((tag) => isBare ? tag : `${repository}:${tag}`)
          : listingLines(repository, shownListing, { omitDigestTags });
        for (const line of lines) await stdout.print(line);
        return;
      }
      const { listingTable } = await import("../listing_table.ts");
      const width = stdout.isTerminal ? context.display.columns : Infinity;
      const shown = (tag: string) => listed.shows(tag) && (!listed.isChoice || listing.tags.includes(tag));
      const lines = await listingTable(repository, listing, { puller, width, shown, now: Date.now(), note, signal });
      for (const child of shownListing.child ?? []) await stdout.print(`${repository}/${child}`);
      if (recursive && lines.length > 0) await stdout.print(`${tables++ > 0 ? "\n" : ""}${repository}`);
      for (const line of lines) await stdout.print(line);
    };
    /** Reports that no tag matches. Returns whether that is a failure. */
    const noneMatches = () => {
      if (!listed.isChoice || chosen > 0) return false;
      note(`no tag of ${root} matches`);
      return flags.require || flags.latest;
    };
    const onTruncated = (error: Error) => warn(summary(error));
    if (!recursive) {
      const repository = onlyRepository(root);
      await print(repository, await listRepository(repository, { ...options, puller, onTruncated }));
      return noneMatches() ? 1 : 0;
    }
    let failed = 0;
    const onFailure = ({ name, error }: { name: string; error: unknown }) => {
      failed++;
      note(`Failed: ${name}: ${summary(error)}`);
    };
    const walk = walkRepositories(root, { ...options, puller, onTruncated, onFailure });
    for await (const { repository, listing } of walk) {
      await print(repository, listing);
      puller.client.forget(repository);
    }
    if (failed === 0) return noneMatches() ? 1 : 0;
    note(`Error: ${failed} of the repositories could not be listed`);
    return 1;
  },
});

function onlyRepository(root: Registry | Repository): Repository {
  if (root.kind === "repository") return root;
  throw new UsageError(`${root.name} is a registry, not a repository`, {
    hint: `gcrane ls -r ${root.name} lists all of it, gcrane catalog ${root.name} its repositories`,
  });
}
