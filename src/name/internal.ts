// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { anyOf, type NameMatcher, namePattern, repositoryPattern } from "./name_pattern.ts";
export { fullName } from "./parse.ts";
export { byVersion, type TagConditions, tagMatcher, tagVersion, versionRange } from "./tag_versions.ts";
