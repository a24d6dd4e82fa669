/** The form of a repository's name (distribution-spec, "Pulling manifests"). */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const NAME_LENGTH = 255;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Tests whether a text is the name of a repository. */
export function isRepositoryName(text: string): boolean {
  return text.length <= NAME_LENGTH && NAME.test(text);
}

/** Tests whether a text is a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}
