import { z } from 'zod';

/** Kakao Alimtalk with SMS as fallback, in the shape of Solapi. Numbers are digits only, variables are texts. */
export const MAX_MESSAGES = 10_000;

/** `POST /v4/send-many/detail` */
export const sendMessagesSchema = z.object({
  messages: z
    .array(
      z.object({
        to: z.string().regex(/^\d{9,11}$/, 'digits only'),
        from: z.string().regex(/^\d{8,11}$/, 'digits only'),
        /** Sent as SMS when the messenger cannot deliver. */
        text: z.string().max(2_000),
        kakaoOptions: z.object({
          pfId: z.string().min(1),
          templateId: z.string().min(1),
          variables: z.record(z.string().regex(/^#\{[^}]+\}$/), z.string()),
          disableSms: z.boolean().default(false),
        }),
        customFields: z.object({ referenceId: z.string().min(1).max(200) }),
      }),
    )
    .min(1)
    .max(MAX_MESSAGES),
  showMessageList: z.boolean().default(false),
});

const messageSchema = z.object({
  messageId: z.string(),
  to: z.string(),
  statusCode: z.string(),
  statusMessage: z.string(),
});

export const messagesAnswerSchema = z.object({
  groupInfo: z.object({ groupId: z.string() }),
  messageList: z.array(messageSchema).default([]),
  failedMessageList: z.array(messageSchema),
});
