// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { oneImage } from "./one_image.ts";
export { isGoogle, parseTagsPage } from "./listing.ts";
export { parseReferrersPage, REFERRERS_STATUSES } from "./referrers.ts";
