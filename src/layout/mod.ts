/**
 * OCI image layouts: directories of blobs with an `index.json` (image-spec, "Image Layout").
 *
 * {@linkcode openLayout} and {@linkcode createLayout} give a {@linkcode Layout}, which reads, lists, replaces, removes
 * and collects garbage; {@linkcode writeLayout} writes a whole index. Everything that is written appears whole or not at
 * all, and what is read is verified.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { emptyImage } from "@gcrane/gcrane/image";
 * import { createLayout } from "@gcrane/gcrane/layout";
 *
 * const directory = await mkdtemp("/tmp/layout-");
 * const layout = await createLayout(directory);
 * const { digest } = await layout.appendImage(emptyImage(), { refName: "latest" });
 *
 * console.log((await layout.index().manifest()).manifests.length); // 1
 * console.log(await (await layout.image(digest)).size() > 0); // true
 * await rm(directory, { recursive: true });
 * ```
 *
 * @module
 */
export {
  createLayout,
  Layout,
  type LayoutAppendOptions,
  type LayoutGarbage,
  type LayoutGarbageOptions,
  openLayout,
  writeLayout,
  type WriteLayoutBlobOptions,
} from "./layout.ts";
export type { WriteLayoutOptions } from "./layout.ts";
