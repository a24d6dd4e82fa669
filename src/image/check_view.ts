import { wrongArgument } from "../spec/internal.ts";
import type { IndexChild } from "./view.ts";

const NAMES: Readonly<Record<IndexChild["view"]["kind"], string>> = {
  image: "an image",
  index: "an index",
  manifest: "another manifest",
  layer: "a layer",
};

/** Checks that an argument is a view of one of the kinds. @throws {TypeError} if it is not. */
export function checkView(view: unknown, ...kinds: readonly (keyof typeof NAMES)[]): void {
  if (!kinds.includes(Object(view).kind)) throw wrongArgument(kinds.map((kind) => NAMES[kind]).join(" or "), view);
}
