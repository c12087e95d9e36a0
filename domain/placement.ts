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

/** Text to find words in: compatibility composition, lower case, nothing unseen, single spaces, no edges. */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(IGNORABLE, '').replace(/\s+/gu, ' ').trim();
}
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * The one normal form of a search keyword, used by campaigns, by the ranking's input (their snapshots) and by the
 * query: two spellings that a shopper would call the same word are the same key.
 *
 * Spaces are left out. Korean compounds are written both ways (무선 이어폰, 무선이어폰), shoppers do not know which
 * one a seller chose, and the keyword tools of the Korean search engines treat them as one keyword; keeping spaces
 * would split one market into several and let the less obvious spelling be bought cheaply.
 *
 * Left out as well: what cannot be seen (zero-width characters, variation selectors, fillers, controls), trademark
 * signs, and punctuation, unless it stands between two digits, where it makes another size (1.5l, 16:9, 2-3세), or
 * changes the name (h&m, 100%, s24+). Letters: NFKC (full and half width, jamo, ligatures, circled numbers, units),
 * then upper and lower case in turn, so that ß, ς and the Turkish i fall together with what is typed for them.
 *
 * `normaliseKeyword(normaliseKeyword(x)) === normaliseKeyword(x)`. Empty when nothing is left.
 */
export function normaliseKeyword(text: string): string {
  let normal = text;
  for (let pass = 0; pass < MOST_PASSES && !ALREADY_NORMAL.test(normal); pass += 1) {
    const before = normal;
    normal = foldKeyword(before);
    if (normal === before) break;
  }
  return normal;
}

/** What nearly every query is after one pass, or is from the start. */
const ALREADY_NORMAL = /^[0-9a-z가-힣]*$/u;
/** Removing a character can let its neighbours compose; two passes settle everything that is written on purpose. */
const MOST_PASSES = 8;

/** ㆍ is typed as a middle dot in Korea, and NFKC would make a vowel of it. */
const BEFORE_FOLDING = /[\u318d\u2122\u2120\u00ae\u00a9]/gu;
const UNSEEN = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;
const DASHES = /[\p{Dash_Punctuation}\u2212]/gu;
const WAVE_DASHES = /[\u301c\u3030]/gu;
const FRACTION_SLASH = /\u2044/gu;
const PUNCTUATION = /(?![&%])(?!(?<=\p{Nd})[.:/*-](?=\p{Nd}))\p{P}/gu;
const DOTTED_I = /i\u0307+/gu;

function foldKeyword(text: string): string {
  return text
    .replace(BEFORE_FOLDING, '')
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(UNSEEN, '')
    .replace(WAVE_DASHES, '~')
    .replace(DASHES, '-')
    .replace(FRACTION_SLASH, '/')
    .replace(PUNCTUATION, '')
    .replace(DOTTED_I, 'i')
    .normalize('NFKC');
}
