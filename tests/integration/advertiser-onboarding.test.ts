import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ADVERTISER_ONBOARDING,
  type AdvertiserOnboardingState,
  advertiserOnboardingWorkflowId,
} from '../../contracts/temporal/advertiser-onboarding.js';
import {
  escalateApplicationReview,
  recordApplicationDecision,
} from '../../operations/advertiser-application-review.js';
import {
  submitAdvertiserOnboarding,
  submitStrandedApplications,
} from '../../operations/advertiser-onboarding-workflow.js';
import { creditTopUp } from '../../operations/credit-top-up.js';
import { signalFirstTopUp } from '../../operations/signal-first-top-up.js';
import { poll } from '../support/poll.js';
import {
  type Applicant,
  anAddress,
  businessNumber,
  type OnboardingWorld,
  PDF,
  PNG,
  startOnboardingWorld,
} from './onboarding-world.js';

let world: OnboardingWorld;
beforeAll(async () => {
  world = await startOnboardingWorld();
});
afterAll(() => world?.close());

async function submitted(change: Record<string, unknown> = {}): Promise<Applicant> {
  const applicant = await world.applicant(change);
  await applicant.upload();
  expect((await applicant.submit()).status).toBe(202);
  return applicant;
}
async function inReview(change: Record<string, unknown> = {}): Promise<Applicant> {
  const applicant = await submitted(change);
  await applicant.reach('in_review');
  return applicant;
}
const decide = (advertiserId: string, body: unknown, by = world.admin, key: string = randomUUID()) =>
  by.call('POST', `/v1/advertiser-reviews/${advertiserId}/decisions`, body, { 'idempotency-key': key });
const handleOf = (advertiserId: string) =>
  world.temporal.client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
const stateOf = (advertiserId: string) =>
  handleOf(advertiserId).query<AdvertiserOnboardingState>(ADVERTISER_ONBOARDING.state);
const reachState = (advertiserId: string, reached: (state: AdvertiserOnboardingState) => boolean) =>
  poll('the onboarding’s state', async () => {
    const state = await stateOf(advertiserId);
    return reached(state) && state;
  });
const UNREADABLE = { code: 'document_unreadable', field: 'documents.contract', text: '3쪽이 흐립니다' };

/** Every payload of a history as text. */
function payloadsOf(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(payloadsOf) : [];
}

function expectNothingOf(form: Readonly<Record<string, unknown>>, history: unknown): void {
  const readable = payloadsOf(history).join('\n');
  const shown = Object.entries(form).filter(
    ([, value]) =>
      typeof value === 'string' && [value, value.replaceAll('-', '')].some((text) => readable.includes(text)),
  );
  expect(readable).toContain('document_unreadable');
  expect(shown).toEqual([]);
}

