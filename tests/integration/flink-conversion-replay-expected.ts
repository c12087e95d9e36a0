import type { Conversion } from '../../domain/conversion-match.js';

/** What a replay has to say of the rows before and after it, counted one order line after the other. */

const NO_DIFFERENCE = {
  conversionsNow: 0,
  conversionsReplayed: 0,
  valueNowKrw: 0,
  valueReplayedKrw: 0,
  gained: 0,
  lost: 0,
  movedIn: 0,
  movedOut: 0,
  matchChanged: 0,
  clickChanged: 0,
};

export const standing = (rows: readonly Conversion[]) => rows.filter((row) => row.reversedAt === null);

/** Per campaign, in the order of campaigns. */
export function differenceOf(before: readonly Conversion[], after: readonly Conversion[]) {
  const campaigns = new Map<string, Record<string, number | string>>();
  const add = (row: Conversion, key: keyof typeof NO_DIFFERENCE, amount = 1) => {
    const sums = campaigns.get(row.campaignId) ?? {
      campaignId: row.campaignId,
      advertiserId: row.advertiserId,
      ...NO_DIFFERENCE,
    };
    campaigns.set(row.campaignId, { ...sums, [key]: Number(sums[key]) + amount });
  };
  const old = new Map(standing(before).map((row) => [row.orderLineId, row]));
  const fresh = new Map(standing(after).map((row) => [row.orderLineId, row]));
  for (const row of old.values()) {
    add(row, 'conversionsNow');
    add(row, 'valueNowKrw', row.conversionValueKrw);
    const next = fresh.get(row.orderLineId);
    if (next === undefined) add(row, 'lost');
    else if (next.campaignId !== row.campaignId) add(row, 'movedOut');
    else if (next.match !== row.match) add(row, 'matchChanged');
    else if (next.clickId !== row.clickId) add(row, 'clickChanged');
  }
  for (const row of fresh.values()) {
    add(row, 'conversionsReplayed');
    add(row, 'valueReplayedKrw', row.conversionValueKrw);
    const previous = old.get(row.orderLineId);
    if (previous === undefined) add(row, 'gained');
    else if (previous.campaignId !== row.campaignId) add(row, 'movedIn');
  }
  return [...campaigns.values()].sort((a, b) => (String(a.campaignId) < String(b.campaignId) ? -1 : 1));
}

/** What a report of an advertiser shows per campaign: key, direct, indirect, value. */
export function reportOf(rows: readonly Conversion[], advertiserId: string) {
  const own = standing(rows).filter((row) => row.advertiserId === advertiserId);
  return [...new Set(own.map((row) => row.campaignId))].sort().map((campaignId) => {
    const of = own.filter((row) => row.campaignId === campaignId);
    const direct = of.filter((row) => row.match === 'direct').length;
    return [campaignId, direct, of.length - direct, of.reduce((sum, row) => sum + row.conversionValueKrw, 0)];
  });
}
