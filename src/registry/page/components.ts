import { html } from "hono/html";
import { formatBytes } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";

/** Text of a page in which everything that is not markup of ours is escaped. */
export type Markup = ReturnType<typeof html>;

/** A cell of a table, or the value of a fact: markup of ours, or a text to be escaped. */
export type Content = Markup | string;

/** The most rows, facts or names of one kind that a page has. */
export const MOST_ROWS = 500;

/** A whole page. */
export function page(title: string, content: Content): Markup {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>${title}</title>
        <link rel="stylesheet" href="/browse/style.css">
      </head>
      <body>
        <header>
          <p><a href="/">Registry</a></p>
        </header>
        <main>
    <h1>${title}</h1>
    ${content}
        </main>
      </body>
    </html>
  `;
}

/** A heading with what is below it; nothing where there is nothing. */
export function section(title: string, ...content: (Content | undefined)[]): Content {
  if (content.every((part) => part === undefined)) return "";
  return html`<h2>${title}</h2>\n${content}\n`;
}

/** A table; each cell has the class of its column, which is its name in lower case. */
export function table(columns: readonly string[], rows: readonly (readonly Content[])[]): Markup | undefined {
  if (rows.length === 0) return undefined;
  const classes = columns.map((column) => column.toLowerCase());
  const head = columns.map((column, at) => html`<th class="${classes[at]}">${column}</th>`);
  const body = rows.slice(0, MOST_ROWS).map((cells) =>
    html`<tr>${cells.map((cell, at) => html`<td class="${classes[at]}">${cell}</td>`)}</tr>\n`
  );
  return html`<table>\n<tr>${head}</tr>\n${body}</table>`;
}

/** Names with their values, as text or as JSON; those without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: unknown])[]): Markup | undefined {
  const shown = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (shown.length === 0) return undefined;
  return html`<dl>\n${
    shown.slice(0, MOST_ROWS).map(([name, value]) => html`<dt>${name}</dt><dd>${text(value)}</dd>\n`)
  }</dl>`;
}

/** The members of an object as facts; nothing for anything else. */
export function factsOf(value: unknown): Markup | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? facts(Object.entries(value))
    : undefined;
}

/** A list of names, each a link to the page of the repository. */
export function repositoryList(names: readonly string[]): Markup | undefined {
  if (names.length === 0) return undefined;
  return html`<ul class="names">\n${names.map((name) => html`<li>${link(pageOf(name), name)}</li>\n`)}</ul>`;
}

/** A command to be copied. */
export function command(line: string): Markup {
  return html`<pre>${line}</pre>`;
}

/** A link. */
export function link(path: string, content: Content): Markup {
  return html`<a href="${path}">${content}</a>`;
}

/** The first digits of a digest, which are enough for people, as code. */
export function digestText(digest: string): Markup {
  return html`<code>${shortDigest(digest)}</code>`;
}

/** A link to the page of a manifest. */
export function manifestLink(name: string, digest: Hash): Markup {
  return link(pageOf(name, `@${digest}`), digestText(digest));
}

/** The first digits of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}

/** The address of the page of a repository, or of a manifest in it: `:v1` or `@sha256:…`. */
export function pageOf(name: string, suffix = ""): string {
  return `/browse/${name}${suffix}`;
}

/** A value that a manifest may have in any form, as text or as JSON. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** A number of bytes; what a manifest has in its place may be anything. */
export function sizeText(size: unknown): string {
  return typeof size === "number" ? formatBytes(size) : "";
}

/** A time in milliseconds since 1970, for people; nothing for 0, which stands for unknown. */
export function timeText(time: number): string {
  return time > 0 ? `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
}
