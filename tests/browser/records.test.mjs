// E-P70 Lists and records in the console: changes of many, the bin, comments,
// attachments, history; at a desk and on a phone, in both languages.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, png, pollBody } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { person } from '../lib/people.mjs';

const out = path.resolve(import.meta.dirname, '../out');
mkdirSync(out, { recursive: true });
let atrium, admin, wang, desk, phone;
before(async () => {
  atrium = await Atrium.start({ settings: 'limits: {rate_per_ip: 0}\n' });
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  wang = await person(admin, 'wangfang', [], { name: '王芳' });
  const names = ['年度优秀员工评选', '最佳展台评选', '园区摄影大赛', '年会节目投票', '食堂菜品评选', '志愿者之星', '创新项目评选', '读书分享会选题'];
  for (const name of names) assert.equal((await admin.post('/api/vote/poll', pollBody({ name, title: name }))).status, 201);
  desk = await browse();
  phone = await browse({ phone: true });
  for (const b of [desk, phone]) {
    await b.page.goto(`${admin.base}/console/`);
    await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill('admin');
    await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(admin.password);
    await b.hook('login-submit').click();
    await b.hook('login-submit').waitFor({ state: 'detached' });
  }
});
after(async () => {
  await phone?.close();
  await desk?.close();
  await atrium?.stop();
});

const list = (b, query = '') => b.page.goto(`${admin.base}/console/#/r/vote/poll${query}`).then(() => b.hook('row').first().waitFor());
const look = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`) });
const row = (b, name) => b.hook('row').filter({ hasText: name });
const pick = (b, name) => row(b, name).locator('[data-test=pick]').check();
const settled = (b) => b.page.waitForFunction(() => !document.querySelector('.el-overlay:not([style*="display: none"])'));

test('E-P70 a change of many: by hand, all that a filter finds, what failed and why', async () => {
  await list(desk);
  await pick(desk, '年度优秀员工评选');
  await pick(desk, '园区摄影大赛');
  assert.match(await desk.hook('bulk-count').innerText(), /2 条/);
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-bulk');
  await desk.shot('records-bulk');
  await desk.hook('bulk-do-publish').click();
  await desk.hook('confirm-ok').click();
  await desk.hook('bulk-bar').waitFor({ state: 'detached' });
  const states = async () => (await admin.get('/api/vote/poll?filter=state = published')).body.items.map((p) => p.name).sort();
  assert.deepEqual(await states(), ['园区摄影大赛', '年度优秀员工评选'].sort());

  // Those that are published already cannot be published: two of the eight fail.
  await settled(desk);
  await desk.hook('pick-page').check();
  await desk.hook('bulk-do-publish').click();
  await desk.hook('confirm-ok').click();
  await desk.hook('bulk-failure').first().waitFor();
  assert.equal(await desk.hook('bulk-failure').count(), 2);
  assert.match(await desk.hook('bulk-failure').first().innerText(), /摄影|优秀/);
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-bulk-result');
  await desk.shot('records-bulk-result');
  await desk.hook('bulk-close').click();
  await settled(desk);
  assert.equal((await states()).length, 8);

  await pick(desk, '志愿者之星');
  await desk.hook('bulk-assign').click();
  await desk.hook('bulk-owner').locator('input').fill('王芳');
  await desk.page.getByRole('option', { name: '王芳' }).click();
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-assign');
  await desk.hook('bulk-save').click();
  await desk.hook('bulk-bar').waitFor({ state: 'detached' });
  const given = (await admin.get('/api/vote/poll?filter=name = "志愿者之星"')).body.items[0];
  assert.equal(given.owner, wang.id);
});

test('E-P70 more than 200 become a task', async () => {
  for (let i = 0; i < 205; i++) assert.equal((await admin.post('/api/vote/poll', pollBody({ name: `批量 ${i}`, title: '批量' }))).status, 201);
  await list(desk, '?q=批量');
  await desk.hook('pick-page').check();
  await desk.hook('bulk-all').click();
  assert.match(await desk.hook('bulk-count').innerText(), /205 条/);
  await desk.hook('bulk-update').click();
  await desk.hook('bulk-field').click();
  await desk.hook('bulk-field-title').click();
  await desk.hook('bulk-value').locator('input').fill('统一标题');
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-bulk-update');
  await desk.hook('bulk-save').click();
  await desk.hook('task').waitFor();
  await desk.hook('bulk-file').waitFor({ timeout: 60_000 });
  await look(desk, 'records-bulk-task');
  assert.equal((await admin.get('/api/vote/poll?filter=title = "统一标题"')).body.count, 205);
  await desk.hook('task-close').click();
  await settled(desk);
});

test('E-P70 the bin: what was deleted, one restored, many restored', async () => {
  await list(desk, '?q=批量');
  await desk.hook('pick-page').check();
  await desk.hook('bulk-delete').click();
  await desk.hook('confirm-ok').click();
  await desk.hook('bulk-bar').waitFor({ state: 'detached' });
  await settled(desk);
  await desk.hook('list-bin').click();
  await desk.hook('row').first().waitFor();
  await desk.page.locator('th', { hasText: '删除时间' }).waitFor();
  assert.match(await desk.hook('list-count').innerText(), /20/);
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-bin');
  await desk.shot('records-bin');
  await desk.hook('row-menu').first().click();
  await desk.hook('row-restore').click();
  await desk.page.waitForFunction(() => /19/.test(document.querySelector('[data-test=list-count]').textContent));
  await desk.hook('pick-page').check();
  await desk.hook('bulk-restore').click();
  await desk.hook('bin-empty').waitFor();
  assert.deepEqual(await desk.axe(), []);
  assert.equal((await admin.get('/api/vote/poll?filter=title = "统一标题"')).body.count, 205);
});

async function record() {
  const p = (await admin.get('/api/vote/poll?filter=name = "最佳展台评选"')).body.items[0];
  return { ...p, at: (tab) => `${admin.base}/console/#/r/vote/poll/${p.id}?tab=${tab}` };
}

