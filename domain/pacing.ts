import { DAY_MS, SEOUL_OFFSET_MS } from './business-date.js';
import type { Targeting } from './targeting.js';

/** `asap`: every query that it can win. `even`: the daily budget spread over the hours in which it is shown. */
export const PACINGS = ['asap', 'even'] as const;
export type Pacing = (typeof PACINGS)[number];
export const DEFAULT_PACING: Pacing = 'asap';
/** What decides right now in how many queries a campaign takes part. */
export const PACING_STANDINGS = [
  'full_pace',
  'steered',
  'outside_hours',
  'not_served',
  'unattended',
  'unknown',
] as const;
export type PacingStanding = (typeof PACING_STANDINGS)[number];

const FULL_PPM = 1_000_000;
/** Even a campaign that is far ahead takes part in one query of a hundred: it is never starved, and stays measured. */
export const LEAST_PASS_PPM = 10_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A difference from the plan is made up for within this time. */
const CATCH_UP_MS = 30 * MINUTE_MS;
/** Until the end of serving this close, a campaign behind its plan takes every query that it can get. */
const LAST_STRETCH_MS = 30 * MINUTE_MS;
/** Largest change from one look to the next: halved at once, doubled in four looks. */
const STEP_DOWN = 0.5;
const STEP_UP = 1.2;
/** The measured demand forgets with this time constant. */
const DEMAND_MEMORY_MS = 5 * MINUTE_MS;
/** At first the plan is taken to be met by the share, with the weight of this time: one early click is no evidence. */
const FIRST_GUESS_MS = 20_000;
/** A share holds for a minute (the lease of the signal): what was spent over a longer gap says nothing about it. */
const LOST_SIGHT_MS = MINUTE_MS;

/** How much of today's serving time has passed and is to come, ms. Both zero on a day without serving. */
export interface ServingTime {
  readonly passedMs: number;
  readonly leftMs: number;
  /** Whether it is served right now. */
  readonly serving: boolean;
}

/** Of the Korean day that contains `now` (epoch ms), in the days and hours that the campaign chose. */
export function servingTimeOf(targeting: Pick<Targeting, 'daysOfWeek' | 'hours'>, now: number): ServingTime {
  const local = now + SEOUL_OFFSET_MS;
  const today = Math.floor(local / DAY_MS);
  // 1 January 1970 was a Thursday; 1 is Monday.
  const dayOfWeek = ((today + 3) % 7) + 1;
  if (targeting.daysOfWeek.length > 0 && !targeting.daysOfWeek.includes(dayOfWeek))
    return { passedMs: 0, leftMs: 0, serving: false };
  const inDayMs = local - today * DAY_MS;
  let passedMs = 0;
  let leftMs = 0;
  let serving = false;
  for (let hour = 0; hour < 24; hour += 1) {
    if (targeting.hours.length > 0 && !targeting.hours.includes(hour)) continue;
    const passedOfHour = Math.min(HOUR_MS, Math.max(0, inDayMs - hour * HOUR_MS));
    passedMs += passedOfHour;
    leftMs += HOUR_MS - passedOfHour;
    if (inDayMs >= hour * HOUR_MS && inDayMs < (hour + 1) * HOUR_MS) serving = true;
  }
  return { passedMs, leftMs, serving };
}

/** What the controller remembers of a campaign between two looks. */
export interface PacingState {
  readonly passPpm: number;
  readonly spentTodayKrw: number;
  /** Epoch ms of the last look. */
  readonly at: number;
  /** Spend seen, and the time in which it could be spent at full pace; both fade. Their quotient is the demand. */
  readonly fadedSpendKrw: number;
  readonly fadedFullPassMs: number;
}

export interface PacingFacts {
  /** What today may cost: the daily budget, or what the total budget leaves of it. */
  readonly dailyBudgetKrw: number;
  readonly spentTodayKrw: number;
  /** Epoch ms. */
  readonly now: number;
  readonly time: ServingTime;
}

/**
 * Nothing measured yet: full pace, as if the demand were the plan; or the share that another monitor left, as if it
 * met the plan. (Taking the demand for the plan there, too, would open a campaign held at a quarter to full.)
 */
export function firstPacingState(facts: PacingFacts, passPpm = FULL_PPM): PacingState {
  const { now, spentTodayKrw } = facts;
  return {
    passPpm,
    spentTodayKrw,
    at: now,
    fadedSpendKrw: evenKrwPerMs(facts) * FIRST_GUESS_MS,
    fadedFullPassMs: (FIRST_GUESS_MS * passPpm) / FULL_PPM,
  };
}

