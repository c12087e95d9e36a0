import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Behaviours } from './kit/behaviours.js';
import { BoundedList } from './kit/bounded-map.js';

export interface ReceivedMail {
  readonly at: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
}

export interface Mailbox {
  readonly url: string;
  mails(): ReceivedMail[];
  stop(): Promise<void>;
}

const MAILS_KEPT = 1_000;
const MAX_MAIL_BYTES = 1_000_000;

/** A mail server that takes mail for anybody and shows it. Addresses that begin with `bounce@` do not exist. */
export async function startMailbox(options: {
  readonly host: string;
  readonly port: number;
  readonly behaviours: Behaviours;
  readonly log: Logger;
}): Promise<Mailbox> {
  const { behaviours, log } = options;
  const mails = new BoundedList<ReceivedMail>(MAILS_KEPT);
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    closeTimeout: 1_000,
    onMailFrom: (_address, _session, callback) => {
      const { delayMs } = behaviours.of('mail');
      const proceed = () => callback(refusalOnDemand(behaviours));
      if (delayMs > 0) setTimeout(proceed, delayMs).unref();
      else proceed();
    },
    onRcptTo: ({ address }, _session, callback) =>
      callback(address.startsWith('bounce@') ? smtpError(550, `no such mailbox: ${address}`) : null),
    onData: (stream, session, callback) => {
      readAll(stream)
        .then(async (raw) => {
          if (stream.sizeExceeded) throw smtpError(552, 'the mail is too large');
          const to = session.envelope.rcptTo.map(({ address }) => address);
          mails.add(await parseMail(raw, to));
        })
        .then(
          () => callback(null, 'kept'),
          (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
        );
    },
  });
  server.on('error', (error) => log.debug({ err: error }, 'mail connection'));
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://${options.host}:${port}`,
    mails: () => mails.values(),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refusalOnDemand(behaviours: Behaviours): Error | null {
  if (behaviours.take('mail', 'failNext')) return smtpError(451, 'try again later');
  if (behaviours.take('mail', 'dropConnectionNext')) return smtpError(421, 'closing the connection');
  const demanded = behaviours.takeRejection('mail');
  return demanded && smtpError(550, `${demanded.code} ${demanded.message}`);
}

const smtpError = (responseCode: number, message: string) =>
  Object.assign(new Error(message), { responseCode });

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function parseMail(raw: Buffer, to: readonly string[]): Promise<ReceivedMail> {
  const mail = await PostalMime.parse(raw);
  return {
    at: new Date().toISOString(),
    from: mail.from?.address ?? '',
    to,
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    messageId: mail.messageId ?? '',
  };
}
