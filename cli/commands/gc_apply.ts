import { type Command, command as declare } from "../command.ts";
import { gcFlags, readPins } from "../gc_options.ts";
import { commandOptions } from "../remote_options.ts";
import { readNamed } from "../named_file.ts";

/** `gcrane gc apply` */
export const command: Command = declare({
  description:
    `Deletes the garbage in a plan of "gcrane gc --plan": tags first, then indexes and referrers, then their members and subjects. Reads every repository again before that, and keeps a manifest that has become reachable or has other tags than in the plan. Deletes nothing that is not in the plan. Prints repository@digest of each deletion, with its tags as "gcrane gc" does.`,
  args: { plan: { valueName: "FILE", help: "The plan", completes: "file" } },
  flags: gcFlags,
  examples: [
    { text: "Apply a plan slowly", command: "gcrane gc apply --rate 20 --journal gc.journal plan.json" },
  ],
  async run(context) {
    const { args, flags } = context;
    const { applyGarbagePlan, parsePlan } = await import("../../gcr/mod.ts");
    const { GcReport } = await import("../gc_report.ts");
    const plan = parsePlan(await readNamed(args.plan), args.plan);
    const pins = await readPins(context, flags);
    const report = new GcReport(context, { deletes: true, grace: plan.grace });
    const { maxDelete, rate, jobs, journal } = flags;
    try {
      const result = await applyGarbagePlan(plan, {
        ...commandOptions(context),
        ...{ pins, maxDelete, rate, jobs, journal },
        onEvent: (event) => report.add(event),
      });
      return await report.end(result);
    } finally {
      report.flush();
    }
  },
});
