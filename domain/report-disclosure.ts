import { SEOUL_OFFSET_MS } from './business-date.js';
import type { ConversionRules } from './conversion-match.js';
import type { ReplayRange } from './conversion-replay.js';
import { AD_HOC_RULES_VERSION, conversionRulesInWords } from './conversion-rules.js';
import { INVALID_CLICK_THRESHOLDS } from './invalid-click-rules.js';

const WINDOW_SECONDS = INVALID_CLICK_THRESHOLDS.doubleClickWithinMs / 1_000;

/** How the numbers of every report were measured: printed with it, as the measurement guidelines ask. */
export const REPORT_DISCLOSURE = [
  '기여 모델: 마지막 클릭, 클릭 후 24시간, 동일 기기. 직접 전환(광고 상품)이 간접 전환(같은 판매자의 다른 상품)보다 우선. 조회 기여 없음.',
  `무효 트래픽: 봇, 만료된 클릭, 동일 광고 ${WINDOW_SECONDS}초 내 중복 클릭, 기기·IP 과다 클릭, 자기 계정 클릭을 과금 전에 제외하고 무효 클릭으로 표시.`,
  '중복 제거: 광고 노출 1회당 과금 클릭 최대 1회, 주문 상품 1건당 전환 최대 1건. 취소된 주문은 전환에서 제외.',
  '금액: 원, 부가세 포함, 과금일(한국 시간) 기준. 세금계산서가 보고서에 우선합니다. 최근 24시간은 성과 수집 중입니다.',
] as const;

/** Of conversions that an applied replay matched by other rules than those above. */
export function replayedDisclosure(
  { replayId, fromMs, toMs }: ReplayRange & { readonly replayId: number },
  rules: ConversionRules,
): string {
  const version = rules.version === AD_HOC_RULES_VERSION ? '' : ` 버전 ${rules.version}`;
  const from = fromMs === 0 ? '처음' : koreanMinute(fromMs);
  return `전환 재계산 ${replayId}: ${from}부터 ${koreanMinute(toMs)}(한국 시간) 전까지 기록된 주문은 기여 규칙${version}(${conversionRulesInWords(rules).ko})로 다시 계산했습니다. 금액은 달라지지 않습니다.`;
}

const koreanMinute = (epochMs: number) =>
  new Date(epochMs + SEOUL_OFFSET_MS).toISOString().slice(0, 16).replace('T', ' ');
