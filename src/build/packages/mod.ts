/**
 * Packages from package registries: which are for a platform, where they are, fetched, verified and unpacked. Internal
 * to the room.
 *
 * @module
 */
export { hasInstallScript } from "./install_script.ts";
export { type Integrity, type IntegrityAlgorithm, parseIntegrity } from "./integrity.ts";
export { cachedNpmFolder, type JsrFile, jsrFiles, type JsrSources } from "./jsr_files.ts";
export { type FetchedPackage, type ListedFile, PackageSource, type PackageSourceOptions } from "./package_source.ts";
export { PackageRegistries, type RegistriesOptions } from "./registries.ts";
export { type CLibrary, fits, packagesFor } from "./select.ts";
export { withPlatforms } from "./with_platforms.ts";
