import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { SHOP_CATEGORIES } from '../../categories.js';
import { categoryName, type Language, type NoticeCode, type Texts } from '../texts.js';

/** What every page knows about the visit that it is shown to. */
export interface Frame {
  readonly language: Language;
  readonly texts: Texts;
  /** Path and query of this page: where a change of language comes back to. */
  readonly here: string;
  readonly basketCount: number;
  readonly query: string;
  readonly notice: NoticeCode | null;
}

interface PageProps {
  readonly frame: Frame;
  readonly title: string;
  readonly activeCategory?: string;
  readonly children: ReactNode;
}

/** A whole document. React escapes every text and attribute; there is no script in it. */
export function documentOf(page: ReactNode): string {
  return `<!doctype html>${renderToStaticMarkup(page)}`;
}

export function Page({ frame, title, activeCategory, children }: PageProps) {
  const { language, texts, notice } = frame;
  return (
    <html lang={language}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title === '' ? texts.shop : `${title} - ${texts.shop}`}</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <a className="skip" href="#content">
          {texts.skip}
        </a>
        <Header frame={frame} activeCategory={activeCategory ?? ''} />
        <main id="content">
          {notice === null ? null : (
            <p className="notice" role="status">
              {texts.notices[notice]}
            </p>
          )}
          {children}
        </main>
        <footer>
          <p>{texts.footer}</p>
        </footer>
      </body>
    </html>
  );
}

function Header({ frame, activeCategory }: { readonly frame: Frame; readonly activeCategory: string }) {
  const { language, texts } = frame;
  const other = language === 'ko' ? 'en' : 'ko';
  return (
    <header>
      <div className="bar">
        <a className="brand" href="/">
          {texts.shop}
        </a>
        <form className="search" action="/search" method="get">
          <label className="hidden" htmlFor="q">
            {texts.searchLabel}
          </label>
          <input
            id="q"
            name="q"
            type="search"
            defaultValue={frame.query}
            placeholder={texts.searchHint}
            maxLength={100}
            required
          />
          <button type="submit">{texts.search}</button>
        </form>
        <ul className="tools">
          <li>
            <a href="/orders">{texts.orders}</a>
          </li>
          <li>
            <a href="/basket">
              {texts.basket} <b className="count">{frame.basketCount}</b>
            </a>
          </li>
          <li>
            <form action="/language" method="post">
              <input type="hidden" name="language" value={other} />
              <input type="hidden" name="to" value={frame.here} />
              <button className="plain" type="submit" lang={other}>
                {texts.language}
              </button>
            </form>
          </li>
        </ul>
      </div>
      <nav aria-label={texts.categories}>
        <ul className="shelves">
          {SHOP_CATEGORIES.map((category) => (
            <li key={category.id}>
              <a
                href={`/category/${category.id}`}
                aria-current={category.id === activeCategory ? 'page' : undefined}
              >
                {categoryName(language, category)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

export function EmptyState({ text, frame }: { readonly text: string; readonly frame: Frame }) {
  return (
    <div className="empty">
      <p>{text}</p>
      <a className="button" href="/">
        {frame.texts.goShopping}
      </a>
    </div>
  );
}