/**
 * The share of queries in which the campaign takes part until the next look.
 *
 * Probabilistic throttling after Agarwal, Ghosh, Wei, You, "Budget Pacing for Targeted Online Advertisements at
 * LinkedIn" (KDD 2014): compare what is spent with what should be spent by now, and step the share down or up by a
 * bounded factor. Two differences. The plan is even over the serving hours instead of following a traffic forecast,
 * which is what `even` promises. The step aims at the measured demand (spend per time at full pace), because a fixed
 * step of 10 % every ten seconds swings around the plan for ever.
 */
export function nextPacing(before: PacingState, facts: PacingFacts): PacingState {
  const { now, spentTodayKrw, time } = facts;
  const measured = measureDemand(before, facts);
  const next = { ...measured, spentTodayKrw, at: now };
  return { ...next, passPpm: time.serving ? nextPassShare(next, facts) : before.passPpm };
}

function measureDemand(before: PacingState, { now, spentTodayKrw, time }: PacingFacts): PacingState {
  const elapsedMs = now - before.at;
  // A new day, a reversal, a look missed for so long that the share may not have held, or no serving hour.
  if (elapsedMs <= 0 || elapsedMs > LOST_SIGHT_MS || spentTodayKrw < before.spentTodayKrw || !time.serving)
    return before;
  const kept = Math.exp(-elapsedMs / DEMAND_MEMORY_MS);
  return {
    ...before,
    fadedSpendKrw: before.fadedSpendKrw * kept + (spentTodayKrw - before.spentTodayKrw),
    fadedFullPassMs: before.fadedFullPassMs * kept + (elapsedMs * before.passPpm) / FULL_PPM,
  };
}

/** One step towards the share that spends `wantedKrwPerMs` of the measured demand. */
export function nextPassShare(state: PacingState, facts: PacingFacts): number {
  const { dailyBudgetKrw, spentTodayKrw, time } = facts;
  const behind = spentTodayKrw < plannedKrw(facts);
  if (behind && time.leftMs <= LAST_STRETCH_MS) return FULL_PPM;
  if (spentTodayKrw >= dailyBudgetKrw) return LEAST_PASS_PPM;
  const wanted = wantedKrwPerMs(facts);
  const demand = state.fadedFullPassMs > 0 ? state.fadedSpendKrw / state.fadedFullPassMs : 0;
  // Nobody clicked yet: more than wanted cannot be seen, so only up, and only when behind.
  const aim = demand > 0 ? (wanted / demand) * FULL_PPM : behind ? FULL_PPM : state.passPpm;
  const step = Math.min(state.passPpm * STEP_UP, Math.max(state.passPpm * STEP_DOWN, aim));
  return Math.round(Math.min(FULL_PPM, Math.max(LEAST_PASS_PPM, step)));
}

/** What should be spent by now. */
export function plannedKrw(facts: PacingFacts): number {
  return evenKrwPerMs(facts) * facts.time.passedMs;
}

function evenKrwPerMs({ dailyBudgetKrw, time }: PacingFacts): number {
  const dayMs = time.passedMs + time.leftMs;
  return dayMs === 0 ? 0 : dailyBudgetKrw / dayMs;
}

/**
 * The plan's pace, plus or minus what makes up for the difference. Behind after a silence or a late start, it goes
 * at most at double pace, or as fast as the rest of the day needs: what was missed is spread, not burnt.
 */
function wantedKrwPerMs(facts: PacingFacts): number {
  const { dailyBudgetKrw, spentTodayKrw, time } = facts;
  const planned = evenKrwPerMs(facts);
  const differenceKrw = plannedKrw(facts) - spentTodayKrw;
  const needed = (dailyBudgetKrw - spentTodayKrw) / Math.max(1, time.leftMs);
  const most = Math.max(2 * planned, needed);
  return Math.min(most, Math.max(0, planned + differenceKrw / CATCH_UP_MS));
}

/**
 * Whether a campaign with this share sits a request out. A hash instead of a dice: the same request is decided the
 * same wherever and however often it is asked, and campaigns sit out independently of each other.
 */
export function isLeftOut(campaignId: string, requestId: string, passPpm: number): boolean {
  return mixed(fnv1a(requestId, fnv1a(campaignId, FNV_OFFSET))) % FULL_PPM >= passPpm;
}

const FNV_OFFSET = 0x811c9dc5;

/** Fowler, Noll, Vo: FNV-1a, 32 bits. */
function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** FNV leaves the high bits nearly untouched by the last letters: finished as in MurmurHash3. */
function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
