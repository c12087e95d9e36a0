import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type {
  StatusLevel,
  StatusPart,
  StatusPartName,
  SystemStatus,
} from '../../contracts/http/system-status.js';

export type PageLanguage = 'ko' | 'en';
export type SignInProblem = 'foreign_form' | 'incomplete' | 'wrong_credentials' | 'too_many_sign_ins';

/** The page asks for itself again after so many seconds: no script is needed. */
const REFRESH_SECONDS = 5;

const WORDS = {
  ko: {
    title: '시스템 상태',
    signInTitle: '로그인',
    email: '이메일',
    password: '비밀번호',
    signIn: '로그인',
    at: '기준 시각',
    adminsOnly: '이 페이지는 운영자만 볼 수 있습니다.',
    problems: {
      foreign_form: '이 사이트의 로그인 화면에서 다시 시도해 주세요.',
      incomplete: '이메일과 비밀번호를 모두 입력해 주세요.',
      wrong_credentials:
        '이메일 또는 비밀번호가 올바르지 않습니다. 다섯 번 틀리면 15분 동안 로그인할 수 없습니다.',
      too_many_sign_ins: '로그인 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.',
    },
    levels: { ok: '정상', attention: '확인 필요', unavailable: '응답 없음' },
    parts: {
      ranking: '랭킹',
      flink: 'Flink 작업',
      consumers: '컨슈머 지연',
      workflows: '진행 중인 워크플로',
      deadLetters: '처리하지 못한 이벤트',
      stopRelay: '노출 중지 전달',
      notifications: '알림 발송',
      businessDays: '영업일 마감',
      reconciliation: '장부 검증',
    },
  },
  en: {
    title: 'System status',
    signInTitle: 'Sign in',
    email: 'Email',
    password: 'Password',
    signIn: 'Sign in',
    at: 'As of',
    adminsOnly: 'Only operators may see this page.',
    problems: {
      foreign_form: 'Please sign in from our own page.',
      incomplete: 'Fill in the address and the password.',
      wrong_credentials:
        'The address or the password is wrong. After five wrong tries there is a pause of 15 minutes.',
      too_many_sign_ins: 'Too many tries to sign in. Try again later.',
    },
    levels: { ok: 'OK', attention: 'Attention', unavailable: 'Unavailable' },
    parts: {
      ranking: 'Ranking',
      flink: 'Flink jobs',
      consumers: 'Consumer lag',
      workflows: 'Open workflows',
      deadLetters: 'Dead letters',
      stopRelay: 'Stop relay',
      notifications: 'Notices',
      businessDays: 'Business days',
      reconciliation: 'Books',
    },
  },
} as const satisfies Record<
  PageLanguage,
  {
    readonly levels: Record<StatusLevel, string>;
    readonly parts: Record<StatusPartName, string>;
    readonly problems: Record<SignInProblem, string>;
    readonly [word: string]: unknown;
  }
>;

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #ddd;padding:.5rem;text-align:left;vertical-align:top}
.ok{color:#17692d}.attention{color:#8a4b00}.unavailable{color:#a11212}.level{font-weight:600;white-space:nowrap}
label{display:block;margin:.8rem 0}input{display:block;font:inherit;padding:.3rem;width:20rem;max-width:100%}
nav a{margin-right:1rem;color:#0b5345}footer{margin-top:2rem;color:#555}
dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}dd{margin:0;overflow-wrap:anywhere}`;

interface ShellProps {
  readonly language: PageLanguage;
  readonly title: string;
  readonly refresh?: boolean;
  readonly children: ReactNode;
}

const FRAMES: Readonly<Record<PageLanguage, Readonly<Record<'nav' | 'status' | 'docs' | 'footer', string>>>> =
  {
    ko: { nav: '운영 메뉴', status: '시스템 상태', docs: 'API 문서', footer: '광고센터 운영' },
    en: { nav: 'Operations', status: 'System status', docs: 'API documents', footer: 'Ad operations' },
  };

function Shell({ language, title, refresh, children }: ShellProps) {
  const frame = FRAMES[language];
  return (
    <html lang={language}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        {refresh === true ? <meta httpEquiv="refresh" content={String(REFRESH_SECONDS)} /> : null}
        <title>{title}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <header>
          <nav aria-label={frame.nav}>
            <a href="/status">{frame.status}</a> <a href="/docs">{frame.docs}</a>
          </nav>
        </header>
        <main>
          <h1>{title}</h1>
          {children}
        </main>
        <footer>{frame.footer}</footer>
      </body>
    </html>
  );
}

function Part({ part, language }: { readonly part: StatusPart; readonly language: PageLanguage }) {
  const words = WORDS[language];
  return (
    <tr>
      <th scope="row">{words.parts[part.name]}</th>
      <td className={`level ${part.level}`}>{words.levels[part.level]}</td>
      <td>
        {part.problem === null ? null : <p className={part.level}>{part.problem}</p>}
        <dl>
          {Object.entries(part.figures).flatMap(([name, value]) => [
            <dt key={`${name}-name`}>{name}</dt>,
            <dd key={`${name}-value`}>{value === null ? '–' : String(value)}</dd>,
          ])}
        </dl>
      </td>
    </tr>
  );
}

const page = (node: ReactNode) => `<!doctype html>${renderToStaticMarkup(node)}`;

export function statusPage(status: SystemStatus, language: PageLanguage): string {
  const words = WORDS[language];
  return page(
    <Shell language={language} title={words.title} refresh>
      <p className={`level ${status.level}`}>{words.levels[status.level]}</p>
      <p>
        {words.at}: <time dateTime={status.at}>{status.at}</time>
      </p>
      <table>
        <tbody>
          {status.parts.map((part) => (
            <Part key={part.name} part={part} language={language} />
          ))}
        </tbody>
      </table>
    </Shell>,
  );
}

/** `problem`: why the last try failed. */
export function signInPage(language: PageLanguage, problem: SignInProblem | null): string {
  const words = WORDS[language];
  return page(
    <Shell language={language} title={words.signInTitle}>
      {problem === null ? null : (
        <p role="alert" className="unavailable">
          {words.problems[problem]}
        </p>
      )}
      <form method="post" action="/sign-in">
        <label>
          {words.email}
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          {words.password}
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit">{words.signIn}</button>
      </form>
    </Shell>,
  );
}

export function adminsOnlyPage(language: PageLanguage): string {
  const words = WORDS[language];
  return page(
    <Shell language={language} title={words.title}>
      <p className="attention">{words.adminsOnly}</p>
    </Shell>,
  );
}
