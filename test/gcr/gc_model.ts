import { planGarbage } from "../../gcr/mod.ts";
import type { GcGraph, GcManifest, GcRules } from "../../gcr/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";

/** Numbers from 0 to 1 that are the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A manifest of a random repository: what it is made of is named by the numbers of earlier ones. */
export interface Shape {
  readonly kind: "image" | "index";
  readonly members: readonly number[];
  readonly subject?: number;
  /** Tags of its own. */
  readonly tags: readonly string[];
  /** What it is tagged as belonging to, with the ending of the tag. */
  readonly attached: readonly { readonly owner: number | "absent"; readonly ending: string }[];
  /** The age of its upload in hours; `undefined` if it is unknown. */
  readonly hours?: number;
  readonly pinned: boolean;
}

const endings = ["", ".sig", ".att", ".sbom"];

/** A random repository: indexes of indexes, referrers of referrers, cosign's tags, things without tags, shared members. */
export function randomShapes(random: () => number): Shape[] {
  const pick = (count: number) => Math.floor(random() * count);
  const shapes: Shape[] = [];
  const taken = new Set<string>();
  const count = 1 + pick(24);
  for (let i = 0; i < count; i++) {
    const some = (chance: number) => i > 0 && random() < chance;
    const members = some(0.4) ? [...new Set(Array.from({ length: 1 + pick(3) }, () => pick(i)))] : [];
    const tags = Array.from(
      { length: random() < 0.35 ? 1 + pick(2) : 0 },
      (_, at) => `${["v", "pr-", "dev-"][pick(3)]}${i}.${at}`,
    );
    const attached: { owner: number | "absent"; ending: string }[] = [];
    if (some(0.25)) {
      const tag = { owner: random() < 0.1 ? "absent" as const : pick(i), ending: endings[pick(4)] };
      if (!taken.has(JSON.stringify(tag))) attached.push(tag);
      taken.add(JSON.stringify(tag));
    }
    shapes.push({
      kind: members.length > 0 ? "index" : "image",
      members,
      ...(some(0.3) ? { subject: pick(i) } : {}),
      tags,
      attached,
      ...(random() < 0.95 ? { hours: random() < 0.85 ? 30 + pick(1000) : pick(24) } : {}),
      pinned: random() < 0.03,
    });
  }
  return shapes;
}

/** How a model judges a repository. */
export interface ModelRules {
  /** Which tags go, before grace and pins are looked at. */
  readonly removes: (tag: string, hours: number | undefined) => boolean;
  readonly graceHours: number;
  readonly orphans: boolean;
}

/**
 * What has to go, found in another way than the code under test: what is kept grows, by one rule after the other over
 * all pairs of manifests, until nothing changes.
 */
export function modelGarbage(shapes: readonly Shape[], rules: ModelRules): Set<number> {
  const { removes, graceHours, orphans } = rules;
  const young = ({ hours }: Shape) => graceHours > 0 && (hours === undefined || hours < graceHours);
  const kept = shapes.map((shape) =>
    shape.pinned || young(shape) || shape.tags.some((tag) => !removes(tag, shape.hours)) ||
    (!orphans && shape.attached.some(({ owner }) => owner === "absent"))
  );
  for (let changed = true; changed;) {
    changed = false;
    for (const [a, shapeA] of shapes.entries()) {
      for (const [b, shapeB] of shapes.entries()) {
        const leads = shapeA.members.includes(b) || shapeA.subject === b || shapeB.subject === a ||
          shapeB.attached.some(({ owner }) => owner === a) ||
          // A tag that stays for its age or its use names what it belongs to.
          ((shapeA.pinned || young(shapeA)) && shapeA.attached.some(({ owner }) => owner === b));
        if (!kept[a] || kept[b] || !leads) continue;
        kept[b] = changed = true;
      }
    }
  }
  return new Set(shapes.keys().filter((i) => !kept[i]));
}

/** The tag by which a manifest is marked as belonging to another. */
export function attachedTag(owner: Hash | undefined, ending: string): string {
  return `${(owner ?? `sha256:${"e".repeat(64)}`).replace(":", "-")}${ending}`;
}

/** Shapes as the graph of a repository. Every manifest names one blob of its own and one that all share. */
export function graphOf(shapes: readonly Shape[], now: number): { graph: GcGraph; digests: readonly Hash[] } {
  const digests = shapes.map((_, i): Hash =>
    `sha256:${String(i * 7919 % 1000).padStart(3, "0")}${String(i).padStart(61, "0")}`
  );
  const manifests = shapes.map(({ members, subject, tags, attached, hours }, i): [Hash, GcManifest] => [digests[i], {
    digest: digests[i],
    tags: [
      ...tags,
      ...attached.map(({ owner, ending }) => attachedTag(owner === "absent" ? undefined : digests[owner], ending)),
    ],
    members: members.map((member) => digests[member]),
    size: 10,
    blobs: [{ digest: `sha256:${"f".repeat(64)}`, size: 100 }, { digest: `sha512:${i}`, size: 1000 }],
    ...(subject !== undefined ? { subject: digests[subject] } : {}),
    ...(hours !== undefined ? { uploaded: now - hours * 3_600_000 } : {}),
  }]);
  return {
    graph: { repository: "app", name: "registry.example.com/app", manifests: new Map(manifests), referrers: new Map() },
    digests,
  };
}

/** Returns the result of the code under test for shapes, by their numbers. */
export function plannedGarbage(shapes: readonly Shape[], rules: GcRules, now: number): Set<number> {
  const { graph, digests } = graphOf(shapes, now);
  const pins = { digests: new Set(digests.filter((_, i) => shapes[i].pinned)), tags: new Set<string>() };
  const { manifests } = planGarbage(graph, { ...rules, pins }, now);
  return new Set(manifests.map(({ digest }) => digests.indexOf(digest)));
}
