import { DEMO } from '../../contracts/demo.js';
import { businessNumberCheckDigit } from '../../domain/business-number.js';
import { type Caller, createCaller, signIn } from './http.js';
import { type Stage, waitFor } from './stage.js';

export interface Applicant {
  readonly advertiserId: string;
  readonly email: string;
  readonly seller: Caller;
}

const PDF = new TextEncoder().encode(
  '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
);
const ANSWERED_WITHIN_MS = 60_000;

/** A number that no other run of these days uses: a company’s, from seven digits of now. */
export function freshBusinessNumber(salt: number): string {
  const serial = String((Math.floor(Date.now() / 100) + salt) % 10_000_000).padStart(7, '0');
  const firstNine = `${serial.slice(0, 3)}81${serial.slice(3)}`;
  return `${firstNine}${businessNumberCheckDigit(firstNine)}`;
}

/** Rejected with reasons by field, corrected, approved by a reviewer at the console. */
export async function onboard(stage: Stage, admin: Caller, mark: string): Promise<Applicant> {
  stage.chapter('1 Onboarding: apply, reject, resubmit, approve');
  const applicant = await apply(stage, mark, 1);
  const { advertiserId, seller } = applicant;
  await untilInReview(admin, advertiserId);
  await admin.post(`/v1/advertiser-reviews/${advertiserId}/claim`);
  await admin.post(`/v1/advertiser-reviews/${advertiserId}/decisions`, {
    verdict: 'reject',
    reasons: [{ code: 'contract_missing_page', field: 'documents.contract', text: '계약서 2쪽이 없습니다' }],
  });
  const rejected = await untilStatus(seller, advertiserId, 'rejected');
  const [reason] = rejected.history[0].review.reasons;
  stage.check('rejected with a reason for a field', reason.field === 'documents.contract', reason.text);
  await upload(seller, advertiserId, 'contract', '%% page 2\n');
  await seller.patch(`/v1/advertiser-applications/${advertiserId}`, {
    address: '서울특별시 중구 세종대로 110, 3층',
  });
  await seller.post(`/v1/advertiser-applications/${advertiserId}/submission`);
  await untilInReview(admin, advertiserId);
  await admin.post(`/v1/advertiser-reviews/${advertiserId}/decisions`, { verdict: 'approve' });
  const approved = await untilStatus(seller, advertiserId, 'approved');
  const changed = approved.history[1].changes.map((change: { field: string }) => change.field).join(', ');
  stage.check('approved after the second submission', approved.version === 2, `changed: ${changed}`);
  await checkNotices(stage, applicant, ['advertiser_rejected', 'advertiser_approved']);
  return applicant;
}

/** The same decision by a signal of the Temporal CLI, which names its reviewer. */
export async function onboardBySignal(stage: Stage, admin: Caller, mark: string): Promise<Applicant> {
  const applicant = await apply(stage, `${mark}-2`, 2);
  const { advertiserId, seller } = applicant;
  await untilInReview(admin, advertiserId);
  await stage.temporal([
    'workflow',
    'signal',
    '--workflow-id',
    `advertiser-onboarding:${advertiserId}`,
    '--name',
    'approve',
    '--input',
    JSON.stringify({ reviewerId: DEMO.secondAdminUserId }),
  ]);
  await untilStatus(seller, advertiserId, 'approved');
  const { items } = await admin.get('/v1/audit-log?limit=100');
  const entry = items.find(
    (item: { objectId: string; via: string }) => item.objectId === advertiserId && item.via === 'signal',
  );
  stage.check(
    'another company approved by signal, and the audit log says so',
    entry !== undefined,
    advertiserId,
  );
  return applicant;
}

async function apply(stage: Stage, mark: string, salt: number): Promise<Applicant> {
  const email = `demo-${mark}@sellers.example`;
  const anybody = createCaller(stage.consoleUrl, null);
  const { id: advertiserId } = await anybody.post('/v1/advertiser-applications', {
    companyName: `데모상회 ${mark}`,
    businessNumber: freshBusinessNumber(salt),
    representative: '김하나',
    openingDate: '20200301',
    address: '서울특별시 중구 세종대로 110',
    businessType: '도소매업',
    businessItem: '생활용품',
    contactEmail: email,
    contactPhone: '010-2345-6789',
    password: DEMO.password,
    contractAccepted: true,
  });
  const seller = await signIn(stage.consoleUrl, email, DEMO.password);
  await upload(seller, advertiserId, 'business_registration', '');
  await upload(seller, advertiserId, 'contract', '');
  const early = await seller.ask('POST', `/v1/advertisers/${advertiserId}/top-ups`, {
    body: { amountKrw: 20_000, method: 'card' },
  });
  stage.check(
    'nobody tops up before the approval',
    early.status === 403 && early.body.code === 'advertiser_not_active',
    `${early.status} ${early.body.code}`,
  );
  await seller.post(`/v1/advertiser-applications/${advertiserId}/submission`);
  stage.tell('applied with two papers', `${advertiserId}, ${email}`);
  return { advertiserId, email, seller };
}

async function upload(seller: Caller, advertiserId: string, kind: string, more: string): Promise<void> {
  const content = new Uint8Array([...PDF, ...new TextEncoder().encode(more)]);
  await seller.put(`/v1/advertiser-applications/${advertiserId}/documents/${kind}`, undefined, {
    bytes: { content, type: 'application/pdf' },
  });
}

const untilInReview = (admin: Caller, advertiserId: string) =>
  waitFor(`the application of ${advertiserId} stands in the queue`, ANSWERED_WITHIN_MS, async () => {
    const { items } = await admin.get('/v1/advertiser-reviews?limit=100');
    return items.some((item: { application: { id: string } }) => item.application.id === advertiserId);
  });

const untilStatus = (seller: Caller, advertiserId: string, status: string) =>
  waitFor(`the application is ${status}`, ANSWERED_WITHIN_MS, async () => {
    const found = await seller.get(`/v1/advertiser-applications/${advertiserId}`);
    return found.status === status ? found : null;
  });

/** In the inbox of the console, and in the mailbox of the outside world. */
export async function checkNotices(
  stage: Stage,
  { seller, email }: Applicant,
  templates: readonly string[],
): Promise<void> {
  const inbox = await waitFor(`notices ${templates.join(', ')}`, ANSWERED_WITHIN_MS, async () => {
    const { items } = await seller.get('/v1/notifications?limit=100');
    const found = items.map((item: { template: string }) => item.template);
    return templates.every((template) => found.includes(template)) ? items : null;
  });
  const subjects: string[] = inbox
    .filter((item: { template: string }) => templates.includes(item.template))
    .map((item: { ko: { subject: string } }) => item.ko.subject);
  const mailbox = createCaller(stage.providersUrl, null);
  await waitFor(`mails about ${templates.join(', ')}`, ANSWERED_WITHIN_MS, async () => {
    const text = JSON.stringify(await mailbox.get(`/sandbox/mails?to=${encodeURIComponent(email)}`));
    return subjects.every((subject) => text.includes(subject));
  });
  stage.check('told in the inbox and by mail', subjects.length >= templates.length, subjects.join(' · '));
}
