// C-sec2 masked fields from people's side: the eye in lists and records, the reason, the
// proof, forms that leave a mask alone until somebody writes another value.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { Atrium, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { person, sql } from '../lib/people.mjs';

const out = path.join(top, 'tests/out');
mkdirSync(out, { recursive: true });
const manifest = {
  'plugin.yaml': `manifest: 1
plugin: {id: club, version: 1.0.0, abi: 1, title: {zh: 俱乐部, en: Club}}
roles:
  desk: {title: {zh: 前台, en: Desk}}
  reader: {title: {zh: 查看, en: Reader}}
menus:
  - {id: club.person, title: {zh: 会员档案, en: People}, icon: users, resource: club.person, permission: "person:read", order: 10}
`,
  'resources/person.yaml': `title: {zh: 会员, en: Person}
label: name
traits: [versioned, audited]
fields:
  name: {type: text, max: 40, required: true, search: true, title: {zh: 姓名, en: Name}}
  phone: {type: phone, required: true, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 手机号, en: Phone}}
  mail: {type: email, protect: {store: encrypted, show: masked}, title: {zh: 邮箱, en: E-mail}}
  town: {type: text, max: 40, title: {zh: 城市, en: Town}}
  contacts: {type: children, of: contact, by: person, title: {zh: 紧急联系人, en: Contacts}}
sensitive: {export: reauth, reveal: reauth}
permissions:
  desk: {read: [all], create: true, update: [all], fields: {phone: unmasked, mail: unmasked}}
  reader: {read: [all]}
views:
  list: {columns: [name, phone, mail, town], filters: [phone], sort: [-created_at]}
  detail: {facts: [phone, town]}
`,
  'resources/contact.yaml': `title: {zh: 联系人, en: Contact}
label: id
parent: person
fields:
  person: {type: ref, to: club.person, on_delete: cascade, required: true, title: {zh: 会员, en: Person}}
  who: {type: text, max: 20, title: {zh: 称呼, en: Who}}
  tel: {type: phone, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 电话, en: Phone}}
`,
};

