import type { GcEvent, GcRules, KeepRule, PlannedItem, RemoveRule } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import type { FlagValues } from "../flag.ts";
import { durationFlag } from "../flag_values.ts";
import { flagText } from "../flag_words.ts";
import { gcFlags, readPins } from "../gc_options.ts";
import { readNamed, writeFile } from "../named_file.ts";
import { commandOptions } from "../remote_options.ts";

const ownFlags = {
  recursive: { type: "boolean", short: "r", help: "Include the repositories below" },
  delete: { type: "boolean", help: "Delete the garbage, and print what was deleted" },
  plan: { type: "string", valueName: "FILE", help: "Write the garbage to FILE, for gc apply", completes: "file" },
  grace: {
    type: "string",
    valueName: "TIME",
    help: "Keep uploads younger than this or of unknown age (default 24h)",
  },
  tag: {
    type: "string",
    valueName: "PATTERN",
    help: "Delete tags that match: a glob, or a regular expression in slashes",
  },
  semver: { type: "string", valueName: "RANGE", help: "Delete tags that are versions in this range" },
  olderThan: {
    type: "string",
    valueName: "TIME",
    help: "Delete only tags that were uploaded longer ago, such as 7d, and before --grace",
  },
  keepNewest: { type: "number", valueName: "N", help: "Keep the newest N of those tags in each group" },
  per: {
    type: "string",
    valueName: "PART",
    choices: ["major", "minor"],
    help: "With --semver: group by this part of the version",
  },
  keepTag: { type: "strings", valueName: "PATTERN", help: "Keep tags that match, regardless of other flags" },
  keepSemver: { type: "strings", valueName: "RANGE", help: "Keep tags that are versions in this range" },
  rules: { type: "string", valueName: "FILE", help: "Read such rules from a JSON file", completes: "file" },
  repository: { type: "strings", valueName: "PATTERN", help: "Include only repositories that match, and those below" },
  exclude: { type: "strings", valueName: "PATTERN", help: "Leave out repositories that match, and those below" },
  orphans: { type: "boolean", help: "Delete tags like sha256-….sig if the repository lacks their image" },
  trustCreated: { type: "boolean", help: "Use the time of the build if that of the upload is unknown" },
  allowMissing: { type: "boolean", help: "Continue if an index lists an image that the repository lacks" },
  ...gcFlags,
} as const;

