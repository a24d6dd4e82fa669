/**
 * The names under which the project is public. They are placeholders, `undefined`, until it has a home; a release is
 * refused before each of them is set.
 */
export const publicNames: Readonly<Record<"repository" | "image" | "action", string | undefined>> = {
  /** The repository of the sources, as an `https:` URL. */
  repository: undefined,
  /** The container image of the command line, without a tag. */
  image: undefined,
  /** The owner and the name of the GitHub action. */
  action: undefined,
};
