import { rangesOf } from "./fields.ts";
import type { Manifests } from "./manifests.ts";

/** Returns the ranges that the root's `resolutions` put in the place of others, by the packages' names. */
export function resolutionsOf(manifests: Manifests): ReadonlyMap<string, string> {
  const ranges = rangesOf(manifests.get(""), "resolutions");
  return new Map(
    [...ranges].map(([path, range]) => [/(?:@[^/@]+\/)?[^/@]+(?=@[^/]*$|$)/.exec(path)?.[0] ?? path, range]),
  );
}
