import { blobChecks } from "./blobs.ts";
import { developmentChecks, sparseChecks } from "./development.ts";
import { discoveryChecks } from "./discovery.ts";
import { managementChecks } from "./management.ts";
import { manifestChecks } from "./manifests.ts";
import { Deviation, Skipped, type World } from "./world.ts";

/** What a registry may be asked to do; each can be left out. */
export type Workflow = "pull" | "push" | "discovery" | "management" | "sparse";

/** The workflows in the order of the specification's own suite. */
export const WORKFLOWS: readonly Workflow[] = ["pull", "push", "discovery", "management", "sparse"];

/** The workflows that are looked at by default: few registries take manifests whose content is elsewhere. */
export const USUAL: readonly Workflow[] = WORKFLOWS.filter((workflow) => workflow !== "sparse");

/** One requirement of the distribution-spec 1.1, or of its next version. */
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
export const checks: readonly Check[] = [
  ...blobChecks,
  ...manifestChecks,
  ...developmentChecks,
  ...discoveryChecks,
  ...managementChecks,
  ...sparseChecks,
];

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
