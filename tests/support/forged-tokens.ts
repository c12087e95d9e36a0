import { createHmac } from 'node:crypto';
import { encodeTokenPayload } from '../../domain/click-token.js';
import { signingDayOf } from '../../domain/signing-day.js';
import type { Config } from '../../infra/config.js';
import { createTokenSigner } from '../../infra/token-signer.js';
import type { ShopClick } from './shop.js';
import type { SignedAnswer } from './signed-answers.js';

export interface Forgery {
  readonly kind: string;
  readonly click: ShopClick;
}

/** What a forger holds: two genuine answers, and the dice. */
interface Hand {
  readonly own: SignedAnswer;
  readonly other: SignedAnswer;
  /** An integer below `limit`. */
  readonly below: (limit: number) => number;
}
type Kind = readonly [name: string, forge: (hand: Hand) => Partial<ShopClick>];

const DAY_MS = 24 * 3_600_000;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Every way that we know to make a click which nobody was served, each from genuine answers: whoever watches the wire
 * has them. The kinds come in turn. `config` holds the real keys: a forger with a page token, or with the key of
 * another day, is among them.
 */
export function createForger(
  { CLICK_TOKEN_KEYS }: Pick<Config, 'CLICK_TOKEN_KEYS'>,
  answers: readonly SignedAnswer[],
  random: () => number,
): () => Forgery {
  const kinds: readonly Kind[] = [...CHANGES, ...SWAPS, ...signatures(CLICK_TOKEN_KEYS)];
  const below = (limit: number) => Math.floor(random() * limit);
  let turn = 0;
  return () => {
    const at = below(answers.length);
    const own = answers[at];
    const other = answers[(at + 1 + below(answers.length - 1)) % answers.length];
    const [kind, forge] = kinds[turn++ % kinds.length] ?? ['', () => ({})];
    if (own === undefined || other === undefined) throw new Error('a forger needs two genuine answers');
    const genuine = { clickToken: own.clickToken, adId: adOf(own), deviceId: own.deviceId };
    return { kind, click: { ...genuine, ...forge({ own, other, below }) } };
  };
}

const adOf = ({ ads }: SignedAnswer): string => {
  const [ad] = ads;
  if (ad === undefined) throw new Error('a genuine answer without an ad');
  return ad.adId;
};

const partsOf = ({ clickToken }: SignedAnswer): [string, string, string, string] => {
  const [version = '', keyId = '', payload = '', signature = ''] = clickToken.split('.');
  return [version, keyId, payload, signature];
};

const token = (...parts: readonly string[]) => ({ clickToken: parts.join('.') });

function otherLetter(text: string, at: number, below: Hand['below']): string {
  const letters = LETTERS.replace(text[at] ?? '', '');
  return text.slice(0, at) + (letters[below(letters.length)] ?? '') + text.slice(at + 1);
}

function flippedBit(text: string, at: number, bit: number): string {
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
}

/** One token, changed. */
const CHANGES: readonly Kind[] = [
  [
    'one bit flipped',
    ({ own, below }) => ({
      clickToken: flippedBit(own.clickToken, below(own.clickToken.length), below(7)),
    }),
  ],
  [
    'one letter changed',
    ({ own, below }) => ({
      clickToken: otherLetter(own.clickToken, below(own.clickToken.length), below),
    }),
  ],
  ['cut short', ({ own, below }) => ({ clickToken: own.clickToken.slice(0, below(own.clickToken.length)) })],
  ['made longer', ({ own, below }) => ({ clickToken: `${own.clickToken}${LETTERS[below(64)] ?? ''}` })],
  ['begun later', ({ own, below }) => ({ clickToken: own.clickToken.slice(1 + below(8)) })],
  ['padded', ({ own }) => ({ clickToken: `${own.clickToken}=` })],
  [
    'spelled otherwise',
    ({ own }) => {
      const [version, keyId, payload, signature] = partsOf(own);
      // The last letter of 32 bytes carries two bits of nothing: the same bytes, another text.
      const last = LETTERS.indexOf(signature.slice(-1));
      return token(version, keyId, payload, signature.slice(0, -1) + (LETTERS[last ^ 1] ?? ''));
    },
  ],
  [
    'not signed',
    ({ own }) => {
      const [version, keyId, payload] = partsOf(own);
      return token(version, keyId, payload, '');
    },
  ],
  [
    'a lower price under the old signature',
    ({ own }) => {
      const [version, keyId, , signature] = partsOf(own);
      const ads = own.payload.ads.map((ad) => ({ ...ad, priceKrw: 1 }));
      const cheap = Buffer.from(encodeTokenPayload({ ...own.payload, ads })).toString('base64url');
      return token(version, keyId, cheap, signature);
    },
  ],
  [
    'letters at random',
    ({ own, below }) => ({
      clickToken: Array.from(own.clickToken, () => LETTERS[below(64)] ?? '').join(''),
    }),
  ],
];

