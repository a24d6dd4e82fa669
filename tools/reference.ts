// The pages of all commands, from the table of the command line: for the site in Markdown, and for man.
//
//   deno task man       writes dist/man/gcrane.1, dist/man/gcrane-copy.1, …

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry, Example } from "../cli/command.ts";
import { flagRows, usageLine } from "../cli/help.ts";
import { argumentName } from "../cli/parse_words.ts";
import { isCommandEntry } from "../cli/resolve.ts";
import { gcrane } from "../cli/table.ts";
import { VERSION } from "../src/version.ts";

/** The page of gcrane, of a group of commands, or of a command. */
export interface CommandPage {
  /** Its name as a file, for example `gcrane-auth-login`. */
  readonly name: string;
  /** The words that are typed, for example `gcrane auth login`. */
  readonly words: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly usage: string;
  readonly aliases: readonly string[];
  readonly paragraphs: readonly string[];
  /** Titles with rows of what is typed and what it means. */
  readonly sections: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[];
  readonly examples: readonly Example[];
}

/** Returns the pages of the program, and of all its groups and commands. */
export async function commandPages(): Promise<CommandPage[]> {
  const program: CommandPage = {
    ...pageOf(["gcrane"], gcrane.summary),
    usage: "gcrane [flags] COMMAND",
    sections: [
      { title: "Commands", rows: entryRows(["gcrane"], gcrane.entries) },
      { title: "Global flags", rows: flagRows(gcrane.flags) },
    ],
    examples: gcrane.examples,
  };
  return [program, ...await pagesBelow(["gcrane"], gcrane.entries)];
}

async function pagesBelow(path: readonly string[], entries: readonly Entry[]): Promise<CommandPage[]> {
  const pages: CommandPage[] = [];
  for (const entry of entries) {
    const words = [...path, entry.name];
    const below = isCommandEntry(entry) ? entry.below ?? [] : entry.entries;
    const commands = { title: "Commands", rows: entryRows(words, below) };
    if (isCommandEntry(entry)) {
      const { command } = await entry.load();
      const args = Object.entries(command.args).map(([key, argument]) =>
        [argumentName(key, argument), argument.help] as const
      );
      const sections = [commands, { title: "Arguments", rows: args }, {
        title: "Flags",
        rows: flagRows(command.flags),
      }];
      pages.push({
        ...pageOf(words, entry.summary),
        usage: usageLine(words, command),
        aliases: entry.aliases ?? [],
        paragraphs: (command.description ?? "").split(/\n\s*\n/).map((text) => text.replace(/\s+/g, " ").trim())
          .filter((text) => text !== ""),
        sections: sections.filter(({ rows }) => rows.length > 0),
        examples: command.examples,
      });
    } else {
      pages.push({
        ...pageOf(words, entry.summary),
        usage: `${words.join(" ")} [flags] COMMAND`,
        sections: [commands],
      });
    }
    pages.push(...await pagesBelow(words, below));
  }
  return pages;
}

function pageOf(words: readonly string[], summary: string): CommandPage {
  const name = words.join("-");
  return { name, words: words.join(" "), summary, usage: "", aliases: [], paragraphs: [], sections: [], examples: [] };
}

function entryRows(path: readonly string[], entries: readonly Entry[]): [string, string][] {
  return entries.map(({ name, summary }) => [[...path, name].join(" "), summary]);
}

/** What is typed, in an escaped text: JSON, quoted commands and signs, addresses, variables and flags. */
const TYPED = new RegExp(
  [
    /&#123;".*&#125;/,
    /"((?:gcrane|docker|podman|skopeo) [^"]+|[^\s"]*[^\w\s"][^\s"]*)"/,
    /https?:\/\/[^\s;)]+/,
    /\$?\b[A-Z]+(?:&#95;[A-Z0-9]+)+/,
    /(?<![\w-])--?[a-z][a-z0-9-]*(?:=\w+)?/,
  ].map(({ source }) => source).join("|"),
  "g",
);

