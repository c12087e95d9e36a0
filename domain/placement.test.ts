import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldText, normaliseKeyword } from './placement.js';

/** What a case protects, what is typed, what it becomes. */
const CASES: readonly (readonly [string, string, string])[] = [
  ['Korean compound with a space', '무선 이어폰', '무선이어폰'],
  ['Korean compound without one', '무선이어폰', '무선이어폰'],
  ['spaces at the edges and doubled', '  무선   이어폰 ', '무선이어폰'],
  ['ideographic space', '무선\u3000이어폰', '무선이어폰'],
  ['no-break and narrow spaces', '무선\u00a0이어폰\u202f추천\u2009', '무선이어폰추천'],
  ['tab and line break', '무선\t이어폰\r\n', '무선이어폰'],
  ['zero-width space, joiners and byte order mark', '무\u200b선\u200c이\u200d어\ufeff폰', '무선이어폰'],
  ['soft hyphen and word joiner', '이어\u00ad폰\u2060', '이어폰'],
  ['Hangul filler', '\u3164이어\uffa0폰\u115f', '이어폰'],
  ['control characters', '이어\u0000폰\u007f', '이어폰'],
  ['direction marks', '\u202eabc\u200f', 'abc'],
  ['upper case', 'NIKE Air Max', 'nikeairmax'],
  ['full-width letters and digits', 'ＬＥＤ　조명１２', 'led조명12'],
  ['decomposed syllables, as macOS writes them', '가방'.normalize('NFD'), '가방'],
  ['compatibility jamo of one syllable', 'ㄱㅏ', '가'],
  ['half-width jamo of one syllable', '\uffa1\uffc2', '가'],
  ['jamo on their own, in either width', 'ㅋ\uffbb', '\u110f\u110f'],
  ['half-width katakana', 'ｶﾊﾞﾝ', 'カバン'],
  ['letter araea as a middle dot', '가족ㆍ친구', '가족친구'],
  ['middle dot, comma and slash between words', '가족·친구,연인/선물', '가족친구연인선물'],
  ['quotes and brackets', '「머그컵」 "(대형)"', '머그컵대형'],
  ['hyphen between letters', 'USB-C', 'usbc'],
  ['hyphen of a model', 'WH-1000XM5', 'wh1000xm5'],
  ['range of sizes, with any dash', '2–3세', '2-3세'],
  ['range of sizes, with a wave dash', '2〜3세', '2~3세'],
  ['decimal point', '１．５ L', '1.5l'],
  ['point that ends a sentence', '1.5L.', '1.5l'],
  ['ratio', '16：9 모니터', '16:9모니터'],
  ['thousands', '1,000원', '1000원'],
  ['ampersand, per cent and plus are part of names', 'H & M 100% S24+', 'h&m100%s24+'],
  ['emoji keep their picture and lose their variation', '❤️ 선물', '❤선물'],
  ['emoji joined into one', '👩‍💻', '👩💻'],
  ['Turkish capital i', 'İSTANBUL', 'istanbul'],
  ['Turkish small i without a dot', 'ıstanbul', 'istanbul'],
  ['German sharp s', 'Straße', 'strasse'],
  ['Greek final sigma', 'ΟΔΟΣ', 'οδοσ'],
  ['ligatures', 'ﬁle ﬀ', 'fileff'],
  ['circled and Roman numbers', '①번 Ⅳ', '1번iv'],
  ['units in one character', '㎏ ㎖ ㎡', 'kgmlm2'],
  ['company sign', '㈜농심', '주농심'],
  ['trademark signs', '나이키™ 에어®', '나이키에어'],
  ['fractions', '½ 컵', '1/2컵'],
  ['composed and decomposed accents', 'cafe\u0301', 'café'],
  ['nothing to search for', ' ?! ', ''],
];

describe('a keyword', () => {
  it.each(CASES)('%s: %j becomes %j', (_name, typed, normal) => {
    expect(normaliseKeyword(typed)).toBe(normal.normalize('NFC'));
    expect(normaliseKeyword(normal)).toBe(normal.normalize('NFC'));
  });

  it('has one normal form, whatever was typed', () => {
    const awkward = fc.constantFrom(
      ...[...'aIiıİßς가ㄱㅏㆍ1.-/:,&%+ ~\u0307\u0323\u0301\u200b\u3000\u3164\u1161\u11a8\u2122ﬁ½①❤\ufe0f'],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.array(awkward, { maxLength: 12 }).map((letters) => letters.join('')),
    );
    fc.assert(
      fc.property(text, (typed) => {
        const normal = normaliseKeyword(typed);
        expect(normaliseKeyword(normal)).toBe(normal);
        expect(normal.normalize('NFKC')).toBe(normal);
        expect(normal).not.toMatch(/\s/u);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same with spaces anywhere', () => {
    const korean = fc.array(fc.integer({ min: 0xac00, max: 0xd7a3 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(korean, fc.nat(), (codes, at) => {
        const letters = codes.map((code) => String.fromCodePoint(code));
        const spaced = letters.toSpliced(at % letters.length, 0, ' ').join('');
        expect(normaliseKeyword(spaced)).toBe(normaliseKeyword(letters.join('')));
      }),
    );
  });
});

it('text to find words in keeps its words apart', () => {
  expect(foldText(' Ｂest\u3000 CASI\u200bNO ')).toBe('best casino');
});
