import type { GcEvent, GcRules, KeepRule, PlannedItem, RemoveRule } from "../../gcr/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import type { FlagValues } from "../flag.ts";
import { durationFlag } from "../flag_values.ts";
import { gcFlags, readPins } from "../gc_options.ts";
import { readNamed, writeFile } from "../named_file.ts";
import { commandOptions } from "../remote_options.ts";

const ownFlags = {
  recursive: { type: "boolean", short: "r", help: "The repositories below as well" },
  delete: { type: "boolean", help: "Delete what is found, and print what was deleted" },
  plan: { type: "string", valueName: "FILE", help: "Write what is found to FILE, for gc apply", completes: "file" },
  grace: {
    type: "string",
    valueName: "TIME",
    help: "Keep what was uploaded less than this ago, or nobody knows when (default 24h)",
  },
  tag: { type: "string", valueName: "PATTERN", help: "Tags like this go: a glob, or a regular expression in slashes" },
  semver: { type: "string", valueName: "RANGE", help: "Tags that are versions in this range go" },
  olderThan: { type: "string", valueName: "TIME", help: "Only tags go that were uploaded longer ago" },
  keepNewest: { type: "number", valueName: "N", help: "The newest N of those tags stay, of each group" },
  per: {
    type: "string",
    valueName: "PART",
    choices: ["major", "minor"],
    help: "With --semver: each version of this part is a group",
  },
  keepTag: { type: "strings", valueName: "PATTERN", help: "Tags like this stay, whatever else is said" },
  keepSemver: { type: "strings", valueName: "RANGE", help: "Tags that are versions in this range stay" },
  rules: { type: "string", valueName: "FILE", help: "Read rules like these from a JSON file", completes: "file" },
  repository: { type: "strings", valueName: "PATTERN", help: "Only repositories like this, and those below" },
  exclude: { type: "strings", valueName: "PATTERN", help: "No repositories like this, nor those below" },
  orphans: { type: "boolean", help: "Tags like sha256-….sig go too whose image the repository does not have" },
  trustCreated: { type: "boolean", help: "Where the time of an upload is not known, the time of the build counts" },
  allowMissing: { type: "boolean", help: "Go on where an index names an image that the repository does not have" },
  ...gcFlags,
} as const;

/** `gcrane gc` */
export const command: Command = declare({
  description:
    `Prints repository@digest for every manifest that no tag leads to, and deletes nothing unless --delete says so. What leads to a manifest is a tag, an index that is kept, any other manifest that is kept and mentions its digest, and in both directions whatever refers to one another: signatures, attestations and SBOMs stay with their image and go with it, also those under cosign's tags.

What was uploaded in the last 24 hours stays. If anything of a repository can't be read, it is left alone, and the exit code is 1. Registries that speak Google's extension (gcr.io, pkg.dev, "gcrane registry serve") tell of manifests without a tag; of others, only what tags lead to can be looked at.

With --tag, --semver, --older-than or --keep-newest, tags go too: those of which all of it is true. --rules reads several such rules from a file: {"keep": [{"tag": "latest"}], "remove": [{"repository": "ci/**", "tag": "/^pr-(\\d+)-/", "olderThan": "7d", "keepNewest": 1}]}. What an expression captures makes groups for --keep-newest.

To look first and delete later, write a plan and give it to gc apply, which checks each tag and digest again.`,
  args: { root: { valueName: "REPO", help: "A repository, or a registry for all of its repositories" } },
  flags: ownFlags,
  examples: [
    { text: "See what could go", command: "gcrane gc -r registry.example.com/team" },
    {
      text: "Write a plan, look at it, and carry it out",
      command: "gcrane gc -r --plan plan.json registry.example.com/team && gcrane gc apply plan.json",
    },
    {
      text: "Remove images of pull requests after a week, but nothing that runs in the cluster",
      command:
        "kubectl get pods -A -o jsonpath='{range .items[*].status.containerStatuses[*]}{.imageID}{\"\\n\"}{end}' | gcrane gc -r --tag 'pr-*' --older-than 7d --in-use - --delete registry.example.com/team",
    },
    {
      text: "Of release 1, keep the newest three patches of each minor version",
      command: "gcrane gc --semver 1.x --per minor --keep-newest 3 registry.example.com/app",
    },
  ],
  async run(context) {
    const { args, flags, signal } = context;
    if (flags.plan !== undefined && flags.delete) {
      throw new UsageError("--plan writes down what could be deleted, and deletes nothing", {
        hint: "look at it, and then give it to gcrane gc apply",
      });
    }
    const { collectGarbage, parseRoot, plannedItem, planText } = await import("../../gcr/mod.ts");
    const { GcReport } = await import("../gc_report.ts");
    const root = parseRoot(args.root, { insecure: flags.insecure });
    if (root.kind === "registry" && !flags.recursive) {
      throw new UsageError(`${root} is a registry`, { hint: `gcrane gc -r ${root} goes through all of it` });
    }
    const rules = { ...await rulesOf(flags), pins: await readPins(context, flags) };
    const report = new GcReport(context, { deletes: flags.delete });
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
  if (per !== undefined && !removes) throw new UsageError("--per goes with --semver");
  const remove: RemoveRule[] = removes ? [{ tag, semver, per, keepNewest, olderThan }] : [];
  return {
    grace: flags.grace === undefined ? file.grace ?? DEFAULT_GRACE : durationFlag("grace", flags.grace),
    orphans: flags.orphans || file.orphans,
    keep: [...file.keep ?? [], ...keep],
    remove: [...file.remove ?? [], ...remove],
  };
}
