import { createHmac, randomBytes } from 'node:crypto';
import { messagesAnswerSchema } from '../contracts/providers/messages.js';
import { err, ok, type Result } from '../domain/result.js';
import type { Config } from './config.js';
import { callProvider, ProviderUnavailable } from './provider-http.js';

export interface Alimtalk {
  /** Telephone number, hyphens allowed. */
  readonly to: string;
  /** A template that the messenger has approved. */
  readonly templateCode: string;
  /** By plain name; `#{name}` is added here. */
  readonly variables: Readonly<Record<string, string>>;
  /** Sent as SMS when the person does not use the messenger. */
  readonly smsText: string;
  /** Unique per notice and person. */
  readonly referenceId: string;
}

export interface AlimtalkSender {
  sendAlimtalk(message: Alimtalk): Promise<Result<{ messageId: string }>>;
}

/** Registered sender number and messenger channel of the ad centre. */
const SENDER_NUMBER = '15880000';
const CHANNEL_ID = 'KA01PF-ADS-CENTER';

type MessagesConfig = Pick<Config, 'MESSAGES_PROVIDER_URL' | 'MESSAGES_API_KEY' | 'MESSAGES_API_SECRET'>;

export function createAlimtalkSender(config: MessagesConfig): AlimtalkSender {
  return {
    sendAlimtalk: async ({ to, templateCode, variables, smsText, referenceId }) => {
      const named = Object.entries(variables).map(([name, value]) => [`#{${name}}`, value] as const);
      const message = {
        to: to.replaceAll('-', ''),
        from: SENDER_NUMBER,
        text: smsText,
        kakaoOptions: {
          pfId: CHANNEL_ID,
          templateId: templateCode,
          variables: Object.fromEntries(named),
          disableSms: false,
        },
        customFields: { referenceId },
      };
      const answer = await callProvider({
        provider: 'messages',
        method: 'POST',
        url: `${config.MESSAGES_PROVIDER_URL}/v4/send-many/detail`,
        headers: { authorization: signedAuthorization(config, new Date()) },
        body: { messages: [message], showMessageList: true },
        answer: messagesAnswerSchema,
      });
      if (!answer.ok) return answer;
      const [failed] = answer.value.failedMessageList;
      if (failed) return err({ code: `alimtalk_${failed.statusCode}`, message: failed.statusMessage });
      const [sent] = answer.value.messageList;
      if (!sent) throw new ProviderUnavailable('messages', 'unreadable', 'the answer names no message');
      return ok({ messageId: sent.messageId });
    },
  };
}

/** `HMAC-SHA256 apiKey=…, date=…, salt=…, signature=HMAC(secret, date + salt)`: counts once and for minutes only. */
function signedAuthorization(config: MessagesConfig, now: Date): string {
  const date = now.toISOString();
  const salt = randomBytes(16).toString('hex');
  const signature = createHmac('sha256', config.MESSAGES_API_SECRET)
    .update(date + salt)
    .digest('hex');
  return `HMAC-SHA256 apiKey=${config.MESSAGES_API_KEY}, date=${date}, salt=${salt}, signature=${signature}`;
}
