/**
 * OCI image layouts: directories of blobs with an `index.json` (image-spec, "Image Layout").
 *
 * {@linkcode openLayout} and {@linkcode createLayout} return a {@linkcode Layout}, which reads, adds, replaces and
 * removes images and collects garbage; {@linkcode writeLayout} writes a whole index. Every file is written completely
 * or not at all, and everything that is read is verified.
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