/** Parts of two genuine answers. */
const SWAPS: readonly Kind[] = [
  ['signature of another answer', ({ own, other }) => token(...partsOf(own).slice(0, 3), partsOf(other)[3])],
  [
    'payload of another answer',
    ({ own, other }) => {
      const [version, keyId, , signature] = partsOf(own);
      return token(version, keyId, partsOf(other)[2], signature);
    },
  ],
  ['device of another answer', ({ other }) => ({ deviceId: other.deviceId })],
  ['ad of another answer', ({ other }) => ({ adId: adOf(other) })],
  ['ad and device of another answer', ({ other }) => ({ adId: adOf(other), deviceId: other.deviceId })],
  [
    'two answers glued',
    ({ own, other }) => ({ clickToken: `${own.clickToken}.${partsOf(other).slice(2).join('.')}` }),
  ],
];

/** Made with keys: of strangers, of other purposes, of other days. */
function signatures(keys: string): readonly Kind[] {
  const stranger = createTokenSigner(`${keys.split(':')[0] ?? ''}:${'5a'.repeat(32)}`, 'click');
  const clicks = createTokenSigner(keys, 'click');
  const pages = createTokenSigner(keys, 'page');
  const masterKey = Buffer.from(/:([0-9a-f]+)/i.exec(keys)?.[1] ?? '', 'hex');
  return [
    ['key of a stranger', ({ own }) => signed(stranger, own, own.payload.issuedAt)],
    ['key of pages', ({ own }) => signed(pages, own, own.payload.issuedAt)],
    [
      'key of pages, named as clicks',
      ({ own }) => ({
        clickToken: signed(pages, own, own.payload.issuedAt).clickToken.replace(/^[^.]+/, partsOf(own)[0]),
      }),
    ],
    ['key of yesterday', ({ own }) => signed(clicks, own, own.payload.issuedAt - DAY_MS)],
    [
      'key of yesterday, named as today',
      ({ own }) => {
        const [, , payload, signature] = signed(clicks, own, own.payload.issuedAt - DAY_MS).clickToken.split(
          '.',
        );
        const [version, keyId] = partsOf(own);
        return token(version, keyId, payload ?? '', signature ?? '');
      },
    ],
    [
      'name of another day',
      ({ own, below }) => {
        const [version, keyId, payload, signature] = partsOf(own);
        const day = signingDayOf(own.payload.issuedAt) + (below(2) === 0 ? -1 : 1) * (1 + below(400));
        return token(version, keyId.replace(/\d+$/, String(day)), payload, signature);
      },
    ],
    [
      'a key that is gone',
      ({ own, below }) => {
        const issuedAt = own.payload.issuedAt - (3 + below(60)) * DAY_MS;
        return signed(clicks, { ...own, payload: { ...own.payload, issuedAt } }, issuedAt);
      },
    ],
    [
      'the master key itself',
      ({ own }) => {
        const text = partsOf(own).slice(0, 3).join('.');
        return token(text, createHmac('sha256', masterKey).update(text).digest('base64url'));
      },
    ],
  ];
}

const signed = (
  signer: ReturnType<typeof createTokenSigner>,
  { payload }: Pick<SignedAnswer, 'payload'>,
  issuedAt: number,
) => ({ clickToken: signer.sign(encodeTokenPayload(payload), issuedAt) });
