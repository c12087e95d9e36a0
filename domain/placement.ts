/** The places on the shop's pages where ads can stand. */
export const PLACEMENTS = ['HOME', 'CATEGORY', 'PRODUCT_DETAIL', 'SEARCH'] as const;
export type Placement = (typeof PLACEMENTS)[number];

/** HOME has one ranking for everything; the others are ranked per category or per keyword. */
export const HOME_TARGET = '*';

export const MAX_ADS_PER_QUERY = 20;
export const MAX_ADS_PER_ADVERTISER_IN_RANKING = 3;
/** Kept per `(placement, category)`. */
export const RANKING_DEPTH = 200;
/** Kept per search keyword. */
export const KEYWORD_RANKING_DEPTH = 50;

export function isPlacement(text: string): text is Placement {
  return (PLACEMENTS as readonly string[]).includes(text);
}

/**
 * The one normal form of a search keyword, used by campaigns, by the ranking's input and by the query:
 * compatibility composition (full-width letters, decomposed jamo), lower case, single spaces, no edges.
 */
export function normaliseKeyword(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
}
