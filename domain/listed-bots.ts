/**
 * The kept list of programs that say what they are, beside the `isbot` package, whose pinned version knows some
 * two thousand of them: what it misses and what matters in Korea. Each line is a decision with its date. A name
 * comes onto the list only when no browser of a person carries it, and the list only ever hears what a program says
 * of itself: one that calls itself a browser is found by its behaviour, not here.
 */
export interface ListedBot {
  readonly name: string;
  readonly pattern: RegExp;
  readonly kind: 'crawler' | 'automation' | 'page_maker';
  /** The day on which it was listed, ISO. */
  readonly since: string;
}

export const LISTED_BOTS: readonly ListedBot[] = [
  // Crawlers of Korean search and messengers.
  { name: 'Yeti (Naver)', pattern: /\bYeti(?:-Mobile)?\//i, kind: 'crawler', since: '2026-11-23' },
  { name: 'NaverBot', pattern: /\bNaver-?Bot\b/i, kind: 'crawler', since: '2026-11-23' },
  { name: 'Daum search', pattern: /\bDaum(?:oa)?\/\d/i, kind: 'crawler', since: '2026-11-23' },
  { name: 'KakaoTalk preview', pattern: /\bkakaotalk-scrap\//i, kind: 'crawler', since: '2026-11-23' },
  { name: 'Zum search', pattern: /\bZumBot\//i, kind: 'crawler', since: '2026-11-23' },
  // Browsers without a person.
  { name: 'headless Chrome', pattern: /\bHeadlessChrome\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'Puppeteer', pattern: /\bPuppeteer\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'Playwright', pattern: /\bPlaywright\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'Selenium', pattern: /\bSelenium\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'WebDriver', pattern: /\bWebDriver\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'PhantomJS', pattern: /\bPhantomJS\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'SlimerJS', pattern: /\bSlimerJS\b/i, kind: 'automation', since: '2026-11-23' },
  { name: 'jsdom', pattern: /\bjsdom\//i, kind: 'automation', since: '2026-11-23' },
  { name: 'Cypress', pattern: /\bCypress\//i, kind: 'automation', since: '2026-11-23' },
  { name: 'Lightpanda', pattern: /\bLightpanda\//i, kind: 'automation', since: '2026-11-23' },
  // Pages into pictures and papers.
  { name: 'wkhtmltopdf', pattern: /\bwkhtmlto(?:pdf|image)\b/i, kind: 'page_maker', since: '2026-11-23' },
];

/** One pass over the text instead of one of each line. */
const ANY_LISTED = new RegExp(LISTED_BOTS.map(({ pattern }) => pattern.source).join('|'), 'i');

export const isOnKeptList = (userAgent: string): boolean => ANY_LISTED.test(userAgent);
