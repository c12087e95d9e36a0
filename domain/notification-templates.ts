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
  campaign_approved: {
    ko: {
      subject: '[광고센터] 캠페인이 승인되었습니다: #{campaignName}',
      body: '#{campaignName} 캠페인의 심사가 완료되어 광고 송출이 시작됩니다.',
    },
    en: {
      subject: '[Ads] Campaign approved: #{campaignName}',
      body: 'The review of #{campaignName} is complete. Its ads are served from now on.',
    },
    alimtalkCode: 'CAMPAIGN_APPROVED',
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
} as const satisfies Record<string, NotificationTemplateSpec>;

export type NotificationTemplate = keyof typeof NOTIFICATION_TEMPLATES;

/** Fills `#{name}`; a variable that is missing is left visible rather than lost. */
export function fillTemplate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/#\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => variables[name] ?? whole);
}
