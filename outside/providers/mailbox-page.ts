import type { RequestHandler } from 'express';
import { escapeHtml, sendPage } from './kit/html.js';
import type { Mailbox } from './mailbox.js';
import type { MessageBook } from './messages.js';

const SHOWN = 100;

/** `GET /mailbox`: what people received, newest first. */
export function mailboxPage(mailbox: Mailbox, messages: MessageBook): RequestHandler {
  return (_req, res) => {
    const mails = mailbox.mails().map((mail) => ({
      at: mail.at,
      meta: `메일 · ${mail.at} · ${mail.from} → ${mail.to.join(', ')}`,
      title: mail.subject,
      text: mail.text,
    }));
    const others = messages.list().map((message) => ({
      at: message.at,
      meta: `${message.channel === 'sms' ? '문자' : '알림톡'} · ${message.at} · ${message.to}`,
      title: message.templateCode,
      text: message.text,
    }));
    const newest = [...mails, ...others].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, SHOWN);
    const articles = newest.map(
      ({ meta, title, text }) =>
        `<article><p class="meta">${escapeHtml(meta)}</p><h2>${escapeHtml(title)}</h2><pre>${escapeHtml(text)}</pre></article>`,
    );
    sendPage(res, '받은 메일과 메시지', articles.join('') || '<p>아직 받은 것이 없습니다.</p>');
  };
}
