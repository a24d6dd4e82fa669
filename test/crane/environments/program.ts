// Calls each function of the crane room in every environment: bundled for the web, it is a module of a page or a
// Worker, and programs of Deno, Bun and Node.js import it.

import { createRegistry } from "../../../src/registry/mod.ts";
import { type Outcomes, outcomesOf } from "../../make/outcomes.ts";
import { verbs } from "./verbs.ts";

/** Calls each verb on a registry at a host and port, or on one in memory. */
export async function outcomes(host?: string | null): Promise<Outcomes> {
  const registry = host ?? "registry.example.com";
  const options = host ? {} : { fetch: createRegistry().fetch };
  const works = Object.entries(verbs).map(([name, verb], position) => {
    const repository = `${registry}/verb-${position}`;
    return [name, () => verb({ registry, repository, options })] as const;
  });
  return await outcomesOf(Object.fromEntries(works));
}

/** The Worker: its query may name the registry's host. */
const worker: { fetch(request: Request): Promise<Response> } = {
  async fetch(request) {
    return Response.json(await outcomes(new URL(request.url).searchParams.get("registry")));
  },
};
export default worker;