let dir, atrium, admin, desk, reader, wide, small, row;
before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'atrium-club-'));
  mkdirSync(path.join(dir, 'club/resources'), { recursive: true });
  for (const [name, text] of Object.entries(manifest)) writeFileSync(path.join(dir, 'club', name), text);
  atrium = await Atrium.start({ settings: `plugin_dirs: [${dir}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['club'] });
  desk = await person(admin, 'desk', ['club.desk'], { name: '前台小周' });
  reader = await person(admin, 'reader', ['club.reader'], { name: '查看者' });
  const made = await admin.post('/api/club/person', { name: '王小明', phone: '13912345678', mail: 'lena@example.com', town: '杭州', contacts: [{ who: '妈妈', tel: '13700001111' }] });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  row = made.body;
  for (const [name, phone] of [['李四', '13911112222'], ['赵敏', '13911113333']]) await admin.post('/api/club/person', { name, phone, town: '上海' });
  [wide, small] = await Promise.all([browse(), browse({ phone: true })]);
});
after(async () => {
  await wide?.close();
  await small?.close();
  await atrium?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function login(b, who, name) {
  await b.page.goto(`${admin.base}/console/`);
  await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill(name);
  await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(who.password);
  await b.hook('login-submit').click();
  await b.hook('todo').waitFor();
}
const go = (b, to) => b.page.goto(`${admin.base}/console/#${to}`);
const shot = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`) });
const noSideways = async (b) => assert.ok(await b.page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), 'nothing sticks out');
const input = (b, name) => b.hook(`form-field-${name}`).locator('input').first();

test('C-sec2 in a list the eye shows a value, and hides it at a click and after half a minute', async () => {
  await wide.page.clock.install();
  await login(wide, desk, 'desk');
  await go(wide, '/r/club/person');
  const cell = wide.page.locator(`[data-id="${row.id}"] [data-test="masked-phone"]`), eye = cell.locator('button');
  await cell.waitFor();
  assert.equal((await cell.innerText()).trim(), '139****5678');
  assert.equal(await eye.getAttribute('aria-label'), '显示手机号');
  await eye.click();
  await cell.getByText('13912345678').waitFor();
  assert.equal(await eye.getAttribute('aria-label'), '隐藏手机号');
  assert.ok(wide.page.url().endsWith('/r/club/person'), 'the click opens no record');
  assert.deepEqual(await wide.axe(), []);
  await shot(wide, 'protect-list');
  await eye.click();
  await cell.getByText('139****5678').waitFor();
  await eye.click();
  await cell.getByText('13912345678').waitFor();
  await wide.page.clock.fastForward(31_000);
  await cell.getByText('139****5678').waitFor();
  const filter = wide.hook('filter-phone').locator('input');
  assert.equal(await filter.getAttribute('placeholder'), '完整内容');
  await filter.fill('139 1111 3333');
  await wide.page.clock.fastForward(1000);
  await wide.hook('list-count').getByText('1').waitFor();
  assert.equal(await wide.hook('row').count(), 1);
  assert.match(await wide.hook('row').innerText(), /赵敏/);
});

test('C-sec2 a record: the reason where the tenant wants one, the proof where it is sensitive', async () => {
  await admin.patch('/api/core/plugins/core/settings', { reveal_reason: true });
  sql(atrium, 'demo', `UPDATE core_session SET proved_at = proved_at - INTERVAL 1 DAY, created_at = created_at - INTERVAL 1 DAY WHERE staff = ${desk.id}`);
  await go(wide, `/r/club/person/${row.id}`);
  const mail = wide.hook('masked-mail');
  await mail.waitFor();
  await wide.hook('reveal-mail').click();
  await wide.hook('reveal-reason').waitFor();
  await wide.hook('reveal-ok').click();
  await wide.hook('reveal-error').waitFor();
  await wide.hook('reveal-reason').fill('回电核对');
  assert.deepEqual(await wide.axe(), []);
  await shot(wide, 'protect-reason');
  await wide.hook('reveal-ok').click();
  await wide.hook('reauth-password').fill(desk.password);
  await wide.hook('reauth-ok').click();
  await mail.getByText('lena@example.com').waitFor();
  assert.deepEqual(await wide.axe(), []);
  await shot(wide, 'protect-record');
  let line;
  for (let i = 0; i < 50 && !line; i++) {
    line = (await admin.get('/api/core/audit?limit=50')).body.items.find((l) => l.action === 'reveal' && l.detail?.reason);
    if (!line) await new Promise((ok) => setTimeout(ok, 100));
  }
  assert.deepEqual(line.detail.reason, '回电核对');
  await wide.hook('reveal-phone').first().click();
  await wide.hook('reveal-cancel').click();
  assert.equal((await wide.hook('masked-phone').first().innerText()).trim(), '139****5678', 'given up: nothing is shown');
  await admin.patch('/api/core/plugins/core/settings', { reveal_reason: false });
});

test('C-sec2 a form leaves the mask alone, writes another value, and takes it back', async () => {
  await go(wide, `/r/club/person/${row.id}/edit`);
  await wide.hook('change-phone').waitFor();
  await input(wide, 'town').fill('宁波');
  await wide.hook('form-save').click();
  await wide.hook('detail-title').waitFor();
  let now = (await admin.get(`/api/club/person/${row.id}?reveal=phone`)).body;
  assert.deepEqual([now.phone, now.town, now.contacts[0].tel], ['13912345678', '宁波', '137****1111']);
  await go(wide, `/r/club/person/${row.id}/edit`);
  await wide.hook('change-phone').click();
  assert.equal(await input(wide, 'phone').inputValue(), '');
  await wide.hook('form-save').click();
  await wide.hook('error-phone').waitFor();
  assert.deepEqual(await wide.axe(), []);
  await shot(wide, 'protect-form');
  await wide.hook('keep-phone').click();
  assert.equal((await wide.hook('masked-phone').innerText()).trim(), '139****5678');
  await wide.hook('change-phone').click();
  await input(wide, 'phone').fill('13666667777');
  await wide.hook('form-save').click();
  await wide.hook('detail-title').waitFor();
  now = (await admin.get(`/api/club/person/${row.id}?reveal=phone`)).body;
  assert.equal(now.phone, '13666667777');
});

test('C-sec2 on a phone; who may not unmask has no eye', async () => {
  await login(small, desk, 'desk');
  await go(small, `/r/club/person/${row.id}`);
  await small.hook('reveal-phone').first().click();
  await small.hook('masked-phone').first().getByText('13666667777').waitFor();
  await noSideways(small);
  assert.deepEqual(await small.axe(), []);
  await shot(small, 'protect-record-phone');
  await go(small, `/r/club/person/${row.id}/edit`);
  await small.hook('change-phone').waitFor();
  await noSideways(small);
  assert.deepEqual(await small.axe(), []);
  await shot(small, 'protect-form-phone');
  await go(small, '/r/club/person');
  await small.hook('reveal-phone').first().waitFor();
  await noSideways(small);
  await shot(small, 'protect-list-phone');
  const other = await browse();
  try {
    await login(other, reader, 'reader');
    await go(other, `/r/club/person/${row.id}`);
    await other.hook('masked-phone').first().waitFor();
    assert.equal(await other.hook('reveal-phone').count(), 0);
    assert.deepEqual(other.problems, []);
  } finally { await other.close(); }
  assert.deepEqual(small.problems, []);
});
