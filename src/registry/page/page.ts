import { html } from "hono/html";
import { isHash } from "../../spec/mod.ts";
import { type AccessScope, CATALOG, type RegistryAccess, repositoryScope } from "../access/access.ts";
import type { RegistryContext } from "../http/context.ts";
import type { Exchange } from "../http/exchange.ts";
import { manifestPage } from "./manifest_page.ts";
import { type Markup, pageOf, replyPage, replyText, section, shortDigest, sizeText, timeText } from "./parts.ts";
import { STYLE } from "./style.ts";
import { isRepositoryName, isTag } from "../http/route.ts";

/** How many names are on one page. */
const PAGE = 200;

/** What a path below `/browse/` names. */
interface Place {
  readonly name: string;
  /** A tag or a digest. */
  readonly reference?: string;
}

/** Answers with the web page: repositories at `/`, what they hold at `/browse/<name>[:tag|@digest]`. */
export async function answerPage(
  { context, access }: { context: RegistryContext; access: RegistryAccess },
  exchange: Exchange,
): Promise<Response> {
  const { url, request } = exchange;
  exchange.route = "page";
  if (url.pathname === "/browse/style.css") return replyText(STYLE, "text/css; charset=utf-8");
  const place = url.pathname === "/" ? undefined : placeOf(url.pathname);
  if (url.pathname !== "/" && !place) return await nothing();
  const need: AccessScope = place ? repositoryScope(place.name, "pull") : CATALOG;
  const { address } = exchange.context;
  const caller = await access.admit({ request, url, address, needs: [need], interactive: true });
  if (caller instanceof Response) return caller;
  exchange.user = caller.user;
  if (!place) return await repositoriesPage(context, exchange);
  return place.reference === undefined
    ? await repositoryPage(context, exchange, place.name)
    : await referencePage(context, exchange, { name: place.name, reference: place.reference });
}

async function repositoriesPage({ repositories }: RegistryContext, { url, request }: Exchange): Promise<Response> {
  const after = url.searchParams.get("last") ?? undefined;
  const names = await repositories.names({ after, limit: PAGE + 1, signal: request.signal });
  if (names.length === 0) {
    return await replyPage(
      "Repositories",
      html`<p>There ${after ? "are no more" : "is nothing here yet. Push an image:"}</p>
${after ? "" : html`<pre>gcrane copy docker.io/library/alpine ${url.host}/alpine</pre>`}`,
    );
  }
  return await replyPage(
    "Repositories",
    html`<ul class="names">
${
      names.slice(0, PAGE).map((name) =>
        html`
          <li><a href="${pageOf(name)}">${name}</a></li>
        `
      )
    }</ul>
${more("/", names)}`,
  );
}

async function repositoryPage(context: RegistryContext, { url, request }: Exchange, name: string): Promise<Response> {
  const { repositories } = context;
  const { signal } = request;
  const after = url.searchParams.get("last") ?? "";
  const [tags, digests, children] = await Promise.all([
    repositories.tags(name, { signal }),
    repositories.manifestDigests(name, { signal }),
    repositories.children(name, { signal }),
  ]);
  if (digests.length + children.length === 0 && !await repositories.exists(name, { signal })) return await nothing();
  const following = tags.filter(([tag]) => tag > after);
  const shown = following.slice(0, PAGE);
  const tagged = new Set(tags.map(([, digest]) => digest));
  const untagged = after === "" ? digests.filter((digest) => !tagged.has(digest)).slice(0, PAGE) : [];
  const rows = new Map(
    await repositories.readManifests(name, {
      digests: new Set([...shown.map(([, digest]) => digest), ...untagged]),
      signal,
      read: (manifest) => [manifest.digest, manifest] as const,
    }),
  );
  const row = (label: Markup, digest: Parameters<typeof shortDigest>[0] & (typeof digests)[number]) => {
    const manifest = rows.get(digest);
    return manifest
      ? html`
        <tr>
          <td>${label}</td>
          <td><code>${shortDigest(digest)}</code></td>
          <td>${manifest.mediaType}</td>
          <td class="size">${sizeText(manifest.imageSize)}</td>
          <td>${timeText(manifest.uploaded)}</td>
        </tr>
      `
      : "";
  };
  const table = (body: unknown[]) =>
    body.length === 0 ? undefined : html`<table>
<tr><th></th><th>Digest</th><th>Type</th><th class="size">Size</th><th>Pushed</th></tr>
${body}</table>`;
  return await replyPage(
    name,
    html`${
      section(
        "Tags",
        table(shown.map(([tag, digest]) => row(html`<a href="${pageOf(name, { tag })}">${tag}</a>`, digest))),
      )
    }
${more(pageOf(name), following.map(([tag]) => tag))}
${
      section(
        "Without a tag",
        table(
          untagged.map((digest) => row(html`<a href="${pageOf(name, { digest })}">${shortDigest(digest)}</a>`, digest)),
        ),
      )
    }
${
      section(
        "Below it",
        children.length === 0 ? undefined : html`<ul class="names">
${
          children.map((child) =>
            html`
              <li><a href="${pageOf(`${name}/${child}`)}">${name}/${child}</a></li>
            `
          )
        }</ul>`,
      )
    }`,
  );
}

async function referencePage(
  context: RegistryContext,
  { url, request: { signal } }: Exchange,
  { name, reference }: Required<Place>,
): Promise<Response> {
  const { repositories } = context;
  const digest = isHash(reference) ? reference : await repositories.tag(name, reference, { signal });
  const manifest = digest && await repositories.manifest(name, digest, { signal });
  if (!manifest) return await nothing();
  const suffix = isHash(reference) ? `@${reference}` : `:${reference}`;
  const content = await manifestPage(context, { name, suffix, manifest, host: url.host, signal });
  return await replyPage(
    `${name}${isHash(reference) ? `@${shortDigest(reference)}` : suffix}`,
    html`<p><a href="${pageOf(name)}">${name}</a></p>
${content}`,
  );
}

/** The link to what comes after the names on a page, where there is more. */
function more(path: string, names: readonly string[]): Markup {
  return names.length > PAGE
    ? html`<p><a href="${path}?${String(new URLSearchParams({ last: names[PAGE - 1] }))}">More</a></p>`
    : html``;
}

async function nothing(): Promise<Response> {
  return await replyPage("Not found", html`<p>There is nothing here. <a href="/">All repositories</a></p>`, 404);
}

/** Reads `/browse/team/app`, `/browse/team/app:v1` and `/browse/team/app@sha256:…`. */
function placeOf(pathname: string): Place | undefined {
  const path = pathname.slice("/browse/".length).replace(/%3a/gi, ":").replace(/%40/g, "@");
  const at = path.indexOf("@");
  const colon = at < 0 ? path.indexOf(":") : -1;
  const end = at >= 0 ? at : colon;
  const name = end < 0 ? path : path.slice(0, end);
  if (!isRepositoryName(name)) return undefined;
  if (end < 0) return { name };
  const reference = path.slice(end + 1);
  return (at >= 0 ? isHash(reference) : isTag(reference)) ? { name, reference } : undefined;
}
