import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLICK_REASONS, type ClickSignals } from './click-outcome.js';
import {
  CLICK_RULES_VERSION,
  INVALID_CLICK_RULES,
  INVALID_CLICK_THRESHOLDS,
  invalidClickReason,
} from './invalid-click-rules.js';

const clean: ClickSignals = {
  tokenAgeMs: 1_000,
  expired: false,
  listedBot: false,
  deviceClicksPerMinute: 1,
  ipClicksPerMinute: 1,
  sinceSameAdMs: null,
};

describe('invalid click rules', () => {
  it.each<[string, Partial<ClickSignals>, boolean, string | null]>([
    ['a clean click', {}, false, null],
    ['an expired token', { expired: true }, false, 'expired_token'],
    ['a listed robot', { listedBot: true }, false, 'listed_bot'],
    ['the same ad at once', { sinceSameAdMs: 0 }, false, 'double_click'],
    ['the same ad after 9.999 s', { sinceSameAdMs: 9_999 }, false, 'double_click'],
    ['the same ad after 10 s', { sinceSameAdMs: 10_000 }, false, null],
    ['20 clicks of a device in a minute', { deviceClicksPerMinute: 20 }, false, null],
    ['21 clicks of a device in a minute', { deviceClicksPerMinute: 21 }, false, 'device_burst'],
    ['120 clicks of an address in a minute', { ipClicksPerMinute: 120 }, false, null],
    ['121 clicks of an address in a minute', { ipClicksPerMinute: 121 }, false, 'ip_burst'],
    ['a device of the advertiser', {}, true, 'own_account_click'],
  ])('%s', (_what, change, isOwn, reason) => {
    expect(invalidClickReason({ ...clean, ...change }, isOwn)).toBe(reason);
  });

  it('name the first reason in the documented order when several refuse', () => {
    const all = {
      ...clean,
      expired: true,
      listedBot: true,
      sinceSameAdMs: 1,
      deviceClicksPerMinute: 99,
      ipClicksPerMinute: 999,
    };
    expect(invalidClickReason(all, true)).toBe('expired_token');
    expect(invalidClickReason({ ...all, expired: false }, true)).toBe('listed_bot');
    const ids = INVALID_CLICK_RULES.map((rule) => rule.id);
    expect(ids).toEqual(CLICK_REASONS.slice(0, ids.length));
  });

  it('have the versions that are stored: a rule that changes raises its own and that of the set', () => {
    const versions = INVALID_CLICK_RULES.map(({ id, version }) => `${id} ${version}`);
    expect([CLICK_RULES_VERSION, ...versions]).toEqual([
      2,
      'expired_token 1',
      'listed_bot 2',
      'double_click 2',
      'device_burst 2',
      'ip_burst 2',
      'own_account_click 1',
    ]);
  });

  it('stand in their document, in order, with limits and versions', () => {
    const text = readFileSync('docs/invalid-clicks.md', 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)` \| .* \| (.*) \| (\d+) \| .* \|$/gm)];
    expect(rows.map(([, id, , version]) => `${id} ${version}`)).toEqual(
      INVALID_CLICK_RULES.map(({ id, version }) => `${id} ${version}`),
    );
    expect(text).toContain(`Version of the set: **${CLICK_RULES_VERSION}**`);
    const { doubleClickWithinMs, deviceClicksPerMinute, ipClicksPerMinute } = INVALID_CLICK_THRESHOLDS;
    const limits = Object.fromEntries(rows.map(([, id, limit]) => [id, limit]));
    expect(limits).toMatchObject({
      double_click: `${doubleClickWithinMs / 1_000} s`,
      device_burst: `${deviceClicksPerMinute} a minute; the ${deviceClicksPerMinute + 1}st is refused`,
      ip_burst: `${ipClicksPerMinute} a minute; the ${ipClicksPerMinute + 1}st is refused`,
    });
  });
});
