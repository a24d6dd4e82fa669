import { assertEquals } from "@std/assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, serveRegistry } from "../../../src/registry/mod.ts";
import { serveFetch } from "../../../src/runtime/mod.ts";
import { bundleForWeb, chromium, describePeer, type Peer, runPeer, workerd } from "../../peers/mod.ts";
import type { Outcomes } from "./program.ts";
import { verbs } from "./verbs.ts";

/** How long all verbs together may take in one environment, in milliseconds: the limit of a verb, and a slow start. */
const LIMIT = 100_000;

/** One test for each verb, of what a run of the bundled program gave. */
function eachVerb(run: (folder: string) => Promise<Outcomes>): void {
  let folder: string | undefined;
  let found: Outcomes;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gcrane_environment_"));
    await bundleForWeb("test/crane/environments/program.ts", { file: join(folder, "program.mjs") });
    found = await run(folder);
  }, { timeout: LIMIT + 10_000 });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });
  for (const verb of Object.keys(verbs)) it(verb, () => assertEquals(found[verb], "done"));
}

/** Runs the program in a page of Chromium. */
async function inPage(folder: string, registry?: string): Promise<Outcomes> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcomes>();
  const program = await readFile(join(folder, "program.mjs"), "utf8");
  const page = `<!doctype html><script type="module">
    const send = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });
    addEventListener("error", ({ message }) => send("/failure", message));
    addEventListener("unhandledrejection", ({ reason }) => send("/failure", String(reason)));
    const { outcomes } = await import("/program.mjs");
    await send("/outcomes", await outcomes(${JSON.stringify(registry)}));
  </script>`;
  const server = await serveFetch(async (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return new Response(page, { headers: { "Content-Type": "text/html" } });
      case "/program.mjs":
        return new Response(program, { headers: { "Content-Type": "text/javascript" } });
      case "/outcomes":
        resolve(await request.json());
        return new Response();
      case "/failure":
        reject(new Error(`the page failed: ${await request.json()}`));
        return new Response();
      default:
        return new Response(null, { status: 404 });
    }
  });
  const limit = setTimeout(() => reject(new Error(`the page gave nothing within ${LIMIT} ms`)), LIMIT);
  const browser = await chromium(`${server.url}/`);
  try {
    return await Promise.race([promise, browser.ended]);
  } finally {
    clearTimeout(limit);
    await browser.stop();
    await server.close();
  }
}

/** Works with a registry that lets pages of other origins in, as a proxy in front of one can. */
async function withCorsRegistry<Value>(work: (host: string) => Promise<Value>): Promise<Value> {
  const registry = createRegistry();
  const server = await serveFetch(async (request) => {
    const answer = request.method === "OPTIONS" ? new Response(null, { status: 204 }) : await registry.fetch(request);
    const headers = new Headers(answer.headers);
    headers.set("Access-Control-Allow-Origin", "*");
    headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    headers.set("Access-Control-Allow-Headers", request.headers.get("Access-Control-Request-Headers") ?? "*");
    headers.set("Access-Control-Expose-Headers", "*");
    return new Response(answer.body, { status: answer.status, headers });
  });
  try {
    return await work(`${server.hostname}:${server.port}`);
  } finally {
    await server.close();
  }
}

async function withRegistry<Value>(work: (host: string) => Promise<Value>): Promise<Value> {
  const registry = await serveRegistry();
  try {
    return await work(`${registry.hostname}:${registry.port}`);
  } finally {
    await registry.shutdown({ patience: 0 });
  }
}

/** Runs the program in workerd, which asks a registry in the Worker itself, or one over HTTP. */
async function inWorker(folder: string, flags: readonly string[], registry?: string): Promise<Outcomes> {
  const worker = await workerd(join(folder, "program.mjs"), { r2: join(folder, "r2"), flags });
  try {
    const query = registry ? `?registry=${registry}` : "";
    const answer = await fetch(`${worker.url}/${query}`, { signal: AbortSignal.timeout(LIMIT) });
    if (!answer.ok) throw new Error(`workerd answered ${answer.status}: ${await answer.text()} ${worker.said()}`);
    return await answer.json();
  } finally {
    await worker.stop();
  }
}

/** Runs the program in a process that asks a registry over HTTP. */
async function inProcess(folder: string, peer: Peer, args: readonly string[], registry: string): Promise<Outcomes> {
  const main = join(folder, "main.mjs");
  const code = `import { outcomes } from "./program.mjs";
    console.log(JSON.stringify(await outcomes(${JSON.stringify(registry)})));`;
  await writeFile(main, code);
  return JSON.parse(await runPeer(peer, [...args, main]));
}

describePeer("verbs in Chromium", ["chromium"], () => {
  describe("on a registry in the page", () => eachVerb((folder) => inPage(folder)));
  describe("on a registry of another origin", () => {
    eachVerb((folder) => withCorsRegistry((host) => inPage(folder, host)));
  });
});

describePeer("verbs in workerd", ["miniflare"], () => {
  for (const flags of [["nodejs_compat"], []]) {
    const title = flags.length > 0 ? `with ${flags.join()}` : "without flags";
    describe(`${title}, on a registry in the Worker`, () => eachVerb((folder) => inWorker(folder, flags)));
    describe(`${title}, on a registry over HTTP`, () => {
      eachVerb((folder) => withRegistry((host) => inWorker(folder, flags, host)));
    });
  }
});

const processes: readonly { title: string; peer: Peer; args: readonly string[] }[] = [
  { title: "Deno with --allow-net alone", peer: "deno", args: ["run", "--no-prompt", "--allow-net"] },
  { title: "Bun", peer: "bun", args: [] },
  { title: "Node.js", peer: "node 22.18", args: [] },
];
for (const { title, peer, args } of processes) {
  describePeer(`verbs on ${title}`, [peer], () => {
    eachVerb((folder) => withRegistry((host) => inProcess(folder, peer, args, host)));
  });
}
