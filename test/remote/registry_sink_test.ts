import { transfer } from "../../src/graph/mod.ts";
import type { Image } from "../../src/image/mod.ts";
import { digestBytes } from "../../src/io/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Client, Puller, RegistrySink } from "../../src/remote/mod.ts";
import { type Hash, isHash } from "../../src/spec/mod.ts";
import { sinkContract, type SinkUnderTest } from "../contracts/sink_contract.ts";
import { digestOf, fakeFetch, FakeRegistry } from "../fakes/mod.ts";
import { utf8 } from "../make/bytes.ts";

const repository = parseRepository("registry.example.com/app");

function openSink(): Promise<SinkUnderTest> {
  const registry = new FakeRegistry();
  const { fetch } = fakeFetch({ "https://registry.example.com": registry.handle });
  const client = new Client({ fetch, retry: { attempts: 1 } });
  const sink = new RegistrySink(client, repository);
  const puller = new Puller({ client });
  const blobs = () => [...registry.blobsOf("app").keys()] as Hash[];
  const manifests = () => [...registry.manifestsOf("app").entries()];
  return Promise.resolve({
    async write(roots, options) {
      await transfer(roots, sink, options);
      const images: Image[] = [];
      for (const { view } of roots) {
        if (view.kind === "image") images.push(await puller.image(repository.digest(await view.digest())));
      }
      const stored = new Set([...blobs(), ...manifests().map(([name]) => name).filter(isHash)]);
      return { images, print: await digestBytes(utf8([...stored].sort().join("\n"))), stored };
    },
    leftovers: () => [],
    names: () =>
      new Map(manifests().flatMap(([name, { bytes }]) => isHash(name) ? [] : [[name, digestOf(bytes)] as const])),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

sinkContract("a repository as a sink", { open: openSink, keeps: true, indexes: true });
