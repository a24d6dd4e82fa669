import { streamLayer } from "../../src/image/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import type { GrowthRow } from "./growth.ts";
import { runLine, SimulatedRegistry, SOURCE_REPOSITORY, TARGET_REPOSITORY } from "./growth_registry.ts";

/** Artifacts with a tag each, and a blob of their own. */
const tagged = (artifacts: number) =>
  new SimulatedRegistry({ artifacts, blobs: artifacts, blobsOf: (i) => [i], tagged: true });

/** Returns a row that runs a command line on a simulated registry. */
function commandRow(
  name: string,
  sizes: readonly number[],
  registryOf: (size: number) => SimulatedRegistry,
  words: readonly string[],
): GrowthRow {
  return {
    name,
    sizes,
    prepare(size) {
      const registry = registryOf(size);
      return async () => {
        await runLine(words, registry.fetch);
        return registry.calls;
      };
    },
  };
}

const MB = 1_000_000;

/** Pushes a layer of so many megabytes, which is made while it is sent. */
const pushRow: GrowthRow = {
  name: "push of a stream (MB)",
  sizes: [1_250, 2_500, 5_000, 10_000],
  prepare: (size) => async () => {
    const chunk = new Uint8Array(MB / 4);
    let left = size * 4;
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(chunk.slice());
        else controller.close();
      },
    }, { highWaterMark: 0 });
    let calls = 0;
    let bytes = 0;
    const fetch = (async (input: URL | string, init?: RequestInit) => {
      calls++;
      const url = new URL(input);
      const { body, method } = init ?? {};
      if (url.pathname === "/v2/") return new Response("{}");
      if (body instanceof ReadableStream) { for await (const part of body) bytes += part.length; }
      const headers = { location: "/v2/app/blobs/uploads/1", range: `0-${Math.max(bytes - 1, 0)}` };
      const digest = url.searchParams.get("digest");
      return method === "PUT"
        ? new Response(null, { status: 201, headers: { ...headers, "docker-content-digest": digest! } })
        : new Response(null, { status: 202, headers });
    }) as typeof globalThis.fetch;
    await new Pusher({ fetch }).upload(TARGET_REPOSITORY, streamLayer(source, { compression: "none" }));
    if (bytes !== size * MB) throw new Error(`${bytes} bytes of ${size * MB} arrived`);
    return calls;
  },
};

/** The rows of commands. */
export const commandRows: readonly GrowthRow[] = [
  commandRow("ls of tags", [25_000, 50_000, 100_000, 200_000], tagged, ["ls", SOURCE_REPOSITORY]),
  commandRow(
    "copy of layers",
    [625, 1_250, 2_500, 5_000],
    (blobs) =>
      new SimulatedRegistry({
        artifacts: 1,
        blobs,
        blobsOf: () => Array.from({ length: blobs }, (_, i) => i),
        tagged: true,
      }),
    ["copy", `${SOURCE_REPOSITORY}:t000000`, `${TARGET_REPOSITORY}:v1`],
  ),
  commandRow(
    "validate of members",
    [2_500, 5_000, 10_000, 20_000],
    (artifacts) => new SimulatedRegistry({ artifacts, blobs: artifacts, blobsOf: (i) => [i], tagged: false }),
    ["validate", `${SOURCE_REPOSITORY}:index`],
  ),
  commandRow("copy -r of tags", [6_250, 12_500, 25_000, 50_000], tagged, [
    ...["copy", "-r", SOURCE_REPOSITORY, TARGET_REPOSITORY],
  ]),
  commandRow("gc of tags", [6_250, 12_500, 25_000, 50_000], tagged, [
    ...["gc", "--grace", "0", "--tag", "t0000*", SOURCE_REPOSITORY],
  ]),
  pushRow,
];
