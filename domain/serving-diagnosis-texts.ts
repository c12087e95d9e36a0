import { fillTemplate } from './notification-templates.js';
import { isPlacement, type Placement } from './placement.js';
import type { Finding, FindingCode } from './serving-diagnosis.js';

/** What a seller reads of a finding, in two languages, with what to do next. Facts stand as `#{name}`. */
interface FindingTexts {
  readonly ko: string;
  readonly en: string;
  readonly nextStepKo: string;
  readonly nextStepEn: string;
}

const TEXTS: Readonly<Record<FindingCode, FindingTexts>> = {
  draft: {
    ko: '아직 제출하지 않은 캠페인입니다.',
    en: 'The campaign is a draft and was not submitted.',
    nextStepKo: '비어 있는 항목을 채우고 심사를 요청하세요.',
    nextStepEn: 'Fill in what is missing and submit it for review.',
  },
  rejected: {
    ko: '심사에서 반려되었습니다.',
    en: 'The review rejected the campaign.',
    nextStepKo: '반려 사유를 확인해 고친 뒤 다시 제출하세요.',
    nextStepEn: 'Read the reasons, correct the campaign and submit it again.',
  },
  in_review: {
    ko: '심사 중입니다.',
    en: 'The campaign is in review.',
    nextStepKo: '승인되면 바로 노출이 시작되고 알림을 보내 드립니다.',
    nextStepEn: 'It is served as soon as it is approved; you will be told.',
  },
  ended: {
    ko: '종료된 캠페인입니다.',
    en: 'The campaign has ended.',
    nextStepKo: '다시 광고하려면 새 캠페인을 만드세요.',
    nextStepEn: 'Create a new campaign to advertise again.',
  },
  period_over: {
    ko: '집행 기간이 #{endDate}에 끝났습니다.',
    en: 'Its last day was #{endDate}.',
    nextStepKo: '다시 광고하려면 새 캠페인을 만드세요.',
    nextStepEn: 'Create a new campaign to advertise again.',
  },
  not_started: {
    ko: '집행 시작일은 #{startDate}입니다.',
    en: 'Its first day is #{startDate}.',
    nextStepKo: '시작일 0시(한국 시간)부터 자동으로 노출됩니다.',
    nextStepEn: 'It is served from midnight (Korea) of that day on.',
  },
  paused: {
    ko: '일시 중지되어 있습니다.',
    en: 'The campaign is paused.',
    nextStepKo: '다시 노출하려면 캠페인을 재개하세요.',
    nextStepEn: 'Resume the campaign to be shown again.',
  },
  payment_reversed: {
    ko: '입금이 취소되어 미납금이 있으므로 모든 캠페인이 멈췄습니다.',
    en: 'A deposit was taken back and is owed; all campaigns are stopped.',
    nextStepKo: '미납금을 충전으로 갚으면 다시 노출됩니다.',
    nextStepEn: 'Top up at least what is owed; serving then goes on.',
  },
  balance_exhausted: {
    ko: '잔액(#{balanceKrw}원)이 다음 클릭을 내기에 모자라 멈췄습니다.',
    en: 'The balance (₩#{balanceKrw}) cannot pay the next click.',
    nextStepKo: '충전하면 바로 다시 노출됩니다. 자동 충전을 켜 두면 끊기지 않습니다.',
    nextStepEn: 'Top up to be shown again at once; automatic top-up prevents interruptions.',
  },
  balance_below_floor: {
    ko: '잔액 #{balanceKrw}원이 최저 클릭 단가 #{bidFloorKrw}원보다 적습니다.',
    en: 'The balance of ₩#{balanceKrw} is below the lowest price of a click, ₩#{bidFloorKrw}.',
    nextStepKo: '충전하면 바로 다시 노출됩니다.',
    nextStepEn: 'Top up to be shown.',
  },
  total_budget_exhausted: {
    ko: '총예산을 모두 썼습니다.',
    en: 'The total budget is spent.',
    nextStepKo: '계속하려면 총예산을 늘리세요.',
    nextStepEn: 'Raise the total budget to go on.',
  },
  daily_budget_exhausted: {
    ko: '오늘(#{untilDate}) 하루예산을 모두 썼습니다.',
    en: 'The daily budget of #{untilDate} is spent.',
    nextStepKo: '자정(한국 시간)에 다시 노출됩니다. 오늘 계속하려면 하루예산을 늘리세요.',
    nextStepEn: 'It is served again from midnight (Korea); raise the daily budget to go on today.',
  },
  bid_below_floor: {
    ko: '#{placement} 입찰가 #{maxCpcKrw}원이 최저가 #{bidFloorKrw}원보다 낮습니다.',
    en: 'The bid of ₩#{maxCpcKrw} for #{placement} is below the floor of ₩#{bidFloorKrw}.',
    nextStepKo: '입찰가를 #{bidFloorKrw}원 이상으로 올리세요.',
    nextStepEn: 'Bid at least ₩#{bidFloorKrw}.',
  },
  keywords_rejected: {
    ko: '검색 키워드 #{keywords}개가 모두 반려되었습니다.',
    en: 'All #{keywords} search keywords were rejected.',
    nextStepKo: '반려 사유를 보고 다른 키워드로 새 캠페인을 만드세요.',
    nextStepEn: 'Read the reasons and create a campaign with other keywords.',
  },
  not_acknowledged: {
    ko: '마지막 변경(버전 #{servingVersion})이 아직 순위에 반영되지 않았습니다.',
    en: 'The ranking has not taken in the last change (version #{servingVersion}) yet.',
    nextStepKo: '보통 1분 안에 반영됩니다. 그보다 오래 걸리면 운영팀에 알려 주세요.',
    nextStepEn: 'This takes less than a minute; tell the operators if it does not.',
  },
  outside_schedule: {
    ko: '지금은 선택한 요일·시간대가 아닙니다. 다음 노출: #{opensAt}(한국 시간).',
    en: 'It is not one of the chosen days and hours now. Next: #{opensAt} (Korea).',
    nextStepKo: '더 일찍 노출하려면 요일·시간대를 넓힌 캠페인을 만드세요.',
    nextStepEn: 'To be shown earlier, create a campaign with more days or hours.',
  },
  outside_ranking: {
    ko: '순위표에 들지 못했습니다. 모든 지면에서 더 높은 순위의 광고가 자리를 채웁니다.',
    en: 'No ad of it stands in any ranking: higher ranked ads fill them.',
    nextStepKo: '입찰가를 올리거나, 경쟁이 적은 카테고리·키워드를 고르세요.',
    nextStepEn: 'Raise the bids, or choose categories and keywords with fewer rivals.',
  },
  no_queries: {
    ko: '최근 24시간 동안 이 캠페인의 카테고리와 키워드를 찾은 고객이 없었습니다.',
    en: 'Nobody asked for the categories or keywords of this campaign in the last 24 hours.',
    nextStepKo: '더 많이 찾는 키워드를 쓰거나 다른 지면에도 입찰하세요.',
    nextStepEn: 'Use keywords that are searched more, or bid for other placements, too.',
  },
  below_shown_range: {
    ko: '#{placement}에서 겨룬 경매의 #{lostPercent}%에서 노출 순위 밖이었습니다(#{window}, 순위 #{ownRank}위, 자리 #{slots}개).',
    en: 'Outranked in #{lostPercent}% of the auctions for #{placement} in which it competed (#{window}; rank #{ownRank}, #{slots} slots).',
    nextStepKo: '추정: 입찰가 #{maxCpcKrw}원을 #{neededBidKrw}원으로 올리면 지금의 마지막 자리에 듭니다.',
    nextStepEn: 'Estimate: a bid of ₩#{neededBidKrw} instead of ₩#{maxCpcKrw} would take the last slot now.',
  },
  targeting_narrow: {
    ko: '#{placement} 경매의 #{sharePercent}%에서 고객이 타기팅과 맞지 않았습니다(#{window}).',
    en: 'In #{sharePercent}% of the auctions for #{placement} the shopper is not among those targeted (#{window}).',
    nextStepKo: '지역·기기·시간대·고객군을 넓히면 더 많이 노출됩니다.',
    nextStepEn: 'More regions, devices, hours or segments bring more impressions.',
  },
  cannot_afford: {
    ko: '#{placement} 경매의 #{sharePercent}%에서 남은 예산이나 잔액이 클릭 단가보다 적었습니다(#{window}).',
    en: 'In #{sharePercent}% of the auctions for #{placement} what was left could not pay the click (#{window}).',
    nextStepKo: '예산을 늘리거나 충전하세요.',
    nextStepEn: 'Raise the budget or top up.',
  },
  paced: {
    ko: '예산을 하루에 고르게 쓰도록 #{placement} 경매의 #{sharePercent}%를 건너뛰었습니다(#{window}).',
    en: 'Even spending sat out #{sharePercent}% of the auctions for #{placement} (#{window}).',
    nextStepKo: '더 빨리 쓰려면 하루예산을 늘리거나 빠른 소진으로 바꾸세요.',
    nextStepEn: 'Raise the daily budget, or spend as soon as possible instead.',
  },
  not_won_yet: {
    ko: '최근 24시간 동안 경매 #{considered}번에 후보로 올랐지만 노출 자리를 얻지 못했습니다.',
    en: 'A candidate in #{considered} auctions of the last 24 hours, and no slot won.',
    nextStepKo: '아래 지면별 사유를 확인하세요. 경매가 더 쌓이면 진단이 정확해집니다.',
    nextStepEn: 'See the reasons of each placement below; more auctions make this more exact.',
  },
  viewed_product: {
    ko: '#{placement} 경매의 #{sharePercent}%는 고객이 이미 보고 있는 상품이었습니다(#{window}).',
    en: 'In #{sharePercent}% of the auctions for #{placement} the shopper was looking at the product itself (#{window}).',
    nextStepKo: '조치할 것이 없습니다. 보고 있는 상품은 그 페이지에서 광고하지 않습니다.',
    nextStepEn: 'Nothing to do: a product is never advertised on its own page.',
  },
  own_siblings: {
    ko: '#{placement} 경매의 #{sharePercent}%에서 순위가 더 높은 자사 광고가 대신 참여했습니다(#{window}).',
    en: 'In #{sharePercent}% of the auctions for #{placement} a higher ranked ad of yours took part instead (#{window}).',
    nextStepKo:
      '조치할 것이 없습니다. 한 경매에는 판매자마다 광고 하나만 참여하고, 자사 광고는 단가를 올리지 않습니다.',
    nextStepEn: 'Nothing to do: one ad of each seller takes part, and your own ads never raise your price.',
  },
  already_shown: {
    ko: '#{placement} 경매의 #{sharePercent}%에서 고객이 같은 방문의 앞 페이지에서 이미 본 광고였습니다(#{window}).',
    en: 'In #{sharePercent}% of the auctions for #{placement} an earlier page of the visit had shown the ad (#{window}).',
    nextStepKo: '조치할 것이 없습니다. 이미 노출된 고객입니다.',
    nextStepEn: 'Nothing to do: these shoppers have seen the ad.',
  },
  served: {
    ko: '정상 노출 중입니다. 최근 24시간 동안 #{won}번 노출 자리를 얻었습니다(경매의 #{sharePercent}%).',
    en: 'Served normally: #{won} slots won in the last 24 hours (#{sharePercent}% of the auctions).',
    nextStepKo: '조치할 것이 없습니다.',
    nextStepEn: 'Nothing to do.',
  },
};

