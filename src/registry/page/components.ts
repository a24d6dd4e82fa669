import { html } from "hono/html";
import { formatBytes } from "../../io/mod.ts";
import type { Hash } from "../../spec/mod.ts";

/** Markup of the page, in which every inserted text is escaped. */
export type Markup = ReturnType<typeof html>;

/** A part of the page: markup, or a text to escape. */
export type Content = Markup | string;

/** The most rows of a table and facts of a list. */
export const MOST_ROWS = 500;

/** Makes a whole page. */
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

/** Makes a heading with content below it; nothing if all content is missing. */
export function section(title: string, ...content: (Content | undefined)[]): Content {
  if (content.every((part) => part === undefined)) return "";
  return html`<h2>${title}</h2>\n${content}\n`;
}

/** Makes a table, or nothing without rows; the class of each cell is the name of its column in lower case. */
export function table(columns: readonly string[], rows: readonly (readonly Content[])[]): Markup | undefined {
  if (rows.length === 0) return undefined;
  const classes = columns.map((column) => column.toLowerCase());
  const head = columns.map((column, at) => html`<th class="${classes[at]}">${column}</th>`);
  const body = rows.slice(0, MOST_ROWS).map((cells) =>
    html`<tr>${cells.map((cell, at) => html`<td class="${classes[at]}">${cell}</td>`)}</tr>\n`
  );
  return html`<table>\n<tr>${head}</tr>\n${body}</table>`;
}

/** Makes a list of names with values, as text or as JSON; names without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: unknown])[]): Markup | undefined {
  const shown = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (shown.length === 0) return undefined;
  return html`<dl>\n${
    shown.slice(0, MOST_ROWS).map(([name, value]) => html`<dt>${name}</dt><dd>${text(value)}</dd>\n`)
  }</dl>`;
}

/** Makes a list of the members of an object; nothing for any other value. */
export function factsOf(value: unknown): Markup | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? facts(Object.entries(value))
    : undefined;
}

/** Makes a list of links to repositories. */
export function repositoryList(names: readonly string[]): Markup | undefined {
  if (names.length === 0) return undefined;
  return html`<ul class="names">\n${names.map((name) => html`<li>${link(pageOf(name), name)}</li>\n`)}</ul>`;
}

/** Makes a command line to copy. */
export function command(line: string): Markup {
  return html`<pre>${line}</pre>`;
}

/** Makes a link. */
export function link(path: string, content: Content): Markup {
  return html`<a href="${path}">${content}</a>`;
}

/** Makes the short form of a digest, as code. */
export function digestText(digest: string): Markup {
  return html`<code>${shortDigest(digest)}</code>`;
}

/** Makes a link to the page of a manifest. */
export function manifestLink(name: string, digest: Hash): Markup {
  return link(pageOf(name, `@${digest}`), digestText(digest));
}

/** Shortens a digest to its first digits. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}

/** Returns the path of the page of a repository, or of a manifest in it with the suffix `:v1` or `@sha256:…`. */
export function pageOf(name: string, suffix = ""): string {
  return `/browse/${name}${suffix}`;
}

/** Formats a value of any type as text or as JSON. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** Formats a number of bytes; nothing for a value of another type. */
export function sizeText(size: unknown): string {
  return typeof size === "number" ? formatBytes(size) : "";
}

/** Formats a time in milliseconds since 1970; nothing for 0, which means unknown. */
export function timeText(time: number): string {
  return time > 0 ? `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
}
