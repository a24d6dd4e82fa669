/** A piece of example code. */
export interface Example {
  /** Where it stands: `path:line`. */
  place: string;
  code: string;
}

const FENCE = /^( *)```ts\b[^\n]*\n([\s\S]*?)^ *```\s*$/gm;

/** The ```ts fences of a Markdown text. */
export function markdownExamples(path: string, text: string, firstLine = 1): Example[] {
  return [...text.matchAll(FENCE)].map((match) => ({
    place: `${path}:${firstLine + lineBreaks(text.slice(0, match.index))}`,
    code: match[2],
  }));
}

/** The ```ts fences of the doc comments of a TypeScript source. */
export function docExamples(path: string, source: string): Example[] {
  return [...source.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)].flatMap((comment) => {
    const text = comment[0].replace(/^[ \t]*\/?\*+\/? ?/gm, "");
    return markdownExamples(path, text, 1 + lineBreaks(source.slice(0, comment.index)));
  });
}

/** The doc comment that describes the module as a whole: the one with `@module`. */
export function moduleDoc(source: string): string | undefined {
  return [...source.matchAll(/^\/\*\*[\s\S]*?\*\//gm)].map(([comment]) => comment).find((it) => /@module\b/.test(it));
}

function lineBreaks(text: string): number {
  return text.split("\n").length - 1;
}
