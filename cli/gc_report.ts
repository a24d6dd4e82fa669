import type { GcEvent, GcResult } from "../gcr/mod.ts";
import type { Context } from "./command.ts";
import { summary } from "./failure.ts";
import { oneLine } from "./terminal_text.ts";
import { count, formatAge, formatBytes } from "./units.ts";

/** A manifest that can go, or was deleted, with its tags. */
interface Listed {
  readonly name: string;
  readonly tags: readonly string[];
}

/**
 * Prints the events of a garbage collection: the garbage, or what was deleted, on standard output, and the rest on
 * standard error.
 */
export class GcReport {
  readonly #context: Pick<Context, "stdout" | "note">;
  readonly #deletes: boolean;
  readonly #grace: number;
  /** The deletions in the current repository. */
  #deleted: Listed[] = [];
  /** The manifests of the current repository that have lost tags and are not deleted yet, by name. */
  readonly #untagged = new Map<string, { readonly repository: string; readonly tags: string[] }>();
  /** The repository of the last deletion. */
  #changed: string | undefined;
  /** The tags of the manifests that can go, or are deleted. */
  #tags = 0;
  #refused = 0;

  /** Creates a report. `deletes` is whether the garbage is deleted, `grace` the grace period in milliseconds. */
  constructor(context: Pick<Context, "stdout" | "note">, options: { deletes: boolean; grace: number }) {
    this.#context = context;
    this.#deletes = options.deletes;
    this.#grace = options.grace;
  }

  /** Reports an event. */
  add(event: GcEvent): void {
    const { note } = this.#context;
    switch (event.kind) {
      case "garbage":
        if (this.#deletes) break;
        this.#tags += event.manifest.tags.length;
        this.#list(listed(event.repository, event.manifest));
        break;
      case "tag":
        if (!this.#deletes) note(`The tag ${event.repository}:${event.tag.tag} can go: ${event.tag.reason}`);
        break;
      case "deleted":
        this.#changed = event.repository;
        this.#tags += event.tags.length;
        this.#deleted.push(listed(event.repository, event));
        this.#untagged.delete(this.#deleted.at(-1)!.name);
        break;
      case "untagged":
        this.#changed = event.repository;
        if (event.alone) note(`Deleted the tag ${event.repository}:${event.tag}`);
        else this.#untag(event);
        break;
      case "left":
        if (event.why !== "changed") this.#refused++;
        // Content over the limit is not listed, as there may be much and the reason is always the same.
        if (event.why !== "capped") note(`Left ${event.name}: ${event.reason}`);
        break;
      case "failed":
        this.flush(event.name);
        note(
          `Failed: ${event.name} was ${
            this.#changed === event.name ? "changed only as listed above" : "not changed"
          }: ${summary(event.error)}`,
        );
        break;
      case "repository":
        this.flush(event.repository.name);
    }
  }

  /** Prints the deletions that are not printed yet, sorted; tags of manifests that stay only of one repository, or of all. */
  flush(repository?: string): void {
    for (const one of this.#deleted.splice(0).sort((a, b) => a.name < b.name ? -1 : 1)) this.#list(one);
    for (const [name, { repository: own, tags }] of this.#untagged) {
      if (repository !== undefined && repository !== own) continue;
      this.#untagged.delete(name);
      const shown = tags.map(oneLine).sort().join(", ");
      this.#context.note(`Deleted the ${tags.length === 1 ? "tag" : "tags"} ${shown} of ${name}, which is still there`);
    }
  }

  #untag({ repository, digest, tag }: GcEvent & { kind: "untagged" }): void {
    const name = `${repository}@${digest}`;
    const { tags } = this.#untagged.get(name) ?? { tags: [] };
    this.#untagged.set(name, { repository, tags: [...tags, tag] });
  }

  /** Reports the totals and returns the exit code. */
  async end(result: GcResult): Promise<number> {
    const { stdout, note } = this.#context;
    this.flush();
    await stdout.flush();
    this.#remarks(result);
    const { garbage, bytes, tags, deleted, untagged, repositories, resumed, capped, failed } = result;
    const alone = this.#deletes ? untagged : tags;
    const their = this.#tags > 0 ? ` with ${count(this.#tags, "tag")}` : "";
    const others = tagsAlone(alone);
    const isOthersAlone = alone > 0 && (this.#deletes ? deleted : garbage) === 0;
    const manifests = this.#deletes
      ? `deleted ${count(deleted, "manifest")}${their}`
      : `${count(garbage, "manifest")}${their} can go, ${formatBytes(bytes)}`;
    const what = !isOthersAlone ? manifests : this.#deletes ? `deleted ${others}` : `${others} can go`;
    const more = alone > 0 && !isOthersAlone ? `, and ${others}` : "";
    const before = resumed > 0 ? `, ${resumed} more were done before` : "";
    note(`${what}${more} (${count(repositories, "repository", "repositories")}${before})`);
    if (capped > 0) note(`Left ${count(capped, "more", "more")}: the limit of --max-delete is reached`);
    if (failed + this.#refused === 0) return 0;
    const parts = [
      ...failed > 0 ? [`${count(failed, "repository", "repositories")} failed`] : [],
      ...this.#refused > 0 ? [`${count(this.#refused, "thing")} could not be deleted`] : [],
    ];
    note(`Error: ${parts.join(", ")}, as listed above`);
    return 1;
  }

  #remarks({ unlisted, undated, young, youngTags }: GcResult): void {
    const { note } = this.#context;
    if (unlisted > 0) {
      note(
        `In ${count(unlisted, "repository", "repositories")} only what tags lead to was looked at: the registry does ` +
          `not list manifests without a tag`,
      );
    }
    const kept = [...young > 0 ? [count(young, "manifest")] : [], ...youngTags > 0 ? [tagsAlone(youngTags)] : []];
    if (kept.length > 0) {
      note(
        `Kept ${kept.join(" and ")} because of uploads in the last ${formatAge(this.#grace)}: --grace sets ` +
          `another time, for example 1h or 0`,
      );
    }
    if (undated > 0) {
      note(
        `Kept ${
          count(undated, "manifest")
        } of which the registry does not say when they were uploaded: with --grace 0 ` +
          `age protects nothing, with --trust-created the time of the build counts`,
      );
    }
  }

  /** Prints a manifest. Its tags stand beside it on a terminal; a program reads only digests, and they are noted. */
  #list({ name, tags }: Listed): void {
    const { stdout, note } = this.#context;
    const shown = tags.map(oneLine).sort().join(", ");
    // A closed reader ends the command, which needs no report here.
    stdout.print(stdout.isTerminal && shown !== "" ? `${name}  ${shown}` : name).catch(() => {});
    if (!stdout.isTerminal && shown !== "") note(`Tags of ${name}: ${shown}`);
  }
}

function tagsAlone(tags: number): string {
  return `${count(tags, "tag")} whose ${tags === 1 ? "image stays" : "images stay"}`;
}

function listed(repository: string, { digest, tags }: { digest: string; tags: readonly string[] }): Listed {
  return { name: `${repository}@${digest}`, tags };
}
