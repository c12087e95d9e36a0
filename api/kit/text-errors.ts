import { isStorableText } from '../../domain/storable-text.js';
import type { FieldError } from './problem.js';

const PROBLEM = 'must be valid text: no NUL, no half characters';
/** Deeper than any request of ours; the rest of such a body is refused by its schema. */
const MAX_DEPTH = 20;

/** Every string, and every name of a field, at any depth of params, query or body. */
export function textErrors(field: string, value: unknown, depth = 0): FieldError[] {
  if (typeof value === 'string') return isStorableText(value) ? [] : [{ field, message: PROBLEM }];
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    isStorableText(name)
      ? textErrors(`${field}.${name}`, inner, depth + 1)
      : [{ field, message: `a field name ${PROBLEM}` }],
  );
}
