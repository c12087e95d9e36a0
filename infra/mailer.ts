import { createTransport } from 'nodemailer';
import type { Config } from './config.js';
import { PROVIDER_TIMEOUT_MS, ProviderUnavailable } from './provider-http.js';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Unique per notice and person: becomes the Message-ID, by which mailboxes recognise a repeat. */
  readonly messageId: string;
}

export interface Mailer {
  /** Throws `MailRefused` when the server will never take this mail, `ProviderUnavailable` when a repeat may help. */
  sendMail(mail: Mail): Promise<void>;
  close(): void;
}

/** The mail server's final no, such as an unknown address. */
export class MailRefused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'MailRefused';
  }
}

/** Control characters could start a header of their own. */
const headerText = (text: string) => text.replace(/\p{Cc}+/gu, ' ').trim();

export function createMailer(config: Pick<Config, 'SMTP_URL' | 'MAIL_FROM'>): Mailer {
  const transport = createTransport({
    url: config.SMTP_URL,
    connectionTimeout: PROVIDER_TIMEOUT_MS,
    greetingTimeout: PROVIDER_TIMEOUT_MS,
    socketTimeout: PROVIDER_TIMEOUT_MS,
  });
  return {
    sendMail: async ({ to, subject, text, messageId }) => {
      try {
        await transport.sendMail({
          from: config.MAIL_FROM,
          to: { name: '', address: headerText(to) },
          subject: headerText(subject),
          text,
          messageId: `<${messageId.replace(/[^A-Za-z0-9._:-]/g, '-')}@ads.example>`,
        });
      } catch (error) {
        throw toMailError(error);
      }
    },
    close: () => transport.close(),
  };
}

const AUTHENTICATION_REQUIRED = 530;

/** A no to our greeting or our password says nothing about the mail: put right, a repeat helps. */
function toMailError(error: unknown): Error {
  const status =
    error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number'
      ? error.responseCode
      : 0;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const isAboutThisMail = (code === 'EENVELOPE' || code === 'EMESSAGE') && status !== AUTHENTICATION_REQUIRED;
  return status >= 500 && isAboutThisMail
    ? new MailRefused(status, message)
    : new ProviderUnavailable('mail', 'network', message, { cause: error });
}
