import { describe, expect, it } from 'vitest';
import { MOST_SHOWN_CHARS, maskedField, maskedRecord, maskedText } from './masked-record.js';

const TOKEN = 'k1-20780.eyJhZHMiOlt7ImFkSWQiOiJhZF8x.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';
const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

describe('what is shown of a record that was set aside', () => {
  it('hides tokens and personal data by name, at any depth, and keeps hashes, prices and times', () => {
    const shown = JSON.parse(
      maskedRecord(
        JSON.stringify({
          clickId: '0197',
          clickToken: TOKEN,
          tokenPriceKrw: 120,
          deviceHash: HASH,
          shopper: { email: 'a@b.kr', ip: '203.0.113.7', userAgent: 'x', phones: ['010-1'] },
        }),
      ),
    );
    expect(shown).toEqual({
      clickId: '0197',
      clickToken: '***',
      tokenPriceKrw: 120,
      deviceHash: HASH,
      shopper: { email: '***', ip: '***', userAgent: '***', phones: ['***'] },
    });
  });

  it('hides them in texts that are no JSON: cut off, or under a name that says nothing', () => {
    expect(maskedRecord(`{"clickToken":"${TOKEN}`)).not.toContain('c2lnbmF0dXJl');
    expect(maskedRecord(`{"clickId":"1","password":"hunter2"`)).toBe('{"clickId":"1","password":"***"');
    expect(maskedRecord(JSON.stringify({ note: `see ${TOKEN} of a@b.kr` }))).not.toMatch(/eyJ|a@b/);
  });

  it('hides numbers that name a person, and headers by their name', () => {
    expect(
      JSON.parse(maskedRecord('{"phone":1012345678,"cardNumber":4111111111111111,"tokenAgeMs":5}')),
    ).toEqual({ phone: '***', cardNumber: '***', tokenAgeMs: 5 });
    expect([maskedField('authorization', 'Bearer x'), maskedField('type', 'AD_CLICKED')]).toEqual([
      '***',
      'AD_CLICKED',
    ]);
  });

  it.each([
    ['one run', 'a'.repeat(1_000_000)],
    ['short runs', 'a-'.repeat(500_000)],
    ['dots', 'aaaaaaaaaaaaaaaa.'.repeat(60_000)],
    ['addresses that are none', 'a@'.repeat(500_000)],
    ['quotes', '"x" '.repeat(250_000)],
  ])('takes no longer than its length deserves: a megabyte of %s', (_what, text) => {
    const tookMs = [1, 2, 3].map(() => {
      const started = performance.now();
      maskedRecord(text);
      maskedRecord(JSON.stringify({ text }));
      return performance.now() - started;
    });
    // The fastest: a machine that stalls delays one or two.
    expect(Math.min(...tookMs)).toBeLessThan(2_000);
  });

  it('keeps ids, hashes and ordinary words of a text', () => {
    const text = `json: Unexpected token at 12, click 0197a1b2-0000-7000-8000-000000000001 of ${HASH}`;
    expect(maskedText(text)).toBe(text);
  });

  it('is bounded', () => {
    expect(maskedRecord('x y '.repeat(10_000)).length).toBeLessThan(MOST_SHOWN_CHARS + 40);
  });
});
