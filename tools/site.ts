// Makes the web site of docs in dist/site: the pages of docs, a page of each command from its table, and the API.
//
//   deno task site                needs npm, which installs VitePress by site/package-lock.json

import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, posix } from "node:path";
import process from "node:process";
import { publicNames } from "./public_names.ts";
import { type CommandPage, commandPages, markdownPage } from "./reference.ts";

const top = join(import.meta.dirname!, "..");
const source = join(top, "dist", "site_source");
const output = join(top, "dist", "site");

/** The documents beside docs that are pages too. */
const BESIDE = ["ARCHITECTURE.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"];

/** The pages of docs by the groups of the navigation, those that exist; others stand below "More". */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "Begin": ["install", "cookbook", "command_line"],
  "Guides": [
    ...["inspect", "change", "mirror", "sync", "clean_up", "registry", "build", "credentials", "proxies"],
    ...["browser_and_edge", "github_action", "library"],
  ],
  "Coming from": [
    "coming_from_crane",
    "coming_from_skopeo",
    "coming_from_regctl",
    "coming_from_oras",
    "coming_from_go",
  ],
  "Background": ["security", "differences", "quirks", "runtimes", "performance", "registry_gc", "dependencies"],
};

/** A line of the navigation. */
interface NavigationItem {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly NavigationItem[];
}

/** Writes the sources of the site. */
async function writeSources(): Promise<void> {
  rmSync(source, { recursive: true, force: true });
  for (const folder of ["reference", "project"]) mkdirSync(join(source, folder), { recursive: true });
  // Pages are modules that import vue.
  symlinkSync(join(top, "site", "node_modules"), join(source, "node_modules"), "junction");
  cpSync(join(top, "docs", "images"), join(source, "images"), { recursive: true });
  const pages = readdirSync(join(top, "docs")).filter((name) => name.endsWith(".md"));
  for (const path of ["README.md", ...BESIDE, ...pages.map((name) => `docs/${name}`)]) {
    writeFileSync(join(source, pageName(path)!), pageOf(path));
  }
  const commands = await commandPages();
  for (const page of commands) writeFileSync(join(source, "reference", `${page.name}.md`), markdownPage(page));
  writeFileSync(join(source, "modules.md"), modulesPage());

  const sidebar = navigation(pages, commands);
  writeFileSync(join(source, "site.json"), JSON.stringify({ sidebar, repository: publicNames.repository }));
}

/** Returns the navigation: of the pages of commands, and of all others. */
function navigation(
  files: readonly string[],
  commands: readonly CommandPage[],
): Readonly<Record<string, readonly NavigationItem[]>> {
  const page = (file: string) => ({ text: titleOf(join(source, file)), link: `/${file.slice(0, -".md".length)}` });
  const named = Object.values(GROUPS).flat().map((name) => `${name}.md`);
  const groups = [
    ...Object.entries(GROUPS).map(([text, names]) => ({
      text,
      items: names.map((name) => `${name}.md`).filter((file) => files.includes(file)).map(page),
    })),
    { text: "More", items: files.filter((file) => !named.includes(file)).map(page) },
    { text: "Project", items: BESIDE.map((path) => page(pageName(path)!)) },
    {
      text: "Reference",
      items: [{ text: "Commands", link: "/reference/gcrane" }, { text: "Modules", link: "/modules" }],
    },
  ];
  const references = commands.map(({ words, name }) => ({ text: words, link: `/reference/${name}` }));
  return {
    "/reference/": [{ text: "Commands", items: references }],
    "/": groups.filter(({ items }) => items.length > 0),
  };
}

/** Returns the paths of the modules of the API by their names: `gcrane`, `authn`, `authn/acr`, … */
function apiModules(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(join(top, "deno.json"), "utf8"));
  const modules = Object.entries(exports as Record<string, string>).filter(([name]) => name !== "./cli");
  return new Map(modules.map(([name, path]) => [name.slice("./".length), path]));
}

