// Rights as a matrix, the organisation as a tree, people, passwords and delegations.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Api, Atrium, prefix, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';

const out = path.join(top, 'tests/out');
mkdirSync(out, { recursive: true });
let atrium, admin, desk, phone;
const opened = [];
const ids = {};

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const make = async (url, body) => (ids[body.code ?? body.login ?? body.name] = ok(await admin.post(`/api/core/${url}`, body), 201).id);
const shot = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`) });
const open = async (b, hash) => { await b.page.goto('about:blank'); await b.page.goto(`${admin.base}/console/#${hash}`); };
const fill = (b, name, text) => b.hook(name).locator('input').or(b.hook(name)).last().fill(text);
const narrow = (b) => b.page.evaluate(() => document.querySelector('#app').scrollWidth <= innerWidth);
async function enter(user, password, options) {
  const b = await browse(options);
  opened.push(b);
  await b.page.emulateMedia({ reducedMotion: 'reduce' });
  await b.page.goto(`${admin.base}/console/`);
  await fill(b, 'login-user', user);
  await fill(b, 'login-password', password);
  await b.hook('login-submit').click();
  await b.hook('user-menu').waitFor();
  return b;
}
/** A person with a password, and these roles. */
async function person(login, name, roles = [], more = {}) {
  await make('staff', { login, name, roles: roles.map((r) => ({ role: ids[r] })), ...more });
  return ok(await admin.post(`/api/auth/staff/${ids[login]}/password`)).password;
}

before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}, ${path.join(prefix, 'share/atrium/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['vote', 'kit'] });
  for (const [name, kind, parent] of [['总公司', 'head_office'], ['华东分公司', 'branch', '总公司'], ['华南分公司', 'branch', '总公司'],
    ['市场部', 'department', '华东分公司'], ['技术部', 'department', '华东分公司']])
    await make('dept', { name, kind, parent: parent ? ids[parent] : null });
  for (const [login, name, dept] of [['wang', '王芳', '市场部'], ['chen', '陈强', '市场部'], ['zhao', '赵敏', '华南分公司']])
    await make('staff', { login, name, department: ids[dept] });
  desk = await enter('admin', admin.password);
  phone = await enter('admin', admin.password, { phone: true });
});
after(async () => { for (const b of opened) await b.close(); await atrium?.stop(); });

test('B-35 a role as a matrix: a right given in a cell is had by its holders; what is wrong is told at its cell', async () => {
  await make('role', { code: 'r.desk', name: '前台', grants: { 'vote.poll': { read: ['own'] } } });
  const password = await person('lily', '李丽', ['r.desk'], { department: ids['市场部'] });
  const her = new Api(admin.base);
  await her.login('lily', password);
  assert.equal((await her.get('/api/kit/place')).status, 403);
  await open(desk, `/r/core/role/${ids['r.desk']}/edit`);
  await desk.hook('matrix-search').fill('kit.');
  await desk.hook('grant-kit.place').waitFor();
  assert.equal(await desk.hook('grant-vote.poll').count(), 0);
  // with the keyboard: open the chooser, take "all", back to the cell
  await desk.hook('grant-kit.place-read').focus();
  await desk.page.keyboard.press('Enter');
  await desk.hook('scope-all').waitFor();
  await desk.page.locator('[data-test="scope-panel"] input:focus').waitFor();
  await desk.hook('scope-all').focus();
  await desk.page.keyboard.press('Space');
  await shot(desk, 'matrix-chooser');
  await desk.page.keyboard.press('Escape');
  await desk.page.locator('[data-test="grant-kit.place-read"]:focus').waitFor();
  await desk.hook('grant-kit.place-create').check();
  await desk.hook('matrix-changed').waitFor();
  assert.match(await desk.hook('matrix-changed').textContent(), /2/);
  await desk.hook('matrix-search').fill('');
  await desk.hook('grant-more-vote.poll').click();
  await desk.hook('grant-vote.poll-do-publish').check();
  await desk.hook('grant-vote.poll-field-name').selectOption('read_only');
  await desk.hook('grant-vote.poll').scrollIntoViewIfNeeded();
  await desk.shot('org-matrix');
  assert.deepEqual(await desk.axe(), []);
  // chosen departments without any: the complaint stands at the row
  await desk.hook('grant-core.staff-read').click();
  await desk.hook('scope-custom').check();
  await desk.hook('scope-done').click();
  await desk.hook('form-save').click();
  await desk.page.locator('[data-test="grant-detail-core.staff"] .danger').waitFor();
  await shot(desk, 'matrix-wrong');
  const depts = desk.page.locator('[data-test="grant-depts-core.staff"]');
  await depts.locator('input').first().click();
  await desk.page.getByRole('option', { name: '市场部' }).click();
  await desk.hook('form-save').click();
  await desk.hook('detail-title').waitFor();
  const saved = ok(await admin.get(`/api/core/role/${ids['r.desk']}`)).grants;
  assert.deepEqual(saved, { 'vote.poll': { read: ['own'], do: ['publish'], fields: { name: 'read_only' } },
    'kit.place': { read: ['all'], create: true }, 'core.staff': { read: ['custom'], depts: [ids['市场部']] } });
  await desk.hook('grant-kit.place').waitFor();
  await shot(desk, 'matrix-read');
  assert.deepEqual(await desk.axe(), []);
  ok(await her.get('/api/kit/place'));
  ok(await her.post('/api/kit/place', { name: '展台' }), 201);
  assert.equal((await her.post('/api/core/role', { code: 'r.x', name: 'x' })).status, 403);
});

