import type { Page } from 'playwright-core';

/**
 * A quick look, run inside the page: language, title, one h1, landmarks, alternative texts, labels, names of links
 * and buttons, ids, contrast of every visible text (4.5 : 1, large text 3 : 1), no sideways scrolling. It finds what
 * is plainly wrong; it does not replace a person with a screen reader. Text, because it runs in the browser.
 */
const LOOK = `(() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const nameOf = (node) => (node.getAttribute('aria-label') || node.textContent || '').trim();
  const where = (node) => node.outerHTML.slice(0, 80);
  if (!document.documentElement.lang) found.push('no language');
  if (!document.title) found.push('no title');
  if (all('h1').length !== 1) found.push(all('h1').length + ' h1');
  for (const landmark of ['header', 'main', 'footer', 'nav'])
    if (all(landmark).length === 0) found.push('no ' + landmark);
  for (const image of all('img')) if (!image.hasAttribute('alt')) found.push('no alt: ' + where(image));
  for (const field of all('input:not([type=hidden]), select, textarea'))
    if (field.labels.length === 0 || nameOf(field.labels[0]) === '') found.push('no label: ' + where(field));
  for (const node of all('a, button')) if (nameOf(node) === '') found.push('no name: ' + where(node));
  for (const nav of all('nav, section')) {
    const by = nav.getAttribute('aria-labelledby');
    const named = nav.getAttribute('aria-label') || (by && document.getElementById(by));
    if (!named) found.push('no name: ' + where(nav));
  }
  const ids = all('[id]').map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push('id twice: ' + id);
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const groundOf = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  for (const node of all('body *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim() !== '');
    if (!own || node.getClientRects().length === 0) continue;
    const style = getComputedStyle(node);
    const [low, high] = [light(rgb(style.color)), light(groundOf(node))].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < (large ? 3 : 4.5)) found.push('contrast ' + contrast.toFixed(1) + ': ' + where(node));
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('scrolls sideways');
  return found;
})()`;

/** What is wrong with this page for people who see, hear or point differently. Empty when nothing was found. */
export const lookAtAccessibility = (page: Page): Promise<string[]> => page.evaluate<string[]>(LOOK);
