import { stablePoint } from '../catalogue.js';

/** The feed has no photographs; each category has a drawing, each product its own colours. */
const DRAWINGS: ReadonlyMap<string, string> = new Map([
  [
    'party',
    '<rect x="110" y="120" width="100" height="72" rx="6"/><rect x="102" y="98" width="116" height="26" rx="6"/><path d="M160 98v94M160 98c-44-8-38-46-14-40 12 3 14 24 14 40 0-16 2-37 14-40 24-6 30 32-14 40z"/>',
  ],
  ['bags', '<path d="M108 104h104l10 92H98z"/><path d="M132 120V88c0-36 56-36 56 0v32"/>'],
  [
    'lighting',
    '<rect x="136" y="108" width="48" height="88" rx="4"/><path d="M160 108V94M160 94c-16-14-4-30 0-42 6 12 16 28 0 42zM112 196h96"/>',
  ],
  [
    'kitchen',
    '<path d="M112 92h80v76c0 16-10 26-26 26h-28c-16 0-26-10-26-26z"/><path d="M192 110h14c24 0 24 46 0 46h-14M132 78c-8-10 8-14 0-26M160 78c-8-10 8-14 0-26"/>',
  ],
  [
    'stationery',
    '<rect x="112" y="60" width="92" height="136" rx="6"/><path d="M132 60v136M148 92h40M148 112h40M148 132h24"/>',
  ],
  [
    'toys',
    '<rect x="98" y="132" width="60" height="60" rx="4"/><rect x="162" y="132" width="60" height="60" rx="4"/><path d="M160 60l36 64h-72z"/><circle cx="192" cy="162" r="14"/>',
  ],
  [
    'garden',
    '<path d="M122 146h76l-10 50h-56zM160 146V92M160 112c-40 0-44-24-44-38 30 0 44 14 44 38zM160 100c0-28 16-42 46-42 0 20-12 42-46 42z"/>',
  ],
  [
    'home-decor',
    '<rect x="104" y="62" width="112" height="130" rx="4"/><rect x="122" y="80" width="76" height="94"/><path d="M122 160l26-34 20 22 12-14 18 26"/><circle cx="176" cy="104" r="8"/>',
  ],
]);

/** A small picture of a product, the same on every machine. All parts are our own: nothing of it needs escaping. */
export function productPicture(productId: string, categoryId: string): string {
  const hue = Math.round(stablePoint(productId) * 3.6);
  const second = (hue + 30 + stablePoint(`${productId}.`)) % 360;
  const dotX = 40 + stablePoint(`${productId}-x`) * 2.4;
  const drawing = DRAWINGS.get(categoryId) ?? DRAWINGS.get('home-decor') ?? '';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" width="320" height="240"><rect width="320" height="240" fill="hsl(${hue} 45% 92%)"/><circle cx="${dotX}" cy="196" r="92" fill="hsl(${second} 50% 87%)"/><circle cx="${320 - dotX}" cy="36" r="44" fill="hsl(${second} 50% 96%)"/><g fill="hsl(${hue} 40% 98%)" stroke="hsl(${hue} 38% 36%)" stroke-width="5" stroke-linejoin="round" stroke-linecap="round">${drawing}</g></svg>`;
}
