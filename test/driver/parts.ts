// Divides a suite into parts that run concurrently, each in a process of its own: a change to the process, for example
// to its environment, does not affect other parts, and a part that hangs does not stop them.
//
// `deno test --parallel` takes the same time, but runs all tests in one process and prints a test only after its end,
// so that a test that hangs is not visible.

/** The files of a part: few enough that all processors work to the end, enough that starting takes no time. */
const FILES_IN_A_PART = 10;

/** How many parts run at a time: one more than processors, as tests wait for programs, disks and timers. */
export const JOBS = Math.min(navigator.hardwareConcurrency + 1, 4);

/** Finds the test files among and under these paths, sorted. */
export async function testFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    if ((await Deno.stat(path)).isFile) found.add(path);
    else for await (const file of filesUnder(path.replace(/\/+$/, ""))) found.add(file);
  }
  return [...found].filter((path) => path.endsWith("_test.ts")).sort();
}

async function* filesUnder(folder: string): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesUnder(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

/** Divides files into parts. */
export function partsOf(files: readonly string[]): string[][] {
  return Array.from(
    { length: Math.ceil(files.length / FILES_IN_A_PART) },
    (_, part) => files.slice(part * FILES_IN_A_PART, (part + 1) * FILES_IN_A_PART),
  );
}

/** Does `work` with each item, {@linkcode JOBS} at a time, in their order. */
export async function sideBySide<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>) {
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) await work(item, index);
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}
