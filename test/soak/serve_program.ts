// One of the two servers of the soak: its arguments are a store, `file:DIR` or `s3:URL`, and the rounds' interval in ms.
import process from "node:process";
import { collectStoreGarbageEvery, fileStore, s3Store, serveRegistry } from "../../src/registry/mod.ts";

const [kind, where] = [process.argv[2].slice(0, process.argv[2].indexOf(":")), process.argv[2].replace(/^\w+:/, "")];
const keys = { bucket: "images", region: "eu-north-1", accessKeyId: "AKIAFAKE", secretAccessKey: "fake/secret+key" };
const store = kind === "file" ? fileStore(where) : s3Store({ endpoint: where, ...keys });
const onError = (error: unknown) => console.error(String((error as Error)?.stack ?? error));
const { url } = await serveRegistry({ store, onError });
console.log(url);
await collectStoreGarbageEvery(store, {
  interval: Number(process.argv[3]),
  grace: 60_000,
  uploadExpiry: 60_000,
  onCollected: ({ blobs, uploads }) => console.log(`collected ${blobs} ${uploads}`),
  onError,
  signal: new AbortController().signal,
});