test('E-P70 comments: written, changed, taken back; with colleagues and files', async () => {
  const p = await record();
  await desk.page.goto(p.at('comments'));
  await desk.hook('comments-none').waitFor();
  await desk.hook('comment-text').locator('textarea').or(desk.hook('comment-text')).last().fill('展台编号与合同不一致，请核对。');
  await desk.page.locator('.mention input').fill('王芳');
  await desk.page.getByRole('option', { name: '王芳' }).click();
  await desk.hook('comment-file').setInputFiles({ name: '展台照片.png', mimeType: 'image/png', buffer: png });
  await desk.page.getByText('展台照片.png').waitFor();
  await desk.hook('comment-add').click();
  await desk.hook('comment').waitFor();
  await admin.post(`/api/vote/poll/${p.id}/comments`, { text: '已核对，编号以合同为准。' });
  await desk.page.reload();
  await desk.hook('comment').nth(1).waitFor();
  assert.match(await desk.hook('comment').nth(1).innerText(), /@王芳[\s\S]*展台照片\.png/);
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-comments');
  await desk.shot('records-comments');
  await desk.hook('comment-edit').first().click();
  await desk.hook('comment-edited').locator('textarea').or(desk.hook('comment-edited')).last().fill('已核对无误。');
  await desk.hook('comment-save').click();
  await desk.page.getByText('已核对无误。').waitFor();
  await desk.hook('comment-remove').first().click();
  await desk.hook('confirm-ok').click();
  await desk.page.waitForFunction(() => document.querySelectorAll('[data-test=comment]').length === 1);
  await settled(desk);
  const said = (await admin.get(`/api/vote/poll/${p.id}/comments`)).body.items;
  assert.deepEqual(said.map((c) => [c.text, c.mentions[0]?.id, c.files.length]), [['展台编号与合同不一致，请核对。', wang.id, 1]]);
});

test('E-P70 attachments: added and taken away', async () => {
  const p = await record();
  await desk.page.goto(p.at('attachments'));
  await desk.hook('attachments-none').waitFor();
  await desk.hook('attachment-file').setInputFiles([
    { name: '评选方案.png', mimeType: 'image/png', buffer: png }, { name: '名单.csv', mimeType: 'text/csv', buffer: Buffer.from('名称\n甲公司\n') }]);
  await desk.hook('attachment').nth(1).waitFor();
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-attachments');
  await desk.hook('attachment-remove').first().click();
  await desk.hook('confirm-ok').click();
  await desk.page.waitForFunction(() => document.querySelectorAll('[data-test=attachment]').length === 1);
  await settled(desk);
  assert.equal((await admin.get(`/api/vote/poll/${p.id}/attachments`)).body.items.length, 1);
});

test('E-P70 history: names instead of numbers, pages', async () => {
  const p = await record();
  for (let i = 0; i < 22; i++) await admin.patch(`/api/vote/poll/${p.id}`, { title: `最佳展台（第 ${i + 1} 版）` });
  await admin.patch(`/api/vote/poll/${p.id}`, { owner: wang.id });
  const now = (await admin.get(`/api/vote/poll/${p.id}`)).body;
  const put = await admin.patch(`/api/vote/poll/${p.id}`, { options: [...now.options.slice(1).map((o) => ({ id: o.id, title: o.title })), { title: '丁公司' }] });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  await desk.page.goto(p.at('history'));
  await desk.hook('history-entry').first().waitFor();
  assert.equal(await desk.hook('history-entry').count(), 20);
  await desk.hook('history-entry').filter({ hasText: '王芳' }).first().waitFor();
  assert.match(await desk.hook('history-entry').first().innerText(), /甲公司[\s\S]*丁公司/);
  assert.deepEqual(await desk.axe(), []);
  await look(desk, 'records-history');
  await desk.shot('records-history');
  await desk.hook('history-more').click();
  await desk.page.waitForFunction(() => document.querySelectorAll('[data-test=history-entry]').length > 20);
});

test('E-P70 on a phone, and in English', async () => {
  const p = await record();
  await list(phone);
  await phone.hook('pick').first().check();
  await look(phone, 'records-phone-bulk');
  assert.deepEqual(await phone.axe(), []);
  const wide = () => phone.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(await wide(), false);
  for (const tab of ['comments', 'attachments', 'history']) {
    await phone.page.goto(p.at(tab));
    await phone.hook({ comments: 'comment', attachments: 'attachment', history: 'history-entry' }[tab]).first().waitFor();
    await look(phone, `records-phone-${tab}`);
    assert.equal(await wide(), false);
    assert.deepEqual(await phone.axe(), []);
  }
  await desk.page.evaluate(() => localStorage.setItem('atrium.lang', 'en'));
  await desk.page.goto(p.at('comments'));
  await desk.page.reload();
  await desk.page.getByRole('button', { name: 'Send' }).waitFor();
  await list(desk);
  await desk.hook('pick').first().check();
  assert.match(await desk.hook('bulk-count').innerText(), /1 rows chosen/);
  assert.deepEqual(desk.problems.filter((x) => !/404|409|422/.test(x)), []);
  assert.deepEqual(desk.outside, []);
});
