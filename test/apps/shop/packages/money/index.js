/** Writes an amount of cents. */
export const written = (cents) => `${(cents / 100).toFixed(2)} EUR`;
