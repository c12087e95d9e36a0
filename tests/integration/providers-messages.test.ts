import { randomUUID } from 'node:crypto';
import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAlimtalkSender } from '../../infra/alimtalk.js';
import { createBusinessRegistry } from '../../infra/business-registry.js';
import { createMailer, type Mailer, MailRefused } from '../../infra/mailer.js';
import { SPECIAL_NUMBERS } from '../../outside/providers/business-registry.js';
import { SERVICES } from '../../outside/providers/kit/behaviours.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let mailer: Mailer;

beforeAll(async () => {
  sandbox = await startSandbox();
  mailer = createMailer(sandbox.config);
});
afterEach(async () => {
  for (const service of SERVICES) await sandbox.behaviour(service, {});
});
afterAll(async () => {
  mailer.close();
  await sandbox.stop();
});

const outage = (reason: string) => expect.objectContaining({ name: 'ProviderUnavailable', reason });
const newAddress = () => `${randomUUID()}@sellers.example`;

describe('mail', () => {
  const mail = (to: string) => ({
    to,
    subject: '[광고센터] 캠페인이 승인되었습니다: 겨울 캔들',
    text: '겨울 캔들 캠페인의 심사가 완료되어 광고 송출이 시작됩니다.\n감사합니다.',
    messageId: `campaign-approved:${to}`,
  });

  it('arrives with its Korean subject and body', async () => {
    const to = newAddress();
    await mailer.sendMail(mail(to));
    const [received, ...more] = await sandbox.mails(to);
    expect(more).toEqual([]);
    expect(received).toMatchObject({ to: [to], from: 'no-reply@ads.example', subject: mail(to).subject });
    expect(received?.text.trim()).toBe(mail(to).text);
    expect(received?.messageId).toContain('campaign-approved:');
  });

  it('has one header per line that we wrote: a subject cannot add another', async () => {
    const to = newAddress();
    await mailer.sendMail({ ...mail(to), subject: '제목\r\nBcc: spy@elsewhere.example' });
    expect(await sandbox.mails('spy@elsewhere.example')).toEqual([]);
    const [received] = await sandbox.mails(to);
    expect(received?.subject).toBe('제목 Bcc: spy@elsewhere.example');
  });

  it('to nobody is refused for good; a server in trouble is an outage', async () => {
    await expect(mailer.sendMail(mail('bounce@sellers.example'))).rejects.toBeInstanceOf(MailRefused);
    const to = newAddress();
    await sandbox.behaviour('mail', { failNext: 1 });
    await expect(mailer.sendMail(mail(to))).rejects.toEqual(outage('network'));
    await sandbox.behaviour('mail', { dropConnectionNext: 1 });
    await expect(mailer.sendMail(mail(to))).rejects.toEqual(outage('network'));
    expect(await sandbox.mails(to)).toEqual([]);
    await mailer.sendMail(mail(to));
    expect(await sandbox.mails(to)).toHaveLength(1);
    const nobody = createMailer({ ...sandbox.config, SMTP_URL: 'smtp://127.0.0.1:9' });
    await expect(nobody.sendMail(mail(to))).rejects.toEqual(outage('network'));
  });

  it('that does not know our password is an outage, not the end of every mail', async () => {
    const server = new SMTPServer({
      allowInsecureAuth: true,
      onAuth: (_auth, _session, callback) =>
        callback(Object.assign(new Error('wrong password'), { responseCode: 535 })),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const stranger = createMailer({ ...sandbox.config, SMTP_URL: `smtp://ads:old@127.0.0.1:${port}` });
    await expect(stranger.sendMail(mail(newAddress()))).rejects.toEqual(outage('network'));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('is shown to people, as text', async () => {
    const to = newAddress();
    await mailer.sendMail({ ...mail(to), subject: '<script>alert(1)</script>' });
    const page = await fetch(`${sandbox.url}/mailbox`);
    const html = await page.text();
    expect(html).toContain(to);
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toContain('<script>');
  });
});

describe('Alimtalk', () => {
  const message = (to: string) => ({
    to,
    templateCode: 'CAMPAIGN_APPROVED',
    variables: { campaignName: '겨울 캔들' },
    smsText: '[광고센터] 겨울 캔들 캠페인이 승인되었습니다.',
    referenceId: randomUUID(),
  });

  it('arrives as its approved template, or by SMS where nobody uses the messenger', async () => {
    const sender = createAlimtalkSender(sandbox.config);
    const talk = message('010-1234-5678');
    const sent = await sender.sendAlimtalk(talk);
    expect(sent).toMatchObject({ ok: true });
    expect(await sandbox.messages('01012345678')).toMatchObject([
      {
        channel: 'alimtalk',
        referenceId: talk.referenceId,
        text: '겨울 캔들 캠페인의 심사가 완료되었습니다. 순위에 반영되면 광고 송출이 시작됩니다.',
      },
    ]);
    const sms = message('010-9999-0000');
    expect(await sender.sendAlimtalk(sms)).toMatchObject({ ok: true });
    expect(await sandbox.messages(sms.to)).toMatchObject([{ channel: 'sms', text: sms.smsText }]);
  });

  it('is refused without an approved template, its variables, or a telephone number', async () => {
    const sender = createAlimtalkSender(sandbox.config);
    const to = '010-2222-3333';
    const unknown = await sender.sendAlimtalk({ ...message(to), templateCode: 'NO_SUCH_TEMPLATE' });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'alimtalk_3108' } });
    const empty = await sender.sendAlimtalk({ ...message(to), variables: {} });
    expect(empty).toMatchObject({ ok: false, error: { code: 'alimtalk_3109' } });
    const nobody = await sender.sendAlimtalk(message('not-a-number'));
    expect(nobody).toMatchObject({ ok: false, error: { code: 'validation_error' } });
    expect(await sandbox.messages(to)).toEqual([]);
  });

  it('knows outages and wrong secrets', async () => {
    const sender = createAlimtalkSender(sandbox.config);
    await sandbox.behaviour('messages', { failNext: 1 });
    await expect(sender.sendAlimtalk(message('010-1111-2222'))).rejects.toEqual(outage('status'));
    const wrong = createAlimtalkSender({ ...sandbox.config, MESSAGES_API_SECRET: 'another-secret' });
    await expect(wrong.sendAlimtalk(message('010-1111-2222'))).rejects.toEqual(outage('credentials'));
    expect(await sandbox.messages('010-1111-2222')).toEqual([]);
  });
});

describe('business registry', () => {
  const registry = () => createBusinessRegistry(sandbox.config);
  const asked = { businessNumber: '220-81-62517', startDate: '20200102', representative: '김대표' };

  it('knows active, suspended, closed and unknown companies, in the order of the question', async () => {
    const { suspended, closed, unregistered } = SPECIAL_NUMBERS;
    const answer = await registry().readStatus([
      asked.businessNumber,
      suspended,
      closed,
      unregistered,
      '1234567890',
    ]);
    if (!answer.ok) throw new Error(answer.error.message);
    const states = answer.value.map(({ state }) => state);
    expect(states).toEqual(['active', 'suspended', 'closed', 'unregistered', 'unregistered']);
    expect(answer.value[0]).toMatchObject({ taxType: '부가가치세 일반과세자', raw: { b_stt: '계속사업자' } });
  });

  it('says whether number, opening day and representative belong together', async () => {
    expect(await registry().validate(asked)).toMatchObject({
      ok: true,
      value: { valid: true, message: null },
    });
    const other = { ...asked, businessNumber: SPECIAL_NUMBERS.otherRepresentative };
    const mismatch = { ok: true, value: { valid: false, message: '확인할 수 없습니다.' } };
    expect(await registry().validate(other)).toMatchObject(mismatch);
    await sandbox.setBusiness('120-81-47521', { representative: '박대표', startDate: '20190301' });
    const known = { businessNumber: '120-81-47521', startDate: '20190301', representative: '박대표' };
    expect(await registry().validate(known)).toMatchObject({ ok: true, value: { valid: true } });
    expect(await registry().validate({ ...known, startDate: '20190302' })).toMatchObject(mismatch);
  });

  it('a company may close later', async () => {
    await sandbox.setBusiness('124-81-00998', { state: 'closed' });
    expect(await registry().readStatus(['124-81-00998'])).toMatchObject({
      ok: true,
      value: [{ state: 'closed' }],
    });
  });

  it('takes 1 to 100 numbers; outages and wrong keys are told apart from refusals', async () => {
    const refused = { ok: false, error: { code: 'bad_json_request' } };
    expect(await registry().readStatus(Array(101).fill('2208162517'))).toMatchObject(refused);
    expect(await registry().validate({ ...asked, startDate: '2020' })).toMatchObject(refused);
    const wrong = createBusinessRegistry({ ...sandbox.config, BUSINESS_REGISTRY_KEY: 'wrong-key' });
    await expect(wrong.readStatus(['2208162517'])).rejects.toEqual(outage('credentials'));
    await sandbox.behaviour('business-registry', { failNext: 1 });
    await expect(registry().readStatus(['2208162517'])).rejects.toEqual(outage('status'));
  });
});

describe('the control of the sandbox', () => {
  const send = (method: string, path: string, body: string, type = 'application/json') =>
    fetch(`${sandbox.url}${path}`, { method, headers: { 'content-type': type }, body });

  it('refuses what it does not understand, and changes nothing', async () => {
    const before = await (await fetch(`${sandbox.url}/sandbox/behaviours/payments`)).json();
    const refusals = [
      await send('PUT', '/sandbox/behaviours/payments', '{"delayMs":-1}'),
      await send('PUT', '/sandbox/behaviours/payments', '{"delay":1}'),
      await send('PUT', '/sandbox/behaviours/payments', '{'),
      await send('PUT', '/sandbox/behaviours/nobody', '{}'),
      await send('PUT', '/sandbox/businesses/1234567890', '{}'),
      await send('POST', '/sandbox/deposits', '{}'),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400]);
    expect((await send('POST', '/sandbox/deposits', '{"orderId":"order_unknown"}')).status).toBe(404);
    expect((await send('POST', '/sandbox/deposits', 'orderId=a', 'text/plain')).status).toBe(415);
    expect((await send('POST', '/nowhere', '{}')).status).toBe(404);
    expect(await (await fetch(`${sandbox.url}/sandbox/behaviours/payments`)).json()).toEqual(before);
  });

  it('the checkout window pays and returns the shopper to the merchant only', async () => {
    const orderId = `order_${randomUUID()}`;
    const window = (successUrl: string) =>
      `${sandbox.url}/payments/v1/sandbox/checkout?${new URLSearchParams({
        orderId,
        amount: '50000',
        orderName: '광고비 <충전>',
        successUrl,
        failUrl: 'http://127.0.0.1:18001/fail',
      })}`;
    const address = window('http://127.0.0.1:18001/success');
    expect(await (await fetch(address)).text()).toContain('광고비 &lt;충전&gt;');
    const submit = (agree: string) =>
      fetch(address, {
        method: 'POST',
        body: new URLSearchParams({ number: '4330-1234-5678-1234', agree }),
        redirect: 'manual',
      });
    const refused = new URL((await submit('no')).headers.get('location') ?? '');
    expect([refused.pathname, refused.searchParams.get('code')]).toEqual(['/fail', 'PAY_PROCESS_CANCELED']);
    const success = new URL((await submit('yes')).headers.get('location') ?? '');
    expect([success.pathname, success.searchParams.get('orderId')]).toEqual(['/success', orderId]);
    const [payment] = (await sandbox.payments()).filter((one) => one.orderId === orderId);
    expect(payment).toMatchObject({
      paymentKey: success.searchParams.get('paymentKey'),
      totalAmount: 50_000,
    });
    for (const nowhere of ['https://elsewhere.example/steal', 'nonsense', 'javascript:alert(1)'])
      expect((await fetch(window(nowhere))).status).toBe(400);
  });
});
