// Spools a layer in the environment of this process, and prints how that fails.
import type { FileError } from "../../../src/errors.ts";
import { spoolContent } from "../../../src/image/internal.ts";
import { streamLayer } from "../../../src/image/mod.ts";
import { track } from "../../make/streams.ts";

const source = track([new Uint8Array(1000)]);
try {
  await spoolContent(streamLayer(source.stream).content);
} catch (error) {
  const { name: kind, message, errno, hint } = error as FileError;
  console.log(JSON.stringify({ kind, message, errno, hint, pulls: source.pulls() }));
}