test('B-35 the matrix and the menus of roles on a phone and for several roles at once', async () => {
  await open(phone, `/r/core/role/${ids['r.desk']}/edit`);
  await phone.hook('grant-kit.place-read').waitFor();
  await phone.hook('grant-kit.place').scrollIntoViewIfNeeded();
  await shot(phone, 'matrix-phone');
  assert.equal(await narrow(phone), true);
  assert.deepEqual(await phone.axe(), []);
  await make('role', { code: 'r.second', name: '第二个', grants: {} });
  await open(desk, '/role-menus');
  await desk.hook('role-pick-' + ids['r.desk']).check();
  await desk.hook('role-pick-' + ids['r.second']).check();
  await desk.hook('menus-pick').click();
  await desk.hook('menu-tick-kit.place').check();
  await desk.shot('org-role-menus');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('role-menus-save').click();
  await desk.page.locator('.el-message--success').waitFor();
  for (const code of ['r.desk', 'r.second'])
    assert.deepEqual(ok(await admin.get(`/api/core/role/${ids[code]}`)).grants.menus, ['kit', 'kit.place']);
});

test('E-P71 the tree: added below, moved by the dialog, walked by keys, kept while somebody is in it', async () => {
  await open(desk, '/org');
  await desk.hook('dept-' + ids['华东分公司']).click();
  await desk.hook('dept-title').waitFor();
  await desk.hook('dept-add').click();
  await desk.hook('dept-name').fill('客服部');
  await desk.hook('dept-save').click();
  await desk.page.locator('[data-test="dept-title"]:text("客服部")').waitFor();
  const made = ok(await admin.get(`/api/core/dept?filter=${encodeURIComponent('name = "客服部"')}`)).items[0];
  assert.equal(made.parent, ids['华东分公司']);
  await desk.hook('dept-edit').click();
  await desk.page.locator('.el-dialog').waitFor();
  await shot(desk, 'dept-dialog');
  assert.deepEqual(await desk.axe(), []);
  await desk.page.locator('#dept-parent').click();
  await desk.hook('dept-place-' + ids['华南分公司']).click();
  await desk.hook('dept-save').click();
  await desk.page.locator('.el-dialog').waitFor({ state: 'hidden' });
  assert.equal(ok(await admin.get(`/api/core/dept/${made.id}`)).parent, ids['华南分公司']);
  // by dragging, with a question first
  await desk.hook('dept-' + made.id).dragTo(desk.hook('dept-' + ids['华东分公司']));
  await desk.hook('confirm-ok').click();
  for (let i = 0; i < 50 && ok(await admin.get(`/api/core/dept/${made.id}`)).parent !== ids['华东分公司']; i++) await new Promise((r) => setTimeout(r, 50));
  assert.equal(ok(await admin.get(`/api/core/dept/${made.id}`)).parent, ids['华东分公司']);
  // by keys: down from the top, into the branch, choose
  await desk.hook('dept-' + ids['总公司']).focus();
  await desk.page.keyboard.press('ArrowDown');
  await desk.page.keyboard.press('Enter');
  await desk.page.locator('[data-test="dept-title"]:text("华东分公司")').waitFor();
  await desk.page.keyboard.press('ArrowLeft');
  await desk.hook('dept-' + ids['市场部']).waitFor({ state: 'detached' });
  await desk.page.keyboard.press('ArrowRight');
  await desk.hook('dept-' + ids['市场部']).click();
  await desk.hook('person-' + ids.lily).waitFor();
  await desk.hook('dept-delete').click();
  await desk.hook('confirm-ok').click();
  await desk.page.locator('.el-message--error').waitFor();
  ok(await admin.get(`/api/core/dept/${ids['市场部']}`));
  assert.deepEqual(await desk.axe(), []);
});

