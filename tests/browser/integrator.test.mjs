// Keys, webhooks, the calendar and agreements from a person's side.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, Api, pollBody, publishedPoll, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { Receiver } from '../lib/receiver.mjs';

const out = path.join(top, 'tests/out');
mkdirSync(out, { recursive: true });
let atrium, admin, desk, phone, receiver;
before(async () => {
  receiver = await Receiver.start();
  atrium = await Atrium.start({ settings: 'webhooks: {allow_private: true, allow_http: true}\n' });
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  desk = await browse();
  await desk.page.emulateMedia({ reducedMotion: 'reduce' });
  await desk.page.goto(`${admin.base}/console/`);
  await desk.hook('login-user').locator('input').or(desk.hook('login-user')).last().fill('admin');
  await desk.hook('login-password').locator('input').or(desk.hook('login-password')).last().fill(admin.password);
  await desk.hook('login-submit').click();
  await desk.hook('menu-core.plugins').waitFor();
});
after(async () => { await phone?.close(); await desk?.close(); await atrium?.stop(); await receiver?.stop(); });
const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const shot = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`) });
const open = async (b, hash) => { await b.page.goto('about:blank'); await b.page.goto(`${admin.base}/console/#${hash}`); };

test('B-38 a key: made, its secret shown once, used, revoked', async () => {
  const row = ok(await admin.post('/api/core/api_key', { name: '对账系统', grants: { 'vote.poll': { read: ['all'] } } }), 201);
  await open(desk, `/r/core/api_key/${row.id}`);
  await desk.hook('secret-renew').click();
  const secret = (await desk.hook('secret-text').textContent()).trim();
  assert.match(secret, /^atk_/);
  await shot(desk, 'key-secret');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('secret-close').click();
  await desk.hook('secret-text').waitFor({ state: 'hidden' });
  assert.ok(!(await desk.page.content()).includes(secret.slice(13)), 'gone from the page');
  assert.equal((await admin.as(secret).get('/api/vote/poll')).status, 200);
  await desk.hook('transition-revoke').click();
  await desk.hook('confirm-ok').click();
  await desk.page.locator('[data-test="detail-state"][data-state="revoked"]').waitFor();
  assert.equal((await admin.as(secret).get('/api/vote/poll')).status, 401);
  await open(desk, '/r/core/api_key');
  await desk.page.getByText('对账系统').waitFor();
  await shot(desk, 'keys');
  assert.deepEqual(await desk.axe(), []);
});

test('B-38 D-T6 a webhook: secret, test, deliveries, send again', async () => {
  const row = ok(await admin.post('/api/core/webhook', { name: '对方', url: `${receiver.base}/b`, events: 'vote.poll.*' }), 201);
  await open(desk, `/r/core/webhook/${row.id}`);
  await desk.hook('secret-renew').click();
  receiver.secrets.set('/b', (await desk.hook('secret-text').textContent()).trim());
  await desk.hook('secret-close').click();
  await desk.hook('webhook-test').click();
  await receiver.wait('/b', 1);
  await shot(desk, 'webhook');
  assert.deepEqual(await desk.axe(), []);
  ok(await admin.post('/api/vote/poll', pollBody()), 201);
  const [, made] = await receiver.wait('/b', 2);
  const id = made.headers['x-atrium-delivery'];
  for (let i = 0; i < 50 && (await admin.get(`/api/core/webhook_delivery/${id}`)).body.status !== 'sent'; i++) await new Promise((r) => setTimeout(r, 50));
  await open(desk, `/r/core/webhook_delivery/${id}`);
  await desk.hook('delivery-again').click();
  await receiver.wait('/b', 3);
  await open(desk, '/r/core/webhook_delivery');
  await desk.page.getByText('vote.poll.created').first().waitFor();
  await shot(desk, 'deliveries');
  assert.deepEqual(await desk.axe(), []);
});

test('E-P65 the calendar: initialise, click, Shift for a stretch, arrow keys', async () => {
  const year = new Date().getFullYear();
  await open(desk, '/calendar');
  await desk.hook('calendar-init').click();
  await desk.hook('calendar-init').waitFor({ state: 'detached' });
  const day = (d) => desk.hook(`day-${year}-${d}`);
  const kind = (d, k) => desk.page.locator(`[data-test="day-${year}-${d}"][data-kind="${k}"]`).waitFor();
  await day('10-01').click();
  await kind('10-01', 'holiday');
  await day('10-07').click({ modifiers: ['Shift'] });
  for (const d of ['10-02', '10-05', '10-07']) await kind(d, 'holiday');
  await day('10-01').focus();
  await desk.page.keyboard.press('ArrowRight');
  await desk.page.keyboard.press('Space');
  const toggled = new Date(Date.UTC(year, 9, 2)).getUTCDay() % 6 === 0 ? 'adjusted' : 'workday';
  await kind('10-02', toggled);
  assert.equal(ok(await admin.get(`/api/core/calendar/${year}`)).initialised, true);
  await shot(desk, 'calendar');
  assert.deepEqual(await desk.axe(), []);
  await desk.page.setViewportSize({ width: 390, height: 844 });
  await shot(desk, 'calendar-phone');
  assert.equal(await desk.page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true);
  assert.deepEqual(await desk.axe(), []);
  await desk.page.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(desk.problems.filter((p) => !/401|409|422/.test(p)), []);
});

test('A-2.4.3 a member accepts at log-in, and is not asked again', async () => {
  const a = ok(await admin.post('/api/core/agreement', { code: 'terms', kind: 'service', title_zh: '用户服务协议', title_en: 'Terms', places: 'member_login' }), 201);
  const v = ok(await admin.post('/api/core/agreement_version', { agreement: a.id, body_zh: '<p>请文明投票。</p>' }), 201);
  ok(await admin.post(`/api/core/agreement_version/${v.id}/do/publish`));
  const poll = await publishedPoll(admin, { login_required: true });
  phone = await browse({ phone: true });
  const logIn = async () => {
    await phone.page.goto(`${admin.base}/#/pages/my/my`);
    await phone.page.reload();
    const field = (n) => phone.page.locator(`#${n} input, input#${n}`).first();
    await field('login-phone').fill('13911112222');
    await phone.hook('login-send').click();
    for (let i = 0; i < 100 && !atrium.codes('13911112222').length; i++) await new Promise((r) => setTimeout(r, 50));
    await field('login-code').fill(atrium.codes('13911112222')[0].code);
    await phone.hook('login-submit').click();
  };
  await logIn();
  await phone.hook('consent').waitFor();
  await phone.page.getByText('请文明投票。').waitFor();
  await shot(phone, 'consent');
  assert.deepEqual(await phone.axe(), []);
  await phone.hook('consent-accept').click();
  await phone.hook('consent').waitFor({ state: 'detached' });
  assert.equal(ok(await admin.get(`/api/core/agreement_version/${v.id}`)).accepted, 1);
  assert.ok(poll.id);
});
