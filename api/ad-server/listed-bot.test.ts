import { describe, expect, it } from 'vitest';
import { LISTED_BOTS } from '../../domain/listed-bots.js';
import { ROBOT_USER_AGENTS, SHOPPER_USER_AGENTS } from '../../tests/support/user-agents.js';
import { isListedBot } from './listed-bot.js';

describe('the list of declared robots', () => {
  it.each(Object.entries(SHOPPER_USER_AGENTS))('never holds %s', (_what, userAgent) => {
    expect(isListedBot(userAgent)).toBe(false);
  });

  it.each(Object.entries(ROBOT_USER_AGENTS))('holds %s', (_what, userAgent) => {
    expect(isListedBot(userAgent)).toBe(true);
  });

  it('says nothing about a shopper of whom the shop tells nothing', () => {
    expect(isListedBot(undefined)).toBe(false);
    expect(isListedBot('')).toBe(false);
  });

  it('of our own needs no line that nothing hits', () => {
    const robots = [...Object.values(ROBOT_USER_AGENTS), 'Chrome/131 WebDriver', 'Lightpanda/1.0'];
    for (const { name, pattern } of LISTED_BOTS)
      expect([name, robots.some((userAgent) => pattern.test(userAgent))]).toEqual([name, true]);
  });

  it('reads a text of any length in no time', () => {
    const endless = 'Mozilla/5.0 '.repeat(1_000_000);
    const tookMs = Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      expect(isListedBot(endless)).toBe(false);
      return performance.now() - startedAt;
    });
    expect(Math.min(...tookMs)).toBeLessThan(500);
  });
});