/** Said instead when a fact is not known. */
const WITHOUT_SAMPLES: FindingTexts = {
  ko: '#{placement}에서 겨룬 경매의 #{lostPercent}%에서 노출 순위 밖이었습니다(#{window}).',
  en: 'Outranked in #{lostPercent}% of the auctions for #{placement} in which it competed (#{window}).',
  nextStepKo: '입찰가를 올리거나, 클릭이 더 잘 되는 상품을 광고하세요.',
  nextStepEn: 'Raise the bid, or advertise products that are clicked more.',
};
/** Said instead when something else limits it: "nothing to do" would contradict that. */
const SERVED_WITH_LIMITS: FindingTexts = {
  ko: '노출되고 있습니다. 최근 24시간 동안 #{won}번 노출 자리를 얻었습니다(경매의 #{sharePercent}%).',
  en: 'It is served: #{won} slots won in the last 24 hours (#{sharePercent}% of the auctions).',
  nextStepKo: '위에 나온 제한을 풀면 더 많이 노출됩니다.',
  nextStepEn: 'It is shown more once the limits above are lifted.',
};
const NEVER_AGAIN: FindingTexts = {
  ...TEXTS.outside_schedule,
  ko: '남은 집행 기간에 선택한 요일·시간대가 없습니다.',
  en: 'None of the chosen days and hours is left before the campaign ends.',
};

