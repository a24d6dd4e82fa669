import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { serveFetch } from "../../src/runtime/mod.ts";
import { within } from "../make/waiting.ts";
import { chromium } from "./chromium.ts";

/** The longest that a page may take, in milliseconds. */
const LIMIT_MS = 100_000;

/** How the work of a page ended. */
export interface PageResult<T> {
  /** The value. */
  readonly value: T;
  /** The names of the modules that the page loaded. */
  readonly loaded: readonly string[];
}

/**
 * Runs an expression in a page of Chromium, and returns its value.
 *
 * @param folder the folder of the modules that the expression imports, as `/name.js`
 */
export async function inPage<T>(folder: string, expression: string): Promise<PageResult<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const loaded: string[] = [];
  const page = `<!doctype html><script type="module">
    const send = (path, value) => fetch(path, { method: "POST", body: JSON.stringify({ value }) });
    addEventListener("error", ({ message }) => send("/failure", message));
    addEventListener("unhandledrejection", ({ reason }) => send("/failure", String(reason)));
    await send("/value", await (${expression}));
  </script>`;
  const server = await serveFetch(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(page, { headers: { "Content-Type": "text/html" } });
    if (pathname === "/value") {
      resolve((await request.json()).value);
      return new Response();
    }
    if (pathname === "/failure") {
      reject(new Error(`the page failed: ${(await request.json()).value}`));
      return new Response();
    }
    const [, name] = /^\/([\w.-]+\.m?js)$/.exec(pathname) ?? [];
    if (name === undefined) return new Response(null, { status: 404 });
    loaded.push(name);
    return new Response(await readFile(join(folder, name), "utf8"), { headers: { "Content-Type": "text/javascript" } });
  });
  const browser = await chromium(`${server.url}/`);
  try {
    const what = "the result of a page";
    return { value: await within(Promise.race([promise, browser.ended]), { what, limit: LIMIT_MS }), loaded };
  } finally {
    await browser.stop();
    await server.close();
  }
}
