// C-sec2 approvals from people's side: asked for at a desk, agreed to on a phone,
// and a sensitive export that asks who sits there.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { person, sql } from '../lib/people.mjs';

const out = path.join(top, 'tests/out');
mkdirSync(out, { recursive: true });
let atrium, admin, ann, mia, dan, desk, phone, boss, order;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['buying'] });
  ann = await person(admin, 'ann', ['buying.buyer'], { name: '安然' });
  mia = await person(admin, 'mia', ['buying.manager'], { name: '米娅' });
  await person(admin, 'max', ['buying.manager'], { name: '麦克' });
  dan = await person(admin, 'dan', ['buying.director'], { name: '丹尼' });
  order = (await ann.post('/api/buying/order', { title: '展厅音响设备', amount: 1500000, supplier: '声海科技' })).body;
  [desk, phone, boss] = await Promise.all([browse(), browse({ phone: true }), browse({ phone: true })]);
});
after(async () => {
  await desk?.close();
  await phone?.close();
  await boss?.close();
  await atrium?.stop();
});

async function login(b, login, password) {
  await b.page.goto(`${admin.base}/console/`);
  await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill(login);
  await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(password);
  await b.hook('login-submit').click();
  await b.hook('todo').waitFor();
}
const go = (b, to) => b.page.goto(`${admin.base}/console/#${to}`);
const shot = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`) });
const noSideways = async (b) => assert.ok(await b.page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), 'nothing sticks out');

test('C-sec2 at a desk: the order asks, the record shows who is asked', async () => {
  await login(desk, 'ann', ann.password);
  await go(desk, `/r/buying/order/${order.id}`);
  await desk.hook('transition-order').click();
  await desk.hook('asked').waitFor();
  await desk.hook('approval-bar').waitFor();
  await desk.hook('step-active').first().waitFor();
  assert.match(await desk.hook('approval-bar').innerText(), /米娅|麦克/);
  assert.deepEqual(await desk.axe(), []);
  await shot(desk, 'approval-record');
  await desk.hook('approval-open').click();
  await desk.hook('act-withdraw').waitFor();
  assert.equal(await desk.hook('act-approve').count(), 0, 'not her own');
  await desk.hook('approval-changes').locator('[data-field=state]').waitFor();
  assert.deepEqual(await desk.axe(), []);
  await shot(desk, 'approval-asked');
});

test('C-sec2 on a phone: the number, the list, agreeing; the second level refuses with a reason', async () => {
  await login(phone, 'mia', mia.password);
  await phone.hook('todo-count').waitFor();
  assert.equal(await phone.hook('todo-count').innerText(), '1');
  await phone.hook('todo').click();
  await phone.hook('approval-count').waitFor();
  await noSideways(phone);
  assert.deepEqual(await phone.axe(), []);
  await shot(phone, 'approval-todo-phone');
  await phone.page.getByText('展厅音响设备').first().click();
  await phone.hook('act-approve').waitFor();
  await noSideways(phone);
  assert.deepEqual(await phone.axe(), []);
  await shot(phone, 'approval-detail-phone');
  await phone.hook('act-approve').click();
  await phone.hook('act-text').fill('价格合理');
  await shot(phone, 'approval-agree-phone');
  await phone.hook('act-ok').click();
  await phone.hook('act-approve').waitFor({ state: 'detached' });
  await phone.hook('todo-count').waitFor({ state: 'detached' });

  await login(boss, 'dan', dan.password);
  await boss.hook('todo').click();
  await boss.page.getByText('展厅音响设备').first().click();
  await boss.hook('act-reject').click();
  await boss.hook('act-ok').click();
  await boss.hook('act-error').waitFor();
  assert.deepEqual(await boss.axe(), []);
  await boss.hook('act-text').fill('预算不足，请压价');
  await boss.hook('act-ok').click();
  await boss.page.locator('[data-test=approval-status][data-status=rejected]').waitFor();
  await shot(boss, 'approval-rejected-phone');
  assert.deepEqual([...boss.problems, ...phone.problems], []);
});

test('C-sec2 asked again, agreed to by both levels, done', async () => {
  await go(desk, `/r/buying/order/${order.id}`);
  await desk.page.reload();
  await desk.hook('transition-order').click();
  await desk.hook('approval-bar').waitFor();
  const id = (await ann.get(`/api/buying/order/${order.id}`)).body.approval;
  for (const b of [phone, boss]) {
    await go(b, `/approvals/${id}`);
    await b.hook('act-approve').click();
    await b.hook('act-ok').click();
    await b.hook('act-approve').waitFor({ state: 'detached' });
  }
  await boss.page.locator('[data-test=approval-status][data-status=approved]').waitFor();
  await desk.page.reload();
  await desk.page.locator('[data-test=detail-state][data-state=ordered]').waitFor();
  assert.equal(await desk.hook('approval-bar').count(), 0);
  await go(desk, '/approvals?tab=mine');
  await desk.hook('approval-count').waitFor();
  assert.deepEqual(await desk.axe(), []);
  await shot(desk, 'approval-mine');
});

test('C-sec2 an old session is asked who it is, and the export goes on by itself', async () => {
  await go(desk, '/r/buying/order');
  await desk.page.getByText('展厅音响设备').first().waitFor();
  sql(atrium, 'demo', 'UPDATE core_session SET created_at=created_at - INTERVAL 6 MINUTE');
  await desk.page.getByText('CSV').first().click();
  await desk.hook('reauth-password').waitFor();
  assert.deepEqual(await desk.axe(), []);
  const input = desk.hook('reauth-password').locator('input').or(desk.hook('reauth-password')).last();
  await input.fill('not-mine-Aa1');
  await desk.hook('reauth-ok').click();
  await desk.hook('reauth-error').waitFor();
  await shot(desk, 'reauth');
  await input.fill(ann.password);
  const [file] = await Promise.all([desk.page.waitForEvent('download'), desk.hook('reauth-ok').click()]);
  assert.match(file.suggestedFilename(), /csv$/);
  assert.deepEqual(desk.outside, []);
});