/** Returns a page as Markdown. */
export function markdownPage(page: CommandPage): string {
  const text = (line: string) =>
    line.replaceAll(/[\\`*_{}[\]<>|]/g, (character) => `&#${character.charCodeAt(0)};`)
      .replaceAll(TYPED, (found, command?: string) => {
        if (found.startsWith("-")) return `<code class="whole">${found}</code>`;
        return `<code>${(command ?? found).replaceAll("&#95;", "$&<wbr>").replaceAll(":", "&#58;")}</code>`;
      });
  const typed = (row: string) => {
    const escaped = row.trim().replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("|", "&#124;");
    const words = escaped.replaceAll(/(?<!\S)\S{1,24}(?!\S)/g, '<span class="whole">$&</span>');
    const code = `<code v-pre class="typed">${words}</code>`;
    return row.startsWith("gcrane ") ? `[${code}](./${row.replaceAll(" ", "-")}.md)` : code;
  };
  const table = ({ title, rows }: CommandPage["sections"][number]) =>
    [
      `| ${title.replace(/s$/, "")} | Meaning |`,
      "| --- | --- |",
      ...rows.map(([left, right]) => `| ${typed(left)} | ${text(right)} |`),
    ].join("\n");
  return [
    `# ${page.words}`,
    `${text(page.summary)}.`,
    `\`\`\`sh\n${page.usage}\n\`\`\``,
    ...page.aliases.length > 0 ? [`Alias: ${page.aliases.map((alias) => `\`${alias}\``).join(", ")}`] : [],
    ...page.paragraphs.map(text),
    ...page.sections.map((section) => `## ${section.title}\n\n${table(section)}`),
    ...page.words === "gcrane" ? [] : ["[Global flags](./gcrane.md#global-flags) work with every command."],
    ...page.examples.length > 0 ? ["## Examples"] : [],
    ...page.examples.map((example) => `${text(example.text)}:\n\n\`\`\`sh\n${example.command}\n\`\`\``),
  ].join("\n\n") + "\n";
}

/** Returns a page for man. */
export function manPage(page: CommandPage): string {
  const text = (line: string) => line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&");
  const rows = (all: CommandPage["sections"][number]["rows"]) =>
    all.map(([left, right]) => `.TP\n\\fB${text(left.trim())}\\fR\n${text(right)}`).join("\n");
  return [
    `.TH ${page.name.toUpperCase().replaceAll("-", "\\-")} 1 "" "gcrane ${VERSION}" "gcrane"`,
    `.SH NAME\n${text(page.name)} \\- ${text(page.summary)}`,
    `.SH SYNOPSIS\n\\fB${text(page.usage)}\\fR`,
    ...page.paragraphs.length > 0 ? [`.SH DESCRIPTION\n${page.paragraphs.map(text).join("\n.PP\n")}`] : [],
    ...page.sections.map(({ title, rows: all }) => `.SH ${title.toUpperCase()}\n${rows(all)}`),
    ...page.examples.length > 0 ? [".SH EXAMPLES"] : [],
    ...page.examples.map((example) => `.PP\n${text(example.text)}:\n.PP\n.nf\n.RS\n${text(example.command)}\n.RE\n.fi`),
    ...page.words === "gcrane" ? [] : [".SH SEE ALSO\n\\fBgcrane\\fR(1), with the global flags"],
  ].join("\n") + "\n";
}

/** Writes the man pages into a new folder, and returns their number. */
export async function writeManPages(folder: string): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pages = await commandPages();
  for (const page of pages) writeFileSync(join(folder, `${page.name}.1`), manPage(page));
  return pages.length;
}

if (import.meta.main) {
  const folder = join(import.meta.dirname!, "..", "dist", "man");
  console.log(`${await writeManPages(folder)} man pages in ${folder}`);
}