describe('from sign-up to the first campaign', () => {
  test('rejected over HTTP, corrected, approved over HTTP, topped up, invited: each step told and on the record', async () => {
    const applicant = await inReview();
    const { advertiserId, path } = applicant;
    const refused = await decide(advertiserId, { verdict: 'reject', reasons: [UNREADABLE] });
    expect([refused.status, refused.body]).toEqual([200, { accepted: true, phase: 'rejected' }]);
    const rejected = await applicant.reach('rejected');
    expect(rejected.history[0].review).toMatchObject({
      verdict: 'reject',
      automatic: false,
      reasons: [UNREADABLE],
    });
    expect(Date.parse(rejected.resubmitUntil) - Date.now()).toBeGreaterThan(29 * 86_400_000);

    const changed = await applicant.call('PATCH', path, { address: '부산광역시 해운대구 센텀로 1' });
    expect(changed.status).toBe(200);
    await applicant.send('PUT', `${path}/documents/contract`, 'image/png', PNG);
    expect((await applicant.submit()).status).toBe(202);
    const again = await applicant.reach('in_review');
    expect(again.version).toBe(2);
    expect(again.history[1].changes.map((one: { field: string }) => one.field)).toEqual([
      'address',
      'documents.contract',
    ]);
    const first = await world.admin.call('GET', `${path}/documents/contract?version=1`);
    expect([first.headers.get('content-type'), first.body]).toEqual(['application/pdf', PDF]);

    const key = randomUUID();
    const answers = [
      await decide(advertiserId, { verdict: 'approve' }, world.admin, key),
      await decide(advertiserId, { verdict: 'approve' }, world.admin, key),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await applicant.call('GET', `/v1/advertisers/${advertiserId}/balance`)).body.totalKrw).toBe(0);
    const credit = { idempotencyKey: `top-up:${advertiserId}`, advertiserId, amountKrw: 100_000 };
    expect((await creditTopUp(world.pool, credit)).ok).toBe(true);
    await signalFirstTopUp(world.temporal.client, advertiserId);
    expect(await handleOf(advertiserId).result()).toMatchObject({ phase: 'completed', decidedVia: 'update' });
    await signalFirstTopUp(world.temporal.client, advertiserId);
    expectNothingOf(applicant.form, await handleOf(advertiserId).fetchHistory());
    expect((await applicant.notices()).filter((name) => name.startsWith('advertiser'))).toEqual([
      'advertiser_application_received',
      'advertiser_rejected',
      'advertiser_application_received',
      'advertiser_approved',
      'advertiser_first_campaign',
    ]);
    const { rows } = await world.pool.query(
      `SELECT action, via, actor_id FROM audit_log WHERE object_id = $1 ORDER BY id`,
      [advertiserId],
    );
    expect(rows).toEqual([
      { action: 'advertiser.rejected', via: 'console', actor_id: world.admin.userId },
      { action: 'advertiser.approved', via: 'console', actor_id: world.admin.userId },
    ]);
  });

  test('the same decisions by signal: named, checked, and an ignored one says why', async () => {
    const { advertiserId, reach } = await inReview();
    const handle = handleOf(advertiserId);
    await handle.signal(ADVERTISER_ONBOARDING.approve, { reviewerId: world.finance.userId });
    await reachState(
      advertiserId,
      (state) => state.ignoredDecision?.why === 'only an admin may decide on applications',
    );
    await handle.signal(ADVERTISER_ONBOARDING.reject, { reviewerId: world.admin.userId });
    await reachState(
      advertiserId,
      (state) => state.ignoredDecision?.why === 'a rejection needs at least one reason',
    );
    await handle.signal(ADVERTISER_ONBOARDING.approve);
    await reachState(advertiserId, (state) => state.ignoredDecision?.why === 'a decision names its reviewer');
    await handle.signal(ADVERTISER_ONBOARDING.approve, { reviewerId: { toString: 1 } });
    await handle.signal(ADVERTISER_ONBOARDING.reject, {
      reviewerId: world.admin.userId,
      reasons: [{ code: { toString: 1 }, field: 'address', text: '' }],
    });
    await reachState(advertiserId, (state) => state.ignoredDecision?.why === 'unknown reason code');
    await handle.signal(ADVERTISER_ONBOARDING.approve, { reviewerId: world.admin.userId });
    await reach('approved');
    const { rows } = await world.pool.query(
      `SELECT v.status, l.via FROM advertiser v JOIN audit_log l ON l.object_id = v.id AND l.action = 'advertiser.approved'
        WHERE v.id = $1`,
      [advertiserId],
    );
    expect(rows).toEqual([{ status: 'active', via: 'signal' }]);
  });
});