test('D-42 a person is moved to another department and post in one dialog, on a desk and on a phone', async () => {
  await make('post', { name: '主管', department: ids['技术部'] });
  await open(desk, `/org?dept=${ids['市场部']}`);
  await desk.hook('move-' + ids.lily).waitFor();
  await desk.shot('org-tree');
  await desk.hook('move-' + ids.lily).click();
  await desk.page.locator('#move-dept').click();
  await desk.page.getByRole('option', { name: '技术部' }).click();
  await desk.page.locator('#move-post').click();
  await desk.page.getByRole('option', { name: '主管' }).click();
  await desk.hook('move-reason').fill('轮岗');
  await desk.shot('org-move');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('move-save').click();
  await desk.hook('person-' + ids.lily).waitFor({ state: 'detached' });
  assert.equal(ok(await admin.get(`/api/core/staff/${ids.lily}`)).department, ids['技术部']);
  const postings = ok(await admin.get(`/api/core/staff_post?filter=${encodeURIComponent(`staff = "${ids.lily}"`)}`)).items;
  assert.deepEqual(postings.map((p) => [p.post, p.kind, p.reason]), [[ids['主管'], 'main', '轮岗']]);
  await open(phone, '/org');
  await phone.hook('dept-' + ids['技术部']).waitFor();
  assert.equal(await phone.hook('dept-main').isVisible(), false);
  await phone.shot('org-phone');
  assert.deepEqual(await phone.axe(), []);
  await phone.hook('dept-' + ids['技术部']).click();
  await phone.hook('person-' + ids.lily).waitFor();
  assert.equal(await phone.hook('dept-tree').isVisible(), false);
  await shot(phone, 'org-phone-unit');
  assert.equal(await narrow(phone), true);
  assert.deepEqual(await phone.axe(), []);
  await phone.hook('org-back').click();
  await phone.hook('dept-tree').waitFor();
});

test('E-P66 B-34 a password is made and shown once; a person\'s rights say where they come from', async () => {
  await open(desk, `/r/core/staff/${ids.lily}`);
  await desk.hook('staff-password').click();
  await desk.hook('confirm-ok').click();
  const password = (await desk.hook('staff-password-text').textContent()).trim();
  await shot(desk, 'staff-password');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('staff-password-close').click();
  await desk.hook('staff-password-text').waitFor({ state: 'hidden' });
  assert.ok(!(await desk.page.content()).includes(password));
  const her = new Api(admin.base);
  await her.login('lily', password);
  ok(await her.get('/api/kit/place'));
  await desk.hook('tab-rights').click();
  await desk.hook('rights-roles').waitFor();
  assert.match(await desk.hook('rights-roles').textContent(), /前台.*直接授予/);
  await desk.page.locator('[data-test="why-resource"] input').click();
  await desk.page.getByRole('option', { name: /kit\.place/ }).click();
  await desk.hook('why-ask').click();
  await desk.hook('why-answer').waitFor();
  assert.match(await desk.hook('why-answer').textContent(), /角色“前台”允许/);
  await desk.shot('org-rights');
  assert.deepEqual(await desk.axe(), []);
});

