/** No store takes NUL in text, and half a surrogate pair is no character: such text would fail far from its sender. */
export const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');
