import { blobChecks } from "./blobs.ts";
import { discoveryChecks } from "./discovery.ts";
import { managementChecks } from "./management.ts";
import { manifestChecks } from "./manifests.ts";
import { Deviation, Skipped, type World } from "./world.ts";

/** What a registry may be asked to do; each can be left out. */
export type Workflow = "pull" | "push" | "discovery" | "management";

/** The workflows in the order of the specification's own suite. */
export const WORKFLOWS: readonly Workflow[] = ["pull", "push", "discovery", "management"];

/** One requirement of the distribution-spec 1.1. */
export interface Check {
  readonly workflow: Workflow;
  /** What is looked at. */
  readonly title: string;
  /** Looks at it. It throws {@linkcode Deviation} or {@linkcode Skipped}. */
  readonly run: (world: World) => Promise<void>;
}

/** What came of a check. */
export interface Outcome {
  readonly check: Check;
  readonly verdict: "pass" | "fail" | "skip";
  /** Why it failed or was skipped. */
  readonly reason?: string;
}

/** All that is looked at. */
export const checks: readonly Check[] = [...blobChecks, ...manifestChecks, ...discoveryChecks, ...managementChecks];

/** Looks at one thing. */
export async function look(check: Check, world: World): Promise<Outcome> {
  try {
    await check.run(world);
    return { check, verdict: "pass" };
  } catch (error) {
    if (error instanceof Skipped) return { check, verdict: "skip", reason: error.message };
    const reason = error instanceof Deviation ? error.message : `${(error as Error).name}: ${(error as Error).message}`;
    return { check, verdict: "fail", reason };
  }
}
