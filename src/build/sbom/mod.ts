/**
 * Software bills of materials: the packages of an image in the formats SPDX and CycloneDX. Internal to the room.
 *
 * @module
 */
export type { BillOfMaterials } from "./bill.ts";
export { CYCLONEDX_MEDIA_TYPE, cycloneDxDocument } from "./cyclonedx.ts";
export { SPDX_MEDIA_TYPE, spdxDocument } from "./spdx.ts";
