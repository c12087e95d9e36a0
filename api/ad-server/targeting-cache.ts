import { EVERYBODY, type Targeting } from '../../domain/targeting.js';

/** Far more than the different targetings of all campaigns; a bound all the same. */
const MOST = 10_000;

/** Targetings as campaigns wrote them, parsed once each. What cannot be read is shown to nobody. */
export class TargetingCache {
  readonly #parsed = new Map<string, Targeting>();

  get(text: string): Targeting {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    if (this.#parsed.size >= MOST) this.#parsed.clear();
    const targeting = parse(text);
    this.#parsed.set(text, targeting);
    return targeting;
  }
}

/** A day of the week that never comes. */
const NOBODY: Targeting = { ...EVERYBODY, daysOfWeek: [0] };

function parse(text: string): Targeting {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return NOBODY;
    const lists = Object.entries(EVERYBODY).map(([name]) => [name, Reflect.get(value, name)] as const);
    if (!lists.every(([, list]) => Array.isArray(list))) return NOBODY;
    return { ...EVERYBODY, ...Object.fromEntries(lists) };
  } catch {
    return NOBODY;
  }
}
