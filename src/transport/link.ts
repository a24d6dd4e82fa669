import { ProtocolError } from "../errors.ts";
import { redactUrl } from "../http/mod.ts";
import { Scanner } from "./scanner.ts";
import type { Answer } from "./send.ts";

/** One link of a `Link` header. */
interface Link {
  readonly target: string;
  /** The relation types in lower case; `undefined` when the link has no `rel`. */
  readonly relations: readonly string[] | undefined;
}

const SEPARATORS = /[ \t,]*/y;
const TARGET = /<([^<>]*)>/y;
const PARAMETER =
  /(?:[ \t]*;|(?=[ \t]+rel[ \t]*=))[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t";,<>]*)))?)?/y;
const END = /[ \t]*(?=,|$)/y;
/** A registered relation type, or a URI (RFC 8288, section 2.1). */
const RELATION = /^[a-z](?:[a-z0-9.-]*|[a-z0-9+.-]*:\S+)$/;

/**
 * Returns the target of the first `next` link of a response (RFC 8288, section 3), or `undefined` at the end of the
 * list. A link without a `rel` counts too, since some registries send it.
 *
 * @throws {ProtocolError} if the `Link` header can't be read: the list may be incomplete.
 */
export function nextLink({ response, url }: Answer): URL | undefined {
  const links = parseLinks(response.headers.get("link") ?? "");
  // The message omits the header: its URLs may be signed.
  const what = `GET ${redactUrl(url)}: the Link header`;
  if (!links) throw new ProtocolError(`${what} can't be read, so the list may be longer`);
  const next = links.find(({ relations }) => relations?.includes("next") ?? true);
  if (next === undefined) return undefined;
  if (!URL.canParse(next.target, url)) throw new ProtocolError(`${what} names no URL`);
  return new URL(next.target, url);
}

/** Reads the links of a header, which may be several headers joined; `undefined` if it is not valid. */
function parseLinks(text: string): Link[] | undefined {
  const links: Link[] = [];
  const header = new Scanner(text);
  for (;;) {
    header.take(SEPARATORS);
    if (header.isAtEnd) return links;
    const target = header.take(TARGET);
    if (!target) return undefined;
    let relations: string[] | undefined;
    for (let parameter = header.take(PARAMETER); parameter; parameter = header.take(PARAMETER)) {
      const [, name, quoted, bare = ""] = parameter;
      // The first "rel" of a link is used.
      if (name?.toLowerCase() !== "rel" || relations) continue;
      relations = (quoted?.replace(/\\(.)/g, "$1") ?? bare.replace(/^'(.*)'$/, "$1")).trim().toLowerCase().split(
        /[ \t]+/,
      );
      if (!relations.every((relation) => RELATION.test(relation))) return undefined;
    }
    if (!header.take(END)) return undefined;
    links.push({ target: target[1], relations });
  }
}
