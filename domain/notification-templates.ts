/**
 * Notices as data. Variables stand as `#{name}` (the form of Kakao Alimtalk). `alimtalkCode`: the template that the
 * messenger has approved; notices without it go to the inbox and by mail only. Urgent ones ignore quiet hours.
 */
export interface NotificationText {
  readonly subject: string;
  readonly body: string;
}

export interface NotificationTemplateSpec {
  readonly ko: NotificationText;
  readonly en: NotificationText;
  readonly alimtalkCode?: string;
  readonly urgent?: boolean;
}

export const NOTIFICATION_TEMPLATES = {
  invalid_clicks_reversed: {
    ko: {
      subject: '[광고센터] 무효 클릭 #{clicks}건의 광고비를 돌려드렸습니다',
      body: '#{days}에 과금된 클릭 중 #{clicks}건이 사후 점검에서 무효로 확인되어 #{amount}원을 환급했습니다. 결제했던 재원(현금·프로모션) 그대로 돌아가며, 미납금이 있으면 먼저 충당됩니다. 클릭 내역에서 확인하실 수 있습니다.',
    },
    en: {
      subject: '[Ads] #{clicks} invalid clicks were credited back',
      body: 'A later check found #{clicks} clicks charged on #{days} invalid: #{amount} won came back to the funds that had paid (what you owe is paid first). They are marked in your list of clicks.',
    },
  },
  invalid_clicks_found: {
    ko: {
      subject: '[광고센터 운영] 무효로 의심되는 클릭 #{clicks}건을 확인해 주세요',
      body: '일일 점검에서 과금된 클릭 #{clicks}건(#{amount}원)이 무효로 의심됩니다. 7일 안에 확정하면 환급되고, 그러지 않으면 종료됩니다. 확인 번호: #{findingId}',
    },
    en: {
      subject: '[Ads operations] #{clicks} clicks may be invalid: please decide',
      body: 'The daily search found #{clicks} charged clicks (#{amount} won) that may be invalid. Confirmed within 7 days they are taken back; otherwise nothing moves. Finding: #{findingId}',
    },
  },
  tax_correction_needed: {
    ko: {
      subject: '[광고센터 운영] 수정세금계산서 #{count}건이 필요합니다',
      body: '무효 클릭 처리 #{findingId}(으)로 이미 발행된 달의 과금이 취소되었습니다. 수정 대상: #{documents}',
    },
    en: {
      subject: '[Ads operations] #{count} tax invoices need a correction',
      body: 'Finding #{findingId} took back charges of months that are invoiced already. Draw up corrections of: #{documents}',
    },
  },
  campaign_approved: {
    ko: {
      subject: '[광고센터] 캠페인이 승인되었습니다: #{campaignName}',
      body: '#{campaignName} 캠페인의 심사가 완료되었습니다. 순위에 반영되면 광고 송출이 시작됩니다.',
    },
    en: {
      subject: '[Ads] Campaign approved: #{campaignName}',
      body: 'The review of #{campaignName} is complete. Its ads are served as soon as the ranking has taken it in.',
    },
    alimtalkCode: 'CAMPAIGN_APPROVED',
  },
  campaign_active: {
    ko: {
      subject: '[광고센터] 광고 송출이 시작되었습니다: #{campaignName}',
      body: '#{campaignName} 캠페인이 순위에 반영되어 광고 송출이 시작되었습니다.',
    },
    en: {
      subject: '[Ads] Serving: #{campaignName}',
      body: 'The ranking has taken #{campaignName} in: its ads are served from now on.',
    },
  },
  campaign_rejected: {
    ko: {
      subject: '[광고센터] 캠페인 수정이 필요합니다: #{campaignName}',
      body: '#{campaignName} 캠페인이 반려되었습니다. 사유: #{reasons}. 수정 후 다시 제출해 주세요.',
    },
    en: {
      subject: '[Ads] Campaign needs changes: #{campaignName}',
      body: '#{campaignName} was rejected: #{reasons}. Correct it and submit it again.',
    },
    alimtalkCode: 'CAMPAIGN_REJECTED',
  },
  advertiser_application_received: {
    ko: {
      subject: '[광고센터] 광고주 신청이 접수되었습니다',
      body: '#{companyName}의 광고주 신청이 접수되었습니다. 심사는 다음 영업일까지 완료됩니다.',
    },
    en: {
      subject: '[Ads] We have your application',
      body: 'The application of #{companyName} has arrived. We decide by the end of the next business day.',
    },
  },
  advertiser_approved: {
    ko: {
      subject: '[광고센터] 광고주 신청이 승인되었습니다',
      body: '#{companyName}의 광고주 계정이 활성화되었습니다. 광고비를 충전하면 캠페인을 시작할 수 있습니다.',
    },
    en: {
      subject: '[Ads] Your application is approved',
      body: 'The account of #{companyName} is active. Top up your balance to start your first campaign.',
    },
    alimtalkCode: 'ADVERTISER_APPROVED',
  },
  advertiser_rejected: {
    ko: {
      subject: '[광고센터] 광고주 신청에 보완이 필요합니다',
      body: '#{companyName}의 광고주 신청이 반려되었습니다. 사유: #{reasons}. #{days}일 안에 보완하여 다시 제출해 주세요.',
    },
    en: {
      subject: '[Ads] Your application needs changes',
      body: 'The application of #{companyName} was sent back: #{reasons}. Correct it and submit it again within #{days} days.',
    },
    alimtalkCode: 'ADVERTISER_REJECTED',
  },
  advertiser_application_closed: {
    ko: {
      subject: '[광고센터] 광고주 신청이 종료되었습니다',
      body: '보완 기한이 지나 #{companyName}의 광고주 신청이 종료되었습니다. 언제든지 새로 신청하실 수 있습니다.',
    },
    en: {
      subject: '[Ads] Your application was closed',
      body: 'The time for corrections is over, so the application of #{companyName} was closed. You may apply again at any time.',
    },
  },
  advertiser_first_campaign: {
    ko: {
      subject: '[광고센터] 첫 캠페인을 등록해 보세요',
      body: '#{companyName}의 첫 충전이 완료되었습니다. 이제 캠페인을 등록하고 광고를 시작할 수 있습니다.',
    },
    en: {
      subject: '[Ads] Create your first campaign',
      body: 'The first top-up of #{companyName} has arrived. You can create your first campaign now.',
    },
    alimtalkCode: 'ADVERTISER_FIRST_CAMPAIGN',
  },
  advertiser_review_waiting: {
    ko: {
      subject: '[광고센터 운영] 광고주 심사 요청: #{companyName}',
      body: '#{companyName}의 광고주 신청이 심사를 기다립니다.',
    },
    en: {
      subject: '[Ads operations] Application to review: #{companyName}',
      body: 'The application of #{companyName} waits for a reviewer.',
    },
  },
  advertiser_review_overdue: {
    ko: {
      subject: '[광고센터 운영] 광고주 심사 기한 초과: #{companyName}',
      body: '#{companyName}의 광고주 신청이 심사 기한을 넘겼습니다 (알림 #{reminder}회).',
    },
    en: {
      subject: '[Ads operations] Application overdue: #{companyName}',
      body: 'The review of #{companyName} is past its deadline (reminder #{reminder}).',
    },
    urgent: true,
  },
  daily_budget_reached: {
    ko: {
      subject: '[광고센터] 일예산 #{percent}% 소진: #{campaignName}',
      body: '#{campaignName} 캠페인이 오늘 #{spentKrw}원을 사용하여 일예산 #{budgetKrw}원의 #{percent}%에 도달했습니다.',
    },
    en: {
      subject: '[Ads] #{percent}% of the daily budget spent: #{campaignName}',
      body: '#{campaignName} has spent #{spentKrw} won today, #{percent}% of its daily budget of #{budgetKrw} won.',
    },
  },
  daily_budget_exhausted: {
    ko: {
      subject: '[광고센터] 일예산이 소진되었습니다: #{campaignName}',
      body: '#{campaignName} 캠페인의 일예산 #{budgetKrw}원이 소진되어 오늘은 더 이상 노출되지 않습니다. 예산을 늘리면 바로 다시 노출됩니다.',
    },
    en: {
      subject: '[Ads] Daily budget exhausted: #{campaignName}',
      body: 'The daily budget of #{budgetKrw} won of #{campaignName} is spent: it is not shown again today. It returns at once when you raise the budget.',
    },
    alimtalkCode: 'DAILY_BUDGET_EXHAUSTED',
  },
  total_budget_reached: {
    ko: {
      subject: '[광고센터] 총예산 #{percent}% 소진: #{campaignName}',
      body: '#{campaignName} 캠페인이 총 #{spentKrw}원을 사용하여 총예산 #{budgetKrw}원의 #{percent}%에 도달했습니다.',
    },
    en: {
      subject: '[Ads] #{percent}% of the total budget spent: #{campaignName}',
      body: '#{campaignName} has spent #{spentKrw} won, #{percent}% of its total budget of #{budgetKrw} won.',
    },
  },
  total_budget_exhausted: {
    ko: {
      subject: '[광고센터] 총예산이 소진되었습니다: #{campaignName}',
      body: '#{campaignName} 캠페인의 총예산 #{budgetKrw}원이 소진되어 노출이 중지되었습니다.',
    },
    en: {
      subject: '[Ads] Total budget exhausted: #{campaignName}',
      body: 'The total budget of #{budgetKrw} won of #{campaignName} is spent: it is not shown any more.',
    },
    alimtalkCode: 'TOTAL_BUDGET_EXHAUSTED',
  },
  balance_low: {
    ko: {
      subject: '[광고센터] 잔액이 부족해지고 있습니다',
      body: '현재 잔액은 #{balanceKrw}원으로 알림 기준 #{thresholdKrw}원보다 적습니다. 광고가 중단되지 않도록 충전해 주세요.',
    },
    en: {
      subject: '[Ads] Your balance is running low',
      body: 'Your balance is #{balanceKrw} won, below your threshold of #{thresholdKrw} won. Top up to keep your ads running.',
    },
    alimtalkCode: 'BALANCE_LOW',
  },
  balance_exhausted: {
    ko: {
      subject: '[광고센터] 잔액이 소진되어 광고가 중단되었습니다',
      body: '현재 잔액은 #{balanceKrw}원입니다. 충전하시면 광고가 바로 다시 노출됩니다.',
    },
    en: {
      subject: '[Ads] Balance exhausted: your ads have stopped',
      body: 'Your balance is #{balanceKrw} won. Your ads return at once when you top up.',
    },
    alimtalkCode: 'BALANCE_EXHAUSTED',
    urgent: true,
  },
  daily_digest: {
    ko: {
      subject: '[광고센터] #{date} 광고 성과 요약',
      body: '노출 #{impressions}회, 클릭 #{clicks}회, 총비용 #{spendKrw}원, 전환 #{conversions}건, 전환매출 #{conversionValueKrw}원 (ROAS #{roasPercent}%). 잔액 #{balanceKrw}원. #{adviceKo}',
    },
    en: {
      subject: '[Ads] Your results of #{date}',
      body: '#{impressions} impressions, #{clicks} clicks, #{spendKrw} won spent, #{conversions} conversions worth #{conversionValueKrw} won (ROAS #{roasPercent}%). Balance #{balanceKrw} won. #{adviceEn}',
    },
  },
  bid_proposals_ready: {
    ko: {
      subject: '[광고센터] 입찰가 제안 #{count}건이 도착했습니다',
      body: '#{week} 주의 성과를 바탕으로 입찰가 변경 #{count}건을 제안합니다. 콘솔에서 수락하거나 거절해 주세요.',
    },
    en: {
      subject: '[Ads] #{count} bid proposals for you',
      body: 'From the results up to the week of #{week} we propose #{count} changes of your bids. Accept or reject them in the console.',
    },
  },
  ranking_parameters_proposed: {
    ko: {
      subject: '[광고센터 운영] #{quarter} 랭킹 파라미터 제안',
      body: '#{quarter} 랭킹 파라미터 제안이 승인을 기다립니다: #{reason}',
    },
    en: {
      subject: '[Ads operations] Ranking parameters proposed for #{quarter}',
      body: 'A proposal of ranking parameters for #{quarter} waits for a decision: #{reason}',
    },
  },
  top_up_credited: {
    ko: {
      subject: '[광고센터] #{amount}원이 충전되었습니다',
      body: '광고비 #{amount}원이 충전되었습니다. 잔액은 광고센터에서 확인하실 수 있습니다.',
    },
    en: {
      subject: '[Ads] #{amount} won topped up',
      body: 'Your top-up of #{amount} won has arrived. See the console for your balance.',
    },
    alimtalkCode: 'TOP_UP_CREDITED',
  },
  top_up_expired: {
    ko: {
      subject: '[광고센터] 충전이 취소되었습니다: #{amount}원',
      body: '기한 내에 결제가 확인되지 않아 #{amount}원 충전 신청이 취소되었습니다. 다시 신청해 주세요.',
    },
    en: {
      subject: '[Ads] Top-up expired: #{amount} won',
      body: 'No payment arrived in time, so your top-up of #{amount} won was closed. Order it again when you like.',
    },
  },
  top_up_failed: {
    ko: {
      subject: '[광고센터] 충전에 실패했습니다: #{amount}원',
      body: '#{amount}원 충전이 완료되지 않았습니다. 사유: #{reason}. 다시 시도해 주세요.',
    },
    en: {
      subject: '[Ads] Top-up failed: #{amount} won',
      body: 'Your top-up of #{amount} won was not completed: #{reason}. Please try again.',
    },
  },
  top_up_reversed: {
    ko: {
      subject: '[광고센터] 입금이 취소되었습니다: #{amount}원',
      body: '은행에서 입금 #{amount}원을 취소하여 잔액에서 차감했습니다. 미납액: #{owed}원. 미납액이 있으면 다시 충전하실 때까지 광고가 중단됩니다.',
    },
    en: {
      subject: '[Ads] Deposit taken back: #{amount} won',
      body: 'The bank took back your deposit of #{amount} won, so it left your balance. You owe #{owed} won; while you owe anything, your ads are stopped until the next top-up.',
    },
    alimtalkCode: 'TOP_UP_REVERSED',
    urgent: true,
  },
  auto_top_up_failed: {
    ko: {
      subject: '[광고센터] 자동 충전에 실패했습니다: #{amount}원',
      body: '등록된 카드로 #{amount}원을 결제하지 못했습니다. 사유: #{reason}. 대기 시간 후 다시 시도합니다 (#{failures}/#{limit}회 실패).',
    },
    en: {
      subject: '[Ads] Automatic top-up failed: #{amount} won',
      body: 'Your card could not be charged #{amount} won: #{reason}. We try again after the cooldown (#{failures} of #{limit} failures).',
    },
  },
  auto_top_up_off: {
    ko: {
      subject: '[광고센터] 자동 충전이 해제되었습니다',
      body: '카드 결제가 #{failures}회 연속 실패하여 자동 충전을 해제했습니다. 마지막 사유: #{reason}. 카드를 확인하고 다시 설정해 주세요.',
    },
    en: {
      subject: '[Ads] Automatic top-up switched off',
      body: 'Your card was declined #{failures} times in a row, last: #{reason}. Automatic top-up is off; check the card and switch it on again.',
    },
    alimtalkCode: 'AUTO_TOP_UP_OFF',
    urgent: true,
  },
  auto_top_up_cap_reached: {
    ko: {
      subject: '[광고센터] 이번 달 자동 충전 한도에 도달했습니다',
      body: '#{month} 자동 충전 한도 #{cap}원에 도달하여 더 이상 자동으로 충전되지 않습니다. 한도를 올리거나 직접 충전해 주세요.',
    },
    en: {
      subject: '[Ads] Monthly cap of automatic top-up reached',
      body: 'The cap of #{cap} won for #{month} is used up: no more automatic top-ups this month. Raise it, or top up yourself.',
    },
  },
  settlement_failed: {
    ko: {
      subject: '[광고센터] #{businessDate} 정산이 완료되지 않았습니다',
      body: '#{businessDate} 일 정산에서 차이 #{count}건이 발견되어 공개되지 않았습니다. 첫 번째: #{detail}',
    },
    en: {
      subject: '[Ads] The settlement of #{businessDate} failed',
      body: 'The settlement of #{businessDate} found #{count} differences and was not published. First: #{detail}',
    },
    urgent: true,
  },
  tax_invoice_issued: {
    ko: {
      subject: '[광고센터] #{month} 전자세금계산서가 발행되었습니다',
      body: '#{month} 광고비 전자세금계산서가 국세청에 전송되었습니다. 합계 #{totalKrw}원, 국세청승인번호 #{ntsConfirmNumber}.',
    },
    en: {
      subject: '[Ads] Tax invoice for #{month} issued',
      body: 'The tax invoice for #{month} was accepted by the tax authority. Total #{totalKrw} KRW, confirmation #{ntsConfirmNumber}.',
    },
    alimtalkCode: 'TAX_INVOICE_ISSUED',
  },
  tax_invoice_exception: {
    ko: {
      subject: '[광고센터] 세금계산서 확인이 필요합니다: #{taxInvoiceId}',
      body: '세금계산서 #{taxInvoiceId} 처리가 중단되었습니다. 사유: #{reason}. 원인을 해결한 뒤 다시 발행해 주세요.',
    },
    en: {
      subject: '[Ads] A tax invoice needs attention: #{taxInvoiceId}',
      body: 'Tax invoice #{taxInvoiceId} stands still: #{reason}. Resolve the cause and issue it again.',
    },
  },
  tax_invoice_deadline: {
    ko: {
      subject: '[광고센터] #{month} 세금계산서 발행 기한: #{lastDate}',
      body: '#{month} 세금계산서 #{open}건이 아직 국세청 승인을 받지 못했습니다. 발행 기한은 #{lastDate}입니다.',
    },
    en: {
      subject: '[Ads] Tax invoices for #{month} are due by #{lastDate}',
      body: '#{open} tax invoices for #{month} are not accepted yet. The last day to issue them is #{lastDate}.',
    },
    urgent: true,
  },
} as const satisfies Record<string, NotificationTemplateSpec>;

export type NotificationTemplate = keyof typeof NOTIFICATION_TEMPLATES;

/** Fills `#{name}`; a variable that is missing is left visible rather than lost. */
export function fillTemplate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/#\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => variables[name] ?? whole);
}
