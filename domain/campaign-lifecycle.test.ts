import { describe, expect, test } from 'vitest';
import {
  CAMPAIGN_PHASES,
  phaseAfter,
  refusalOf,
  reviewRefusal,
  reviewStatusOf,
  SERVING_COMMANDS,
} from './campaign-lifecycle.js';

describe('commands', () => {
  test('only a serving or paused campaign takes any', () => {
    const takes = CAMPAIGN_PHASES.filter((phase) =>
      SERVING_COMMANDS.some((command) => refusalOf(command, phase) === null),
    );
    expect(takes).toEqual(['serving', 'paused']);
  });

  test('pausing twice and resuming twice is refused with its reason', () => {
    expect(refusalOf('pause', 'paused')).toContain('already paused');
    expect(refusalOf('resume', 'serving')).toContain('already serving');
    expect(refusalOf('resume', 'paused')).toBeNull();
  });

  test('changes of money leave the phase alone', () => {
    expect(SERVING_COMMANDS.map((command) => phaseAfter(command, 'paused'))).toEqual([
      'paused',
      'serving',
      'ended',
      'paused',
      'paused',
      'paused',
    ]);
  });
});

describe('review decisions', () => {
  const approve = { verdict: 'approve', reviewerId: 'usr_1', reasons: [] };
  test('are taken in review only', () => {
    const takes = CAMPAIGN_PHASES.filter((phase) => reviewRefusal(approve, phase) === null);
    expect(takes).toEqual(['in_review']);
  });

  test('need a known verdict, a reviewer, and reasons for a rejection', () => {
    expect(reviewRefusal({ ...approve, verdict: 'maybe' }, 'in_review')).toContain('unknown verdict');
    expect(reviewRefusal({ ...approve, reviewerId: '' }, 'in_review')).toContain('reviewer');
    expect(reviewRefusal({ ...approve, verdict: 'reject' }, 'in_review')).toContain('reason');
    expect(reviewRefusal({ ...approve, verdict: 'reject', reasons: ['  '] }, 'in_review')).toContain(
      'reason',
    );
    expect(reviewRefusal({ ...approve, verdict: 'reject', reasons: ['blurred'] }, 'in_review')).toBeNull();
  });

  test('a signal with keywords in a wrong form is refused, not tried for ever', () => {
    const wrong: unknown[] = [
      '신발',
      {},
      [null],
      ['신발'],
      [{ keyword: '신발' }],
      [{ keyword: 5, reason: 'x' }],
    ];
    for (const rejectedKeywords of [...wrong, [{ keyword: '신발', reason: ' ' }]])
      expect(
        reviewRefusal({ ...approve, ...JSON.parse(JSON.stringify({ rejectedKeywords })) }, 'in_review'),
      ).toContain('rejected keywords');
    const right = [{ keyword: '신발', reason: '상표권' }];
    expect(reviewRefusal({ ...approve, rejectedKeywords: right }, 'in_review')).toBeNull();
  });

  test('the review status follows the phase', () => {
    expect(CAMPAIGN_PHASES.map(reviewStatusOf)).toEqual([
      'pending',
      'pending',
      'rejected',
      'approved',
      'approved',
      'approved',
      'approved',
    ]);
  });
});
