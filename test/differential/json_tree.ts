// JSON as it was written: the text of each scalar and the order of the fields, to find where two documents differ.

export type Json =
  | { readonly kind: "object"; readonly fields: readonly (readonly [string, Json])[] }
  | { readonly kind: "array"; readonly items: readonly Json[] }
  | { readonly kind: "scalar"; readonly text: string };

/** Parses JSON whose syntax is known to be right. */
export function parseTree(text: string): Json {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) ?? [];
  let at = 0;
  const value = (): Json => {
    const token = tokens[at++];
    if (token === "{") {
      const fields: [string, Json][] = [];
      while (tokens[at] !== "}") {
        if (tokens[at] === ",") at++;
        const key = JSON.parse(tokens[at]) as string;
        at += 2;
        fields.push([key, value()]);
      }
      at++;
      return { kind: "object", fields };
    }
    if (token === "[") {
      const items: Json[] = [];
      while (tokens[at] !== "]") {
        if (tokens[at] === ",") at++;
        items.push(value());
      }
      at++;
      return { kind: "array", items };
    }
    return { kind: "scalar", text: token };
  };
  return value();
}

/** Writes it, compact. */
export function treeText(tree: Json): string {
  if (tree.kind === "scalar") return tree.text;
  if (tree.kind === "array") return `[${tree.items.map(treeText).join(",")}]`;
  return `{${tree.fields.map(([key, value]) => `${JSON.stringify(key)}:${treeText(value)}`).join(",")}}`;
}

/** One place where two documents differ; a side is `undefined` where it has nothing there. */
export interface TextDifference {
  /** Where: `history[0].created_by`. */
  readonly path: string;
  readonly ours?: string;
  readonly theirs?: string;
}

/** Finds all places where two documents differ, down to the order of fields and spaces. */
export function textDifferences(ours: string, theirs: string): TextDifference[] {
  if (ours === theirs) return [];
  const found = [...treeDifferences(parseTree(ours), parseTree(theirs), "")];
  return found.length > 0 ? found : [{ path: "(text)", ours, theirs }];
}

function* treeDifferences(ours: Json, theirs: Json, path: string): Generator<TextDifference> {
  if (ours.kind === "object" && theirs.kind === "object") {
    const others = new Map(theirs.fields);
    const own = new Map(ours.fields);
    for (const [key, value] of ours.fields) {
      const at = path === "" ? key : `${path}.${key}`;
      const other = others.get(key);
      if (other === undefined) yield { path: at, ours: treeText(value) };
      else yield* treeDifferences(value, other, at);
    }
    for (const [key, value] of theirs.fields) {
      if (!own.has(key)) yield { path: path === "" ? key : `${path}.${key}`, theirs: treeText(value) };
    }
    const order = (from: Json & { kind: "object" }, other: ReadonlyMap<string, Json>) =>
      from.fields.map(([key]) => key).filter((key) => other.has(key)).join(" ");
    const [ownOrder, otherOrder] = [order(ours, others), order(theirs, own)];
    if (ownOrder !== otherOrder) yield { path: `${path}(order)`, ours: ownOrder, theirs: otherOrder };
  } else if (ours.kind === "array" && theirs.kind === "array") {
    for (let i = 0; i < Math.max(ours.items.length, theirs.items.length); i++) {
      const [own, other] = [ours.items[i], theirs.items[i]];
      if (own !== undefined && other !== undefined) yield* treeDifferences(own, other, `${path}[${i}]`);
      else yield { path: `${path}[${i}]`, ours: own && treeText(own), theirs: other && treeText(other) };
    }
  } else if (treeText(ours) !== treeText(theirs)) {
    yield { path, ours: treeText(ours), theirs: treeText(theirs) };
  }
}