/** Returns the page of all modules, with the first paragraphs of their comments. */
function modulesPage(): string {
  const rows = [...apiModules()].map(([name, path]) => {
    const comment = /^\/\*\*\n \* ([^]*?)\n \*(?:\n|\/)/.exec(readFileSync(join(top, path), "utf8"))![1];
    const text = comment.replace(/\n \* /g, " ").replace(/\{@linkcode ([^}]*)\}/g, "`$1`");
    const page = name === "" ? "all_symbols.html" : posix.join(name, "index.html");
    const link = `<a href="/api/${page}" target="_self">`;
    const words = posix.join("@gcrane/gcrane", name).replace("gcrane/gcrane/", "$&<wbr>");
    return `| ${link}<code>${words}</code></a> | ${text} |`;
  });
  return `# Modules\n\n[The guide of the library](/library) has examples.\n\n| Import | Content |\n| --- | --- |\n${
    rows.join("\n")
  }\n`;
}

/**
 * What the pages of the API lack: contrast, names that are not broken in the middle, and on a phone a list of symbols
 * that is not beside the text. The symbols of the navigation are the first of all modules, on any page.
 */
const API_STYLE = `
.topSymbols { display: none; }
#content .namespaceItemContent a span { opacity: 1; }
#content :is(.namespaceItemContent a span, .break-all) { word-break: normal; overflow-wrap: anywhere; }
html:not(.dark) .ddoc .documentNavigation a { color: #57534e; opacity: 1; }
html:not(.dark) .ddoc :is(.td-ref, .contextLink, a > code) { color: #1d4ed8; }
html:not(.dark) .ddoc :is(.td-kw, .text-optional) { color: #0e7490; }
html:not(.dark) .ddoc :is(.td-str, .token.string) { color: #3f6600; }
html:not(.dark) .ddoc :is(.token.function, .token.class-name, .td-op) { color: #b0234b; }
html:not(.dark) .ddoc .token.comment { color: #57606a; }
html:not(.dark) .ddoc .text-readonly { color: #5b3fd6; }
html:not(.dark) .ddoc .text-Class { color: #15803d; }
html:not(.dark) .ddoc :is(.text-Interface, .td-tp) { color: #8a5a14; }
@media not all and (width >= 1024px) {
  #content { flex-direction: column; gap: 1rem; }
  .ddoc { padding: 0; }
  .ddoc > div:not(#categoryPanel) { min-width: 0; padding: 0 1rem; }
  .toc { position: static; margin: 0; padding: 0; max-width: none; max-height: none; }
  #topnav, #topnav > div { height: auto; flex-wrap: wrap; gap: 0.5rem; }
  #searchbar { min-width: 0; }
}
`;

/** The pages of the API follow the reader's system, as all pages do; the script of `deno doc` keeps the first theme. */
const API_THEME = `const system = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", system.matches);
system.addEventListener("change", follow);
follow();
`;

/** Makes the API in the site. The first link of its pages leads to all modules, instead of to one of them. */
function makeApi(): void {
  const folder = join(output, "api");
  run(
    Deno.execPath(),
    ["doc", "--quiet", "--html", "--name=gcrane", `--output=${folder}`, ...apiModules().values()],
    top,
  );
  appendFileSync(join(folder, "page.css"), API_STYLE);
  writeFileSync(join(folder, "darkmode_toggle.js"), API_THEME);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".html")) continue;
    const html = readFileSync(join(folder, name), "utf8")
      .replace(/<a href="[^"]*"( class="contextLink">gcrane<\/a>)/, '<a href="/modules.html"$1')
      .replace("<html>", '<html lang="en">')
      // The dots of `Puller.prototype.image` stand one name too early.
      .replace("<ul><li><span>.</span>", "<ul><li>")
      .replace(/(<\/a><\/li><li>)(?=\w)/, "$1<span>.</span>")
      .replaceAll('class="copyButton"', 'class="copyButton" aria-label="Copy"')
      .replace('font-bold">default</a>', 'font-bold">@gcrane/gcrane</a>')
      .replace(/(Usage<\/h3>.*?from &quot;)(.*?)(?=&quot;)/, (_, before: string, module: string) => {
        return before + posix.join("@gcrane/gcrane", module);
      })
      .replace(/@throws \{(.*?)\}/g, "Throws <code>$1</code>");
    writeFileSync(join(folder, name), html);
  }
}