const PLACEMENT_NAMES: Readonly<Record<Placement, { ko: string; en: string }>> = {
  HOME: { ko: '홈', en: 'the home page' },
  CATEGORY: { ko: '카테고리', en: 'category pages' },
  PRODUCT_DETAIL: { ko: '상품 상세', en: 'product pages' },
  SEARCH: { ko: '검색', en: 'search' },
};
const WINDOW_NAMES: ReadonlyMap<unknown, { ko: string; en: string }> = new Map([
  ['last_hour', { ko: '최근 1~2시간', en: 'the last 1 to 2 hours' }],
  ['last_day', { ko: '최근 24시간', en: 'the last 24 hours' }],
]);

/** Every sentence of a finding, with its numbers. */
export function explainFinding(finding: Finding): FindingTexts {
  const texts = textsOf(finding);
  const [ko, en] = [variables(finding, 'ko'), variables(finding, 'en')];
  return {
    ko: fillTemplate(texts.ko, ko),
    en: fillTemplate(texts.en, en),
    nextStepKo: fillTemplate(texts.nextStepKo, ko),
    nextStepEn: fillTemplate(texts.nextStepEn, en),
  };
}

function textsOf({ code, facts }: Finding): FindingTexts {
  if (code === 'below_shown_range' && facts.neededBidKrw === null) return WITHOUT_SAMPLES;
  if (code === 'outside_schedule' && facts.opensAt === null) return NEVER_AGAIN;
  if (code === 'served' && facts.limits !== 0) return SERVED_WITH_LIMITS;
  return TEXTS[code];
}

function variables({ facts }: Finding, language: 'ko' | 'en'): Record<string, string> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, spoken(name, value, language)]),
  );
}

function spoken(name: string, value: string | number | null, language: 'ko' | 'en'): string {
  if (name === 'placement' && typeof value === 'string' && isPlacement(value))
    return PLACEMENT_NAMES[value][language];
  if (name === 'window') return WINDOW_NAMES.get(value)?.[language] ?? String(value);
  return typeof value === 'number' ? value.toLocaleString('en-US') : (value ?? '-');
}
