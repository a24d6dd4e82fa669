import { assertEquals } from "@std/assert";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { describe } from "node:test";
import { serveFetch } from "../../src/runtime/mod.ts";
import { makeSite } from "../../tools/site.ts";
import { within } from "../make/waiting.ts";
import { chromium, pathOf, peerIt } from "../peers/mod.ts";
import { top } from "../project/tree.ts";

/** Pages of each kind: text and code, a picture, wide tables, a command with many flags. */
const PAGES = ["index", "clean_up", "modules", "performance", "proxies", "runtimes", "reference/gcrane-copy"];
const WIDTHS = [360, 1200];
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** What a page shows of itself: rules of axe that it breaks, how much wider it is than the window, its cut tables. */
interface Seen {
  page: string;
  width: number;
  faults: string[];
  overflow: number;
  cutTables: number;
  dark: boolean;
}

/** The page that looks at all others: each in a frame of a width, with axe in it. */
const LOOK = `<!doctype html><title>look</title><script type="module">
  const send = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });
  const look = async (page) => {
    const frame = document.createElement("iframe");
    frame.src = "/" + page + ".html";
    const loaded = new Promise((resolve) => frame.onload = resolve);
    document.body.replaceChildren(frame);
    await loaded;
    const { contentDocument: document_, contentWindow: window_ } = frame;
    const script = document_.createElement("script");
    script.src = "/axe.js";
    const ready = new Promise((resolve) => script.onload = resolve);
    document_.head.append(script);
    await ready;
    for (const width of WIDTHS) {
      frame.style = "border: 0; height: 900px; width: " + width + "px";
      const { violations } = await window_.axe.run(document_, { resultTypes: ["violations"] });
      seen.push({
        page, width,
        faults: violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ")),
        overflow: Math.max(0, document_.documentElement.scrollWidth - width),
        cutTables: [...document_.querySelectorAll("table")].filter((one) => one.scrollWidth > one.clientWidth).length,
        dark: window_.matchMedia("(prefers-color-scheme: dark)").matches,
      });
    }
  };
  const seen = [];
  try {
    for (const page of PAGES) await look(page);
    await send("/seen", { seen });
  } catch (error) {
    await send("/seen", { failure: String(error) });
  }
</script>`;

/** Opens all pages in Chromium, in light or dark colours. */
async function look(folder: string, colours: "light" | "dark"): Promise<Seen[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Seen[]>();
  const html = LOOK.replace("PAGES", JSON.stringify(PAGES)).replace("WIDTHS", JSON.stringify(WIDTHS));
  const server = await serveFetch(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/look") return new Response(html, { headers: { "Content-Type": TYPES[".html"] } });
    if (pathname === "/seen") {
      const { seen, failure } = await request.json();
      if (seen) resolve(seen);
      else reject(new Error(failure));
      return new Response();
    }
    const path = pathname === "/axe.js"
      ? join(pathOf("site packages"), "node_modules/axe-core/axe.min.js")
      : join(folder, decodeURIComponent(pathname));
    const body = await readFile(path).catch(() => undefined);
    if (body === undefined) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(body), {
      headers: { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" },
    });
  });
  const browser = await chromium(`${server.url}/look`, [
    "--window-size=1300,1000",
    `--blink-settings=preferredColorScheme=${colours === "dark" ? 0 : 1}`,
  ]);
  try {
    return await within(Promise.race([promise, browser.ended]), { what: "a look at all pages", limit: 300_000 });
  } finally {
    await browser.stop();
    await server.close();
  }
}

describe("the site of docs", { skip: "Deno" in globalThis ? false : "Deno makes it" }, () => {
  peerIt("has no broken link, and axe finds no fault on phones and desktops, light and dark", [
    "chromium",
    "node 24",
    "npm",
    "site packages",
  ], async () => {
    const folder = await makeSite({ api: false });
    const pages = readdirSync(`${top}docs`).filter((name) => name.endsWith(".md"));
    const made = readdirSync(folder);
    assertEquals(pages.filter((name) => !made.includes(name.replace(/md$/, "html"))), []);
    for (const colours of ["light", "dark"] as const) {
      const seen = await look(folder, colours);
      assertEquals(seen.length, PAGES.length * WIDTHS.length);
      assertEquals(seen.filter(({ dark }) => dark !== (colours === "dark")), []);
      assertEquals(seen.filter(({ faults, overflow }) => faults.length > 0 || overflow > 0), []);
      assertEquals(seen.filter(({ width, cutTables }) => width === 1200 && cutTables > 0), []);
    }
  }, { timeout: 900_000 });
});
