import { isbot } from 'isbot';
import { isOnKeptList } from '../../domain/listed-bots.js';

/** User agents of people are below 500 characters; what lies beyond is not looked at. */
const MAX_LENGTH = 1_024;

/**
 * Declares itself a robot. A shopper of whom the shop passes no user agent, or an empty one, is no robot by this
 * rule: it would be the shop's omission, and cost it every click. The other rules still see such clicks.
 */
export function isListedBot(userAgent: string | undefined): boolean {
  if (userAgent === undefined || userAgent === '') return false;
  const text = userAgent.slice(0, MAX_LENGTH);
  return isOnKeptList(text) || isbot(text);
}
