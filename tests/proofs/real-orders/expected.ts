/** What the proof sent, with the time at which the ad system says that it recorded it. */
export interface SentClick {
  readonly clickId: string;
  readonly deviceId: string;
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly productId: string;
  readonly placement: string;
  readonly recordedAt: number;
}
export interface SentLine {
  readonly orderLineId: string;
  readonly deviceId: string;
  readonly productId: string;
  readonly sellerId: string;
  readonly quantity: number;
  readonly unitPriceKrw: number;
  readonly recordedAt: number;
  readonly cancelledAt: number | null;
}

export interface ExpectedConversion {
  readonly orderLineId: string;
  readonly clickId: string;
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly placement: string;
  readonly productId: string;
  readonly match: 'direct' | 'indirect';
  readonly quantity: number;
  readonly valueKrw: number;
  readonly clickedAt: number;
  readonly convertedAt: number;
  readonly reversedAt: number | null;
}

const WINDOW_MS = 24 * 60 * 60 * 1_000;

/**
 * The rule as it was asked for, written here once more and on purpose without the product's own code: the same device
 * clicked an ad of the seller within 24 hours before. The bought product's ad goes first, then the latest click, then
 * the greatest click id.
 */
export function expectedConversions(
  clicks: readonly SentClick[],
  lines: readonly SentLine[],
): ExpectedConversion[] {
  const byDevice = new Map<string, SentClick[]>();
  for (const click of clicks) {
    byDevice.set(click.deviceId, [...(byDevice.get(click.deviceId) ?? []), click]);
  }
  const found: ExpectedConversion[] = [];
  for (const line of lines) {
    const candidates = (byDevice.get(line.deviceId) ?? []).filter(
      (click) =>
        click.advertiserId === line.sellerId &&
        click.recordedAt <= line.recordedAt &&
        click.recordedAt >= line.recordedAt - WINDOW_MS,
    );
    candidates.sort(
      (a, b) =>
        Number(b.productId === line.productId) - Number(a.productId === line.productId) ||
        b.recordedAt - a.recordedAt ||
        (a.clickId < b.clickId ? 1 : -1),
    );
    const [click] = candidates;
    if (click === undefined) continue;
    found.push({
      orderLineId: line.orderLineId,
      clickId: click.clickId,
      adId: click.adId,
      campaignId: click.campaignId,
      advertiserId: click.advertiserId,
      placement: click.placement,
      productId: line.productId,
      match: click.productId === line.productId ? 'direct' : 'indirect',
      quantity: line.quantity,
      valueKrw: line.quantity * line.unitPriceKrw,
      clickedAt: click.recordedAt,
      convertedAt: line.recordedAt,
      reversedAt: line.cancelledAt,
    });
  }
  return found;
}

/** Lines that a longer window would have credited: what the 24 hours take away. */
export function justTooLate(
  clicks: readonly SentClick[],
  lines: readonly SentLine[],
  credited: readonly ExpectedConversion[],
): number {
  const known = new Set(credited.map((conversion) => conversion.orderLineId));
  const older = clicks.map((click) => ({ ...click, recordedAt: click.recordedAt + 2 * 60 * 60 * 1_000 }));
  return expectedConversions(older, lines).filter((line) => !known.has(line.orderLineId)).length;
}
