import { ValidationError } from "../errors.ts";
import type { ConfigFile, History } from "../spec/mod.ts";

/**
 * The history of an image, with a step for each of its layers: for layers that it does not tell of there are empty steps
 * at its end.
 *
 * @param what what to call the image in the error
 * @throws {ValidationError} when it tells of more layers than there are.
 */
export function wholeHistory({ history, rootfs }: ConfigFile, what: string): readonly History[] {
  const steps = history ?? [];
  const missing = rootfs.diff_ids.length - layersIn(steps);
  if (missing >= 0) return [...steps, ...Array.from({ length: missing }, () => ({}))];
  throw new ValidationError(
    `the history of ${what} tells of ${layersIn(steps)} layers where it has ${rootfs.diff_ids.length}`,
  );
}

/** The steps of a whole history that come after those of a base with this many layers. */
export function stepsAbove(history: readonly History[], base: readonly History[]): readonly History[] {
  const layers = layersIn(base);
  // Steps without a layer are the base's too, as many as it has.
  if (layersIn(history.slice(0, base.length)) === layers) return history.slice(base.length);
  let end = 0;
  for (let seen = 0; seen < layers; end++) if (!history[end].empty_layer) seen++;
  return history.slice(end);
}

function layersIn(history: readonly History[]): number {
  return history.filter((step) => !step.empty_layer).length;
}