describe('the automatic check', () => {
  test('an outage of the registry delays an application and never loses it', async () => {
    await world.sandbox.behaviour('business-registry', { failNext: 3 });
    const applicant = await submitted();
    await applicant.reach('in_review');
    await world.sandbox.behaviour('business-registry', {});
    const { rows } = await world.pool.query(
      'SELECT status_reply, validate_reply, findings FROM advertiser_registry_check WHERE advertiser_id = $1',
      [applicant.advertiserId],
    );
    expect(rows).toMatchObject([
      { status_reply: { b_stt_cd: '01' }, validate_reply: { valid: '01' }, findings: [] },
    ]);
  });

  test.each([
    ['closed', 'business_closed'],
    ['unregistered', 'business_unregistered'],
  ] as const)('a company that is %s goes back at once, and may correct its number', async (state, code) => {
    const number = businessNumber();
    await world.sandbox.setBusiness(number, { state });
    const applicant = await submitted({ businessNumber: number });
    const rejected = await applicant.reach('rejected');
    expect(rejected.history[0].review).toMatchObject({
      automatic: true,
      reasons: [{ code, field: 'businessNumber' }],
    });
    expect(await applicant.notices()).toContain('advertiser_rejected');
    expect((await applicant.call('PATCH', applicant.path, { businessNumber: businessNumber() })).status).toBe(
      200,
    );
    expect((await applicant.submit()).status).toBe(202);
    await applicant.reach('in_review');
  });

  test('another representative than the registry knows is a finding for the reviewer', async () => {
    const number = businessNumber();
    await world.sandbox.setBusiness(number, { state: 'active', representative: '이다른' });
    const { advertiserId } = await inReview({ businessNumber: number });
    const queue = await world.admin.call('GET', '/v1/advertiser-reviews?limit=200');
    const entry = queue.body.items.find(
      (one: { application: { id: string } }) => one.application.id === advertiserId,
    );
    expect(entry).toMatchObject({ findings: ['registry_mismatch'], overdue: false, claimedBy: null });
    expect(Date.parse(entry.dueAt)).toBeGreaterThan(Date.parse(entry.submittedAt));
  });

  test('a submission that did not reach the workflow service is sent again by the sweep', async () => {
    const applicant = await world.applicant();
    await applicant.upload();
    await world.pool.query(
      `INSERT INTO advertiser_application_version SELECT advertiser_id, 1, '{}', '{}', business_now() FROM advertiser_application WHERE advertiser_id = $1`,
      [applicant.advertiserId],
    );
    await world.pool.query(
      `UPDATE advertiser_application SET status = 'submitted', version = 1, submitted_at = business_now(),
         updated_at = business_now() - interval '2 minutes' WHERE advertiser_id = $1`,
      [applicant.advertiserId],
    );
    const told = await submitStrandedApplications(world.pool, world.temporal.client);
    expect(told).toContain(applicant.advertiserId);
    await applicant.reach('in_review');
  });

  test('a run that came to a bad end during the check is started again by the sweep', async () => {
    await world.sandbox.behaviour('business-registry', { failNext: 1_000 });
    const applicant = await submitted();
    const { advertiserId } = applicant;
    await reachState(advertiserId, ({ phase }) => phase === 'checking');
    await world.pool.query(
      `UPDATE advertiser_application SET updated_at = business_now() - interval '2 minutes' WHERE advertiser_id = $1`,
      [advertiserId],
    );
    const sweep = () => submitStrandedApplications(world.pool, world.temporal.client);
    expect(await sweep()).not.toContain(advertiserId);
    await handleOf(advertiserId).terminate();
    expect(await sweep()).toContain(advertiserId);
    await world.sandbox.behaviour('business-registry', {});
    await applicant.reach('in_review');
  });

  test('a run that is started again finds an approved application where it was', async () => {
    const { advertiserId } = await inReview();
    expect((await decide(advertiserId, { verdict: 'approve' })).status).toBe(200);
    await handleOf(advertiserId).terminate();
    await submitAdvertiserOnboarding(world.temporal.client, { advertiserId, version: 1 });
    await reachState(advertiserId, ({ phase }) => phase === 'awaiting_top_up');
  });
});