test('B-34 a delegation is given and taken back in one\'s own page; the delegate sees whose it is', async () => {
  const password = await person('tom', '汤明', [], { department: ids['技术部'] });
  const hers = ok(await admin.post(`/api/auth/staff/${ids.lily}/password`)).password;
  const her = await enter('lily', hers);
  await open(her, '/me');
  await her.hook('delegate-new').click();
  await her.page.locator('#delegate-to').click();
  await her.page.getByRole('option', { name: '汤明' }).click();
  await her.hook('delegate-reason').fill('休假');
  await her.shot('org-delegate');
  assert.deepEqual(await her.axe(), []);
  await her.hook('delegate-save').click();
  await her.hook('my-delegations').getByText('委托给 汤明').waitFor();
  const his = new Api(admin.base);
  await his.login('tom', password);
  ok(await his.get('/api/kit/place'));
  const him = await enter('tom', password, { phone: true });
  await open(him, '/me');
  await him.hook('my-delegations').getByText('代理 李丽').waitFor();
  await him.hook('my-delegations').scrollIntoViewIfNeeded();
  await shot(him, 'delegations-phone');
  assert.equal(await narrow(him), true);
  assert.deepEqual(await him.axe(), []);
  await her.page.locator('[data-test^="revoke-"]').first().click();
  await her.hook('confirm-ok').click();
  await her.hook('my-delegations').getByText('已撤销').waitFor();
  assert.equal((await his.get('/api/kit/place')).status, 403);
});

test('E-P66 what somebody owns is handed over from his page', async () => {
  const booth = ok(await admin.post('/api/kit/booth', { name: '一号展位', owner: ids.lily }), 201);
  assert.equal(booth.owner, ids.lily);
  await open(desk, `/r/core/staff/${ids.lily}`);
  await desk.hook('staff-hand-over').click();
  await desk.page.locator('#hand-over-to').click();
  await desk.page.getByRole('option', { name: '汤明' }).click();
  await shot(desk, 'hand-over');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('hand-over-go').click();
  await desk.page.locator('[data-test="task-close"].el-button--primary').waitFor();
  assert.equal(ok(await admin.get(`/api/kit/booth/${booth.id}`)).owner, ids.tom);
  await desk.hook('task-close').click();
});

test('B-36 seats: split, full, taken back, on a desk and on a phone', async () => {
  await open(desk, '/seats');
  await desk.hook('seats-split').click();
  await desk.page.locator('#seat-who').click();
  await desk.page.getByRole('option', { name: '技术部' }).click();
  await desk.page.locator('#seat-n').fill('2');
  await desk.page.keyboard.press('Tab');
  await desk.hook('seat-save').click();
  const unit = desk.page.locator('[data-test^="seat-back-"]');
  await unit.waitFor();
  await desk.shot('org-seats');
  assert.deepEqual(await desk.axe(), []);
  const full = await admin.post('/api/core/staff', { login: 'third', name: '第三人', department: ids['技术部'] });
  assert.equal(full.body.code, 'seats_exhausted', JSON.stringify(full.body));
  await open(phone, '/seats');
  await phone.hook('seats-total').waitFor();
  await shot(phone, 'seats-phone');
  assert.equal(await narrow(phone), true);
  assert.deepEqual(await phone.axe(), []);
  await unit.click();
  await desk.hook('confirm-ok').click();
  await unit.waitFor({ state: 'detached' });
  await make('partner', { name: '蓝海渠道', kind: 'channel', contact: '周敏', phone: '13900001111' });
  await open(desk, `/r/core/partner/${ids['蓝海渠道']}`);
  await desk.hook('detail-title').waitFor();
  await shot(desk, 'partner');
  assert.deepEqual(await desk.axe(), []);
});
