/** A line of a tree, with the lines below it. */
export interface Branch {
  /** The text of the line. */
  readonly text: string;
  /** The lines below it, in order. */
  readonly branches: readonly Branch[];
}

/** Yields the lines of a tree, with guides in front as `tree` draws them. */
export function* treeLines({ text, branches }: Branch, guides = { first: "", rest: "" }): Generator<string> {
  yield guides.first + text;
  for (const [i, branch] of branches.entries()) {
    const last = i === branches.length - 1;
    yield* treeLines(branch, {
      first: guides.rest + (last ? "└── " : "├── "),
      rest: guides.rest + (last ? "    " : "│   "),
    });
  }
}