describe('who may decide', () => {
  test('nobody on a submission that came after the one that was read', async () => {
    const applicant = await inReview();
    const { advertiserId } = applicant;
    expect(
      (await decide(advertiserId, { verdict: 'reject', version: 1, reasons: [UNREADABLE] })).status,
    ).toBe(200);
    await applicant.reach('rejected');
    await applicant.submit();
    await applicant.reach('in_review');
    await reachState(advertiserId, ({ phase }) => phase === 'in_review');
    const late = await decide(advertiserId, { verdict: 'approve', version: 1 }, world.otherAdmin);
    expect([late.status, late.body.code]).toEqual([422, 'command_refused']);
    expect(late.body.detail).toContain('ersion 2');
    expect((await decide(advertiserId, { verdict: 'approve', version: 0 })).status).toBe(400);
    expect((await decide(advertiserId, { verdict: 'approve', version: 2 })).status).toBe(200);
  });

  test('a reminder that comes after the decision is not sent', async () => {
    const { advertiserId, reach } = await inReview();
    await decide(advertiserId, { verdict: 'approve' });
    await reach('approved');
    await escalateApplicationReview(world.pool, { advertiserId, version: 1, reminder: 1 });
    const { rowCount } = await world.pool.query('SELECT FROM notification WHERE dedupe_key = $1', [
      `advertiser-review-overdue:${advertiserId}:1:1`,
    ]);
    expect(rowCount).toBe(0);
  });

  test('nobody on an application of their own, and not while another reviewer has it', async () => {
    const { advertiserId } = await inReview();
    const claim = (by: typeof world.admin) => by.call('POST', `/v1/advertiser-reviews/${advertiserId}/claim`);
    expect((await claim(world.otherAdmin)).status).toBe(200);
    const second = await claim(world.admin);
    expect([second.status, second.body.code]).toEqual([409, 'already_claimed']);
    const taken = await decide(advertiserId, { verdict: 'approve' });
    expect([taken.status, taken.body.code]).toEqual([422, 'command_refused']);
    await world.pool.query(
      'UPDATE advertiser_application SET contact_email = (SELECT email FROM user_account WHERE id = $2) WHERE advertiser_id = $1',
      [advertiserId, world.otherAdmin.userId],
    );
    const own = await decide(advertiserId, { verdict: 'approve' }, world.otherAdmin);
    expect([own.status, own.body.detail]).toEqual([422, 'Nobody decides on an application of their own.']);
    await world.pool.query(
      `UPDATE advertiser_application SET claimed_at = clock_timestamp() - interval '31 minutes' WHERE advertiser_id = $1`,
      [advertiserId],
    );
    expect((await decide(advertiserId, { verdict: 'approve' })).status).toBe(200);
  });

  test('two reviewers at once: one decision', async () => {
    const { advertiserId } = await inReview();
    const answers = await Promise.all([
      decide(advertiserId, { verdict: 'approve' }),
      decide(advertiserId, { verdict: 'reject', reasons: [UNREADABLE] }, world.otherAdmin),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { rows } = await world.pool.query('SELECT 1 FROM advertiser_review WHERE advertiser_id = $1', [
      advertiserId,
    ]);
    expect(rows).toHaveLength(1);
  });

  test('a repeated activity finds its own decision', async () => {
    const { advertiserId } = await inReview();
    const act = {
      advertiserId,
      commandId: randomUUID(),
      verdict: 'reject' as const,
      reviewerId: world.admin.userId,
      reasons: [
        { code: 'document_outdated' as const, field: 'documents.business_registration' as const, text: '' },
      ],
      via: 'update' as const,
    };
    const twins = await Promise.all([
      recordApplicationDecision(world.pool, act),
      recordApplicationDecision(world.pool, act),
    ]);
    expect(twins).toEqual([
      { ok: true, value: { recorded: true } },
      { ok: true, value: { recorded: true } },
    ]);
  });
});

describe('an applicant', () => {
  test.each(['applied', 'closed'])(
    '%s reaches its application and its inbox, and nothing else of the console',
    async (status) => {
      const applicant = await world.applicant();
      await world.pool.query('UPDATE advertiser SET status = $2 WHERE id = $1', [
        applicant.advertiserId,
        status,
      ]);
      const open = new Set([
        'DELETE /v1/sessions/current',
        'GET /v1/me',
        'GET /v1/advertisers/{id}',
        'GET /v1/notifications',
        'GET /v1/notifications/unread-count',
        'POST /v1/notifications/{id}/read',
        'POST /v1/notifications/read-all',
      ]);
      const wrong: string[] = [];
      for (const route of world.routes) {
        const name = `${route.method.toUpperCase()} ${route.path}`;
        if (!('roles' in route.access) || !route.access.roles.includes('advertiser')) continue;
        if (open.has(name) || route.path.startsWith('/v1/advertiser-applications')) continue;
        const body = route.body === undefined ? undefined : {};
        const path = route.path.replace(/\{\w+\}/g, applicant.advertiserId);
        const answer = await applicant.call(route.method.toUpperCase(), path, body);
        if (answer.status !== 403 || answer.body.code !== 'advertiser_not_active')
          wrong.push(`${name}: ${answer.status}`);
      }
      expect(wrong).toEqual([]);
      expect((await applicant.call('GET', `/v1/advertisers/${applicant.advertiserId}`)).body.status).toBe(
        status,
      );
      expect((await applicant.call('GET', '/v1/notifications')).body).toEqual({
        items: [],
        nextCursor: null,
        unread: 0,
      });
    },
  );

  test('sees nothing of another’s application: the same answer as for none', async () => {
    const [one, other] = [await world.applicant(), await world.applicant()];
    await other.upload();
    const asks: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { address: '서울 어딘가 1' }],
      ['GET', '/documents/contract'],
      ['POST', '/submission'],
    ];
    for (const [method, rest, body] of asks) {
      const answer = await one.call(method, `${other.path}${rest}`, body);
      expect([method, rest, answer.status, answer.body.code]).toEqual([method, rest, 404, 'not_found']);
    }
    expect((await one.send('PUT', `${other.path}/documents/contract`, 'image/png', PNG)).status).toBe(404);
    const { rows } = await world.pool.query(
      'SELECT content_type FROM advertiser_document WHERE advertiser_id = $1',
      [other.advertiserId],
    );
    expect(rows.map((row) => row.content_type)).toEqual(['application/pdf', 'application/pdf']);
  });

  test('cannot change what a reviewer looks at', async () => {
    const applicant = await inReview();
    expect((await applicant.submit()).status).toBe(202);
    const change = await applicant.call('PATCH', applicant.path, { companyName: '다른 이름' });
    const upload = await applicant.send('PUT', `${applicant.path}/documents/contract`, 'image/png', PNG);
    expect([change.status, change.body.code, upload.status]).toEqual([409, 'wrong_status', 409]);
    expect((await applicant.call('GET', applicant.path)).body).toMatchObject({
      companyName: '한빛상점',
      version: 1,
    });
  });
});

