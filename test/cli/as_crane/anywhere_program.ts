// Runs the command line with every registry replaced by the one at REGISTRY, so that the names of the documentation can
// be typed as they stand. A registry on this machine stays itself.
import process from "node:process";
import { hostIo } from "../../../cli/host_io.ts";
import { main } from "../../../cli/main.ts";

const registry = process.env.REGISTRY!;

const anywhere = ((input: string | URL | Request, init?: RequestInit) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (url.hostname === "127.0.0.1") return fetch(input, init);
  url.protocol = "http:";
  url.host = registry;
  return fetch(input instanceof Request ? new Request(url, input) : url, init);
}) as typeof fetch;

process.exitCode = await main(process.argv.slice(2), { ...hostIo(), fetch: anywhere });
