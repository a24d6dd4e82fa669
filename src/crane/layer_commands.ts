import type { ConfigFile } from "../spec/mod.ts";

/**
 * Returns the command that created each layer; none if the number of steps with layers in the history is not that of
 * the layers.
 */
export function commandsOf({ history }: ConfigFile, count: number): readonly (string | undefined)[] {
  const steps = (history ?? []).filter((step) => !step.empty_layer);
  if (steps.length !== count) return [];
  return steps.map(({ created_by }) => typeof created_by === "string" ? created_by : undefined);
}
