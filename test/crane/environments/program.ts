// Calls each function of the crane room in every environment: bundled for the web, it is a module of a page or a
// Worker, and programs of Deno, Bun and Node.js import it.

import { createRegistry } from "../../../src/registry/mod.ts";
import { verbs } from "./verbs.ts";

/** How each verb ended, by its name: `done`, or its error. */
export type Outcomes = Readonly<Record<string, string>>;

/** How long a verb may take, in milliseconds, so that one that hangs is named. */
const LIMIT = 60_000;

/** Calls each verb on a registry at a host and port, or on one in memory. */
export async function outcomes(host?: string | null): Promise<Outcomes> {
  const registry = host ?? "registry.example.com";
  const options = host ? {} : { fetch: createRegistry().fetch };
  const ended = Object.entries(verbs).map(async ([name, verb], position) => {
    const repository = `${registry}/verb-${position}`;
    return [name, await ending(verb({ registry, repository, options }))] as const;
  });
  return Object.fromEntries(await Promise.all(ended));
}

/** Returns the outcome of work as text. */
async function ending(work: Promise<void>): Promise<string> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`did not end within ${LIMIT} ms`)), LIMIT);
  try {
    await Promise.race([work, late]);
    return "done";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The Worker: its query may name the registry's host. */
const worker: { fetch(request: Request): Promise<Response> } = {
  async fetch(request) {
    return Response.json(await outcomes(new URL(request.url).searchParams.get("registry")));
  },
};
export default worker;
