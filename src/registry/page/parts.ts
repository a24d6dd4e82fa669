import { html } from "hono/html";
import { formatBytes } from "../../io/mod.ts";
import type { Descriptor, Hash } from "../../spec/mod.ts";
import { replyBytes } from "../http/reply.ts";

/** Text of a page in which everything that is not markup of ours is escaped. */
export type Markup = ReturnType<typeof html>;

/** What browsers may do with a page: load its style, and nothing else. */
const HEADERS: Record<string, string> = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/** Answers with a page. */
export async function replyPage(title: string, content: Markup, status = 200): Promise<Response> {
  const page = await html`
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
  return replyText(String(page), "text/html; charset=utf-8", status);
}

/** Answers with a file of the page. */
export function replyText(text: string, type: string, status = 200): Response {
  const bytes = new TextEncoder().encode(text);
  return replyBytes(bytes, { status, type, size: bytes.length, headers: HEADERS });
}

/** The address of the page of a repository, or of a manifest in it. */
export function pageOf(name: string, reference?: { tag?: string; digest?: Hash }): string {
  const path = `/browse/${name.split("/").map(encodeURIComponent).join("/")}`;
  if (reference?.digest) return `${path}@${reference.digest}`;
  return reference?.tag ? `${path}:${encodeURIComponent(reference.tag)}` : path;
}

/** The first digits of a digest, which are enough for people. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}

/** A number of bytes; what a manifest says of one may be anything. */
export function sizeText(size: unknown): string {
  return typeof size === "number" ? formatBytes(size) : "";
}

/** A time in milliseconds since 1970, for people; nothing for 0, which stands for unknown. */
export function timeText(time: number): string {
  return time > 0 ? `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
}

/** A command to be copied. */
export function commandText(command: string): Markup {
  return html`<pre>${command}</pre>`;
}

/** A heading with what is below it; nothing where there is nothing. */
export function section(title: string, content: Markup | undefined): Markup {
  return content === undefined ? html`` : html`
    <h2>${title}</h2>
    ${content}
  `;
}

/** Names with their values; those without are left out. */
export function facts(entries: readonly (readonly [name: string, value: unknown])[]): Markup | undefined {
  const shown = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (shown.length === 0) return undefined;
  return html`<dl>
${
    shown.map(([name, value]) =>
      html`
        <dt>${name}</dt>
        <dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd>
      `
    )
  }</dl>`;
}

/** The members of an object as facts; nothing for anything else. */
export function factsOf(value: unknown): Markup | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? facts(Object.entries(value).slice(0, 500))
    : undefined;
}

/** A table of blobs. */
export function descriptorTable(descriptors: readonly Descriptor[]): Markup {
  return html`<table>
<tr><th>Digest</th><th>Type</th><th class="size">Size</th></tr>
${
    descriptors.map(({ digest, mediaType, size }) =>
      html`
        <tr>
          <td><code>${shortDigest(digest)}</code></td>
          <td>${mediaType}</td>
          <td class="size">${sizeText(size)}</td>
        </tr>
      `
    )
  }</table>`;
}
