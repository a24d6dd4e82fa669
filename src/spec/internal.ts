// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { wrongArgument } from "./argument.ts";
export { configFileBytes, historyText, isRfc3339 } from "./config_file.ts";
export { HEX_LENGTH, isAlgorithm } from "./hash.ts";
export { isOtherManifest } from "./media_type.ts";
export { distinctDescriptors, isDescriptor, manifestFields, properManifest } from "./manifest.ts";
export { imageManifestBytes, indexManifestBytes, layoutIndexBytes } from "./go_forms.ts";
export { checkJsonDepth, jsonBytes, parseJson, parseJsonObject, sortedJson } from "./json.ts";
