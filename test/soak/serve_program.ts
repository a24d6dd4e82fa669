// One of the two servers of the soak: its arguments are a store as JSON and the time between collections in ms.
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { collectStoreGarbage, serveRegistry } from "../../src/registry/mod.ts";
import { openStore } from "./stores.ts";

const PARTS = Array.from("0123456789abcdef", (digit) => `${digit}0-${digit}f`);

const store = openStore(JSON.parse(process.argv[2]));
const onError = (error: unknown) => console.error(String((error as Error)?.stack ?? error));
const { url } = await serveRegistry({ store, onError });
console.log(url);
// Both servers collect at once, without the turns that collectStoreGarbageEvery takes, and a part at a time, as jobs with
// --prefix do: over a slow store, a whole collection would last longer than a server.
for (let part = Math.floor(Math.random() * PARTS.length);; part = (part + 1) % PARTS.length) {
  await wait(Number(process.argv[3]));
  try {
    const { blobs, uploads } = await collectStoreGarbage(store, {
      grace: 60_000,
      uploadExpiry: 60_000,
      prefix: PARTS[part],
    });
    console.log(`collected ${blobs} ${uploads}`);
  } catch (error) {
    onError(error);
  }
}
