import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import express, { type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { sendMessagesSchema } from '../../contracts/providers/messages.js';
import {
  fillTemplate,
  NOTIFICATION_TEMPLATES,
  type NotificationTemplateSpec,
} from '../../domain/notification-templates.js';
import { answer, notFound, Refusal, read, refusals } from './kit/answer.js';
import { type Behaviours, misbehave } from './kit/behaviours.js';
import { BoundedList, BoundedMap } from './kit/bounded-map.js';

export interface ReceivedMessage {
  readonly at: string;
  readonly messageId: string;
  readonly to: string;
  readonly channel: 'alimtalk' | 'sms';
  readonly templateCode: string;
  readonly text: string;
  readonly referenceId: string;
}

type Asked = z.infer<typeof sendMessagesSchema>['messages'][number];

const MESSAGES_KEPT = 1_000;
const SIGNATURES_KEPT = 10_000;
const SIGNATURE_LIFE_MS = 15 * 60_000;
/** People with these last digits do not use the messenger: they get an SMS. */
const SMS_ONLY_ENDING = '0000';

/** The messenger's approved copies of our templates, by code. */
const APPROVED = new Map(
  Object.values<NotificationTemplateSpec>(NOTIFICATION_TEMPLATES).flatMap((spec) =>
    spec.alimtalkCode === undefined ? [] : [[spec.alimtalkCode, spec.ko.body] as const],
  ),
);

export class MessageBook {
  private readonly messages = new BoundedList<ReceivedMessage>(MESSAGES_KEPT);

  constructor(private readonly behaviours: Behaviours) {}

  list(): ReceivedMessage[] {
    return this.messages.values();
  }

  /** Delivers one message, or says why not: 2000 taken, everything else failed. */
  deliver(asked: Asked): { messageId: string; to: string; statusCode: string; statusMessage: string } {
    const messageId = `M4V${randomUUID().replaceAll('-', '').slice(0, 20)}`;
    const ended = (statusCode: string, statusMessage: string) => ({
      messageId,
      to: asked.to,
      statusCode,
      statusMessage,
    });
    const demanded = this.behaviours.takeRejection('messages');
    if (demanded) return ended(demanded.code, demanded.message);
    const { templateId, variables, disableSms } = asked.kakaoOptions;
    const template = APPROVED.get(templateId);
    if (template === undefined) return ended('3108', `승인되지 않은 템플릿입니다: ${templateId}`);
    const named = Object.entries(variables).map(([name, value]) => [name.slice(2, -1), value] as const);
    const filled = fillTemplate(template, Object.fromEntries(named));
    if (/#\{[^}]+\}/.test(filled)) return ended('3109', '템플릿 변수가 비어 있습니다.');
    const sms = asked.to.endsWith(SMS_ONLY_ENDING);
    if (sms && (disableSms || asked.text === '')) return ended('3104', '카카오톡 사용자가 아닙니다.');
    this.messages.add({
      at: new Date().toISOString(),
      messageId,
      to: asked.to,
      channel: sms ? 'sms' : 'alimtalk',
      templateCode: templateId,
      text: sms ? asked.text : filled,
      referenceId: asked.customFields.referenceId,
    });
    return ended('2000', '정상 접수');
  }
}

export function messageRoutes(options: {
  readonly book: MessageBook;
  readonly behaviours: Behaviours;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly log: Logger;
}): Router {
  const router = express.Router();
  router.use(misbehave(options.behaviours, 'messages'), requireSignature(options));
  router.post(
    '/v4/send-many/detail',
    answer((req) => {
      const { messages, showMessageList } = read(sendMessagesSchema, req.body, 'ValidationError');
      const ended = messages.map((message) => options.book.deliver(message));
      return {
        groupInfo: { groupId: `G4V${randomUUID().replaceAll('-', '').slice(0, 20)}` },
        failedMessageList: ended.filter(({ statusCode }) => statusCode !== '2000'),
        ...(showMessageList ? { messageList: ended.filter(({ statusCode }) => statusCode === '2000') } : {}),
      };
    }),
  );
  router.use(notFound);
  router.use(refusals(options.log, ({ code, message }) => ({ errorCode: code, errorMessage: message })));
  return router;
}

const AUTHORISATION =
  /^HMAC-SHA256 apiKey=(?<apiKey>[^,]+), date=(?<date>[^,]+), salt=(?<salt>[^,]{12,64}), signature=(?<signature>[0-9a-f]{64})$/;

/** The signature counts once, and for fifteen minutes. */
function requireSignature({ apiKey, apiSecret }: { apiKey: string; apiSecret: string }): RequestHandler {
  const seen = new BoundedMap<true>(SIGNATURES_KEPT);
  return (req, _res, next) => {
    const given = AUTHORISATION.exec(req.headers.authorization ?? '')?.groups;
    const { date = '', salt = '', signature = '' } = given ?? {};
    const wanted = createHmac('sha256', apiSecret)
      .update(date + salt)
      .digest();
    const signed = given?.apiKey === apiKey && timingSafeEqual(Buffer.from(signature, 'hex'), wanted);
    if (!signed) throw new Refusal(401, 'SignatureDoesNotMatch', '시그니처가 올바르지 않습니다.');
    if (!(Math.abs(Date.now() - Date.parse(date)) < SIGNATURE_LIFE_MS))
      throw new Refusal(401, 'RequestTimeTooSkewed', '요청 시간이 유효하지 않습니다.');
    if (seen.get(signature)) throw new Refusal(401, 'DuplicatedSignature', '이미 사용된 시그니처입니다.');
    seen.set(signature, true);
    next();
  };
}
