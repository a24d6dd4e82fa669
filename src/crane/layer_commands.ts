import type { ConfigFile } from "../spec/mod.ts";

/**
 * Returns the command that made each layer; none where the history has not as many steps with layers as there are
 * layers.
 */
export function commandsOf({ history }: ConfigFile, count: number): readonly (string | undefined)[] {
  const steps = (history ?? []).filter((step) => !step.empty_layer);
  if (steps.length !== count) return [];
  return steps.map(({ created_by }) => typeof created_by === "string" ? created_by : undefined);
}