/** Returns a document with its links as the site has them. */
function pageOf(path: string): string {
  const text = readFileSync(join(top, path), "utf8");
  // A block of commands without a prompt is coloured as a script: with one, the other lines are output.
  const coloured = text.replace(/^```console\n([^]*?)^```$/gm, (whole, lines: string) => {
    return /^\$ /m.test(lines) ? whole : `\`\`\`sh\n${lines}\`\`\``;
  });
  return coloured.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, picture: string, label: string, target: string) => {
    if (/^(https?:|#)/.test(target)) return whole;
    const [file, anchor] = target.split("#");
    const linked = posix.join(posix.dirname(path), file);
    if (picture !== "") return `![${label}](./${linked.replace(/^docs\//, "")})`;
    const page = pageName(linked);
    if (page !== undefined) return `[${label}](/${page}${anchor ? `#${anchor}` : ""})`;
    // A file that is no page is in the repository, which may have no public place yet.
    return publicNames.repository === undefined ? label : `[${label}](${publicNames.repository}/blob/main/${linked})`;
  });
}

/** Returns where a document is on the site, if it is a page there. */
function pageName(path: string): string | undefined {
  if (path === "README.md") return "index.md";
  if (BESIDE.includes(path)) return `project/${path.toLowerCase()}`;
  return path.startsWith("docs/") ? path.slice("docs/".length) : undefined;
}

function titleOf(file: string): string {
  return /^# (.*)$/m.exec(readFileSync(file, "utf8"))![1].replaceAll("`", "");
}

/** Runs a program in a folder; throws if it fails. */
function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(" ")} exited ${status}`);
}

/** Returns the links in the pages of the site that lead nowhere. */
function brokenLinks(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  const pages = files.filter((name) => name.endsWith(".html") && !name.startsWith("api/"));
  return pages.flatMap((page) => {
    const html = readFileSync(join(folder, page), "utf8");
    const targets = [...html.matchAll(/ (?:href|src)="([^"#?]+)[^"]*"/g)].map(([, target]) => target);
    return [...new Set(targets)].filter((target) => !/^[a-z]+:/.test(target)).filter((target) => {
      const path = target.startsWith("/") ? target.slice(1) : posix.join(posix.dirname(page), target);
      return ![path, `${path}.html`, posix.join(path, "index.html")].some((name) => existsSync(join(folder, name)));
    }).map((target) => `${page}: ${target}`);
  });
}

/** How a site is made. */
export interface SiteOptions {
  /** Whether it has the API. */
  readonly api: boolean;
}

/** Makes the site, and returns its folder. Throws if a link leads nowhere. */
export async function makeSite({ api }: SiteOptions): Promise<string> {
  const site = join(top, "site");
  const vitepress = join(site, "node_modules", "vitepress", "bin", "vitepress.js");
  if (!existsSync(vitepress)) run("npm", ["ci", "--no-audit", "--no-fund", "--silent"], site);
  await writeSources();
  run("node", [vitepress, "build", "."], site);
  if (api) makeApi();
  const broken = brokenLinks(output).filter((link) => api || !link.includes(": /api/"));
  if (broken.length > 0) throw new Error(`links that lead nowhere:\n${broken.join("\n")}`);
  return output;
}

if (import.meta.main) console.log(await makeSite({ api: true }));
