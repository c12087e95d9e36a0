import type { Response } from 'express';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter);

const STYLE = `body{font:15px/1.6 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
h1{font-size:1.3rem}article{border:1px solid #d0d7de;border-radius:8px;padding:.6rem 1rem;margin:.7rem 0}
article h2{font-size:1rem;margin:.1rem 0}p.meta{color:#57606a;font-size:.85rem;margin:0}pre{white-space:pre-wrap;font:inherit;margin:.4rem 0}
label{display:block;margin:.6rem 0}input{font:inherit;padding:.4rem;width:16rem}button{font:inherit;padding:.5rem 1.2rem}`;

/** A page without scripts; `main` is HTML whose texts are escaped already. */
export function sendPage(res: Response, title: string, main: string, status = 200): void {
  res
    .status(status)
    .set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    .set('referrer-policy', 'no-referrer')
    .type('html')
    .send(
      `<!doctype html><html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><h1>${escapeHtml(title)}</h1>${main}</body></html>`,
    );
}