/** `gcrane gc` */
export const command: Command = declare({
  description:
    `Prints repository@digest for every manifest that is not reachable from a tag, and deletes nothing without --delete. Tags that go with a manifest stand beside it on a terminal, and in a note on standard error where a program reads the list. A manifest is reachable through a tag, an index that is kept, any other kept manifest that mentions its digest, and a subject or a referrer: signatures, attestations and SBOMs are kept and deleted with their image, also those under cosign's tags.

Uploads of the last 24 hours are kept. If a part of a repository can't be read, all of it is kept, and the exit code is 1. Registries with Google's extension (gcr.io, pkg.dev, "gcrane registry serve") list manifests without a tag; in others, only manifests that tags lead to can be found.

With --tag, --semver, --older-than or --keep-newest, tags that meet all these conditions are deleted too. --rules reads several such rules from a file: {"keep": [{"tag": "latest"}], "remove": [{"repository": "ci/**", "tag": "/^pr-(\\d+)-/", "olderThan": "7d", "keepNewest": 1}]}. The captures of an expression form groups for --keep-newest.

To review before deleting, write a plan and pass it to gc apply, which checks each tag and digest again.`,
  args: { root: { valueName: "REPO", help: "A repository, or a registry for all its repositories" } },
  flags: ownFlags,
  examples: [
    { text: "See the garbage", command: "gcrane gc -r registry.example.com/team" },
    {
      text: "Write a plan, review it, and apply it",
      command: "gcrane gc -r --plan plan.json registry.example.com/team && gcrane gc apply plan.json",
    },
    {
      text: "Delete images of pull requests after a week, except those that run in the cluster",
      command:
        "kubectl get pods -A -o jsonpath='{range .items[*].status.containerStatuses[*]}{.imageID}{\"\\n\"}{end}' | gcrane gc -r --tag 'pr-*' --older-than 7d --in-use - --delete registry.example.com/team",
    },
    {
      text: "Keep the newest three patches of each minor version of release 1",
      command: "gcrane gc --semver 1.x --per minor --keep-newest 3 registry.example.com/app",
    },
  ],
  async run(context) {
    const { args, flags, signal } = context;
    if (flags.plan !== undefined && flags.delete) {
      throw new UsageError("--plan only writes the garbage to a file, and deletes nothing", {
        hint: "review the file, and then pass it to gcrane gc apply",
      });
    }
    const { collectGarbage, parseRoot, plannedItem, planText } = await import("../../gcr/mod.ts");
    const { GcReport } = await import("../gc_report.ts");
    const root = parseRoot(args.root, { insecure: flags.insecure });
    if (root.kind === "registry" && !flags.recursive) {
      throw new UsageError(`${root} is a registry`, { hint: `gcrane gc -r ${root} includes all its repositories` });
    }
    const rules = { ...await rulesOf(flags), pins: await readPins(context, flags) };
    const report = new GcReport(context, { deletes: flags.delete, grace: rules.grace });
    const items: PlannedItem[] = [];
    const onEvent = (event: GcEvent) => {
      report.add(event);
      const item = flags.plan === undefined ? undefined : plannedItem(event);
      if (item) items.push(item);
    };
    const { recursive, maxDelete, rate, jobs, journal, trustCreated, allowMissing, exclude } = flags;
    try {
      const result = await collectGarbage(root, {
        ...commandOptions(context),
        ...{ recursive, maxDelete, rate, jobs, journal, trustCreated, allowMissing, exclude, rules, onEvent },
        delete: flags.delete,
        ...(flags.repository.length > 0 ? { repositories: flags.repository } : {}),
      });
      if (flags.plan !== undefined) {
        const { grace, orphans = false } = rules;
        const terms = { grace, orphans, trustCreated, allowMissing, created: new Date().toISOString() };
        await writeFile(flags.plan, [...planText({ ...terms, items })].join(""), { signal });
        context.note(
          items.length > 0
            ? `The plan is in ${flags.plan}: "gcrane gc apply" deletes what it names`
            : `The plan in ${flags.plan} is empty`,
        );
      }
      return await report.end(result);
    } finally {
      report.flush();
    }
  },
});

/** Returns the rules of the flags and of the rules file. */
async function rulesOf(flags: FlagValues<typeof ownFlags>): Promise<GcRules & { grace: number }> {
  const { DEFAULT_GRACE, parseRules } = await import("../../gcr/mod.ts");
  const file = flags.rules === undefined ? {} : parseRules(await readNamed(flags.rules), flags.rules);
  const { tag, semver, per, keepNewest, keepTag, keepSemver } = flags;
  const olderThan = flags.olderThan === undefined ? undefined : durationFlag("older-than", flags.olderThan);
  const keep: KeepRule[] = [...keepTag.map((tag) => ({ tag })), ...keepSemver.map((semver) => ({ semver }))];
  const removes = [tag, semver, olderThan, keepNewest].some((value) => value !== undefined);
  if (per !== undefined && !removes) throw new UsageError("--per requires --semver");
  const typed = Object.entries({ tag, semver, per, olderThan: flags.olderThan, keepNewest });
  const name = typed.flatMap(([key, value]) => value === undefined ? [] : [flagText(key, value)]).join(" ");
  const remove: RemoveRule[] = removes ? [{ name, tag, semver, per, keepNewest, olderThan }] : [];
  return {
    grace: flags.grace === undefined ? file.grace ?? DEFAULT_GRACE : durationFlag("grace", flags.grace),
    orphans: flags.orphans || file.orphans,
    keep: [...file.keep ?? [], ...keep],
    remove: [...file.remove ?? [], ...remove],
  };
}