describe('wrong inputs', () => {
  const counts = async () => {
    const { rows } = await world.pool.query(
      `SELECT (SELECT count(*) FROM advertiser) AS advertisers, (SELECT count(*) FROM user_account) AS users,
              (SELECT count(*) FROM advertiser_application) AS applications, (SELECT count(*) FROM advertiser_review) AS reviews,
              (SELECT count(*) FROM advertiser_document) AS documents, (SELECT count(*) FROM notification) AS notices`,
    );
    return rows[0];
  };

  test.each<[string, Record<string, unknown>, number, string]>([
    ['a wrong checksum', { businessNumber: '123-45-67890' }, 422, 'businessNumber'],
    ['an opening day in the future', { openingDate: '20991231' }, 422, 'openingDate'],
    ['a day that is none', { openingDate: '20230230' }, 422, 'openingDate'],
    ['a short password', { password: 'short' }, 422, 'password'],
    ['no telephone number', { contactPhone: '+1 555' }, 422, 'contactPhone'],
    ['an empty name', { companyName: '   ' }, 422, 'companyName'],
    ['NUL in a name', { companyName: 'a\u0000b' }, 400, 'body.companyName'],
    ['no address', { contactEmail: 'nobody' }, 400, 'body.contactEmail'],
    ['terms not accepted', { contractAccepted: false }, 400, 'body.contractAccepted'],
    ['a role of its own choice', { role: 'admin' }, 400, 'body.role'],
    ['a number where a text belongs', { representative: 7 }, 400, 'body.representative'],
  ])('a sign-up with %s is refused by field and writes nothing', async (_name, change, status, field) => {
    const before = await counts();
    const answer = await world.nobody.call('POST', '/v1/advertiser-applications', world.form(change));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
    expect(answer.body.errors.map((one: { field: string }) => one.field)).toContain(field);
    expect(await counts()).toEqual(before);
  });

  test('a number or an address that is taken is refused, however it is written, also by twins at once', async () => {
    const { form } = await world.applicant();
    const number = String(form.businessNumber).replace(/(...)(..)(.....)/, '$1-$2-$3');
    for (const change of [
      { businessNumber: number },
      { contactEmail: String(form.contactEmail).toUpperCase() },
    ]) {
      const answer = await world.nobody.call('POST', '/v1/advertiser-applications', world.form(change));
      expect([answer.status, answer.body.code]).toEqual([409, 'already_exists']);
    }
    const twin = world.form();
    const twins = await Promise.all(
      [1, 2].map((n) =>
        world.nobody.call('POST', '/v1/advertiser-applications', {
          ...twin,
          contactEmail: `${n}${twin.contactEmail}`,
        }),
      ),
    );
    expect(twins.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test('whoever probes numbers and addresses from one place is told to wait, and others are not', async () => {
    const from = anAddress();
    const probe = (address: Record<string, string>) =>
      world.nobody.call(
        'POST',
        '/v1/advertiser-applications',
        world.form({ businessNumber: '1234567890' }),
        address,
      );
    for (let tries = 1; tries <= 30; tries += 1) expect((await probe(from)).status).toBe(422);
    const { status, body, headers } = await probe(from);
    expect([status, body.code]).toEqual([429, 'too_many_applications']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await probe(anAddress())).status).toBe(422);
  });

  test('a draft that nobody went on with for thirty days does not keep a number from its company', async () => {
    const squatter = await world.applicant();
    const { businessNumber: number } = squatter.form;
    const signUp = () =>
      world.nobody.call(
        'POST',
        '/v1/advertiser-applications',
        world.form({ businessNumber: number }),
        anAddress(),
      );
    const age = (days: number) =>
      world.pool.query(
        'UPDATE advertiser_application SET updated_at = business_now() - make_interval(days => $2) WHERE advertiser_id = $1',
        [squatter.advertiserId, days],
      );
    await age(29);
    expect((await signUp()).status).toBe(409);
    await age(31);
    expect((await signUp()).status).toBe(201);
    await squatter.upload();
    const late = await squatter.submit();
    expect([late.status, late.body.code]).toEqual([409, 'already_exists']);
  });

  test('papers: other types, other content than said, nothing, too much', async () => {
    const applicant = await world.applicant();
    const put = (kind: string, type: string, bytes: Buffer) =>
      applicant.send('PUT', `${applicant.path}/documents/${kind}`, type, bytes);
    const before = await counts();
    expect((await put('contract', 'text/html', Buffer.from('<script>'))).status).toBe(415);
    expect((await put('contract', 'application/pdf', PNG)).status).toBe(415);
    expect((await put('contract', 'application/pdf', Buffer.alloc(0))).status).toBe(415);
    expect((await put('passport', 'application/pdf', PDF)).status).toBe(400);
    const large = await put('contract', 'application/pdf', Buffer.concat([PDF, Buffer.alloc(10_485_760)]));
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    expect(await counts()).toEqual(before);
    const early = await applicant.submit();
    expect([early.status, early.body.code]).toEqual([422, 'documents_missing']);
    expect(
      (await put('contract', 'application/pdf', Buffer.concat([PDF, Buffer.alloc(10_485_760 - PDF.length)])))
        .status,
    ).toBe(200);
    expect((await put('contract', 'application/pdf', PDF)).status).toBe(200);
    const paper = await applicant.call('GET', `${applicant.path}/documents/contract`);
    expect(paper.body).toEqual(PDF);
    expect(paper.headers.get('content-disposition')).toBe('attachment; filename="contract.pdf"');
    expect(paper.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await applicant.call('GET', `${applicant.path}/documents/business_registration`)).status).toBe(
      404,
    );
  });

  test('changes, decisions, pages and notices with wrong inputs', async () => {
    const applicant = await inReview();
    const review = `/v1/advertiser-reviews/${applicant.advertiserId}`;
    const before = await counts();
    const reason = { code: 'other', field: 'address', text: '' };
    const asks: [typeof world.admin, string, string, unknown, number][] = [
      [applicant, 'PATCH', applicant.path, {}, 400],
      [applicant, 'PATCH', applicant.path, { status: 'approved' }, 400],
      [world.admin, 'POST', `${review}/decisions`, { verdict: 'maybe' }, 400],
      [world.admin, 'POST', `${review}/decisions`, { verdict: 'reject', reasons: [] }, 409],
      [world.admin, 'POST', `${review}/decisions`, { verdict: 'reject', reasons: [reason] }, 409],
      [
        world.admin,
        'POST',
        `${review}/decisions`,
        { verdict: 'reject', reasons: [{ ...UNREADABLE, field: 'address' }] },
        409,
      ],
      [world.admin, 'POST', `${review}/decisions`, { verdict: 'approve', reasons: [UNREADABLE] }, 409],
      [world.admin, 'POST', '/v1/advertiser-reviews/adv_none/decisions', { verdict: 'approve' }, 404],
      [world.admin, 'POST', '/v1/advertiser-reviews/adv_none/claim', undefined, 404],
      [world.admin, 'GET', '/v1/advertiser-reviews?cursor=bad', undefined, 400],
      [applicant, 'GET', `${applicant.path}/documents/contract?version=0`, undefined, 400],
      [applicant, 'GET', '/v1/notifications?limit=0', undefined, 400],
      [applicant, 'POST', '/v1/notifications/not-an-id/read', undefined, 400],
      [applicant, 'POST', `/v1/notifications/${randomUUID()}/read`, undefined, 404],
    ];
    for (const [by, method, path, body, status] of asks) {
      const answer = await by.call(method, path, body);
      expect([method, path, body, answer.status]).toEqual([method, path, body, status]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
    expect(await counts()).toEqual(before);
    expect((await applicant.call('GET', applicant.path)).body.status).toBe('in_review');
  });
});
