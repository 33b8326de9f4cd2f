// What is kept of protected fields beside their tables: files that are brought in, input of
// tasks, what waits for agreement or for a webhook's receiver.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, Atrium } from '../lib/atrium.mjs';
import { Receiver } from '../lib/receiver.mjs';

const manifest = {
  'plugin.yaml': `manifest: 1
plugin: {id: club, version: 1.0.0, abi: 1, title: {zh: 俱乐部, en: Club}}
roles:
  desk: {title: {zh: 前台, en: Desk}}
`,
  'resources/person.yaml': `title: {zh: 人员, en: Person}
label: name
traits: [versioned, audited, soft_delete]
fields:
  name: {type: text, max: 40, required: true, search: true, title: {zh: 姓名, en: Name}}
  phone: {type: phone, unique: true, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 电话, en: Phone}}
  card: {type: text, max: 30, protect: {store: encrypted, find: exact}, title: {zh: 卡号, en: Card}}
  note: {type: text, max: 60, title: {zh: 备注, en: Note}}
  friend: {type: ref, to: club.person, on_delete: clear, title: {zh: 介绍人, en: Friend}}
indexes: [[note]]
import: {key: [phone], on_match: [update, skip, fail]}
permissions:
  desk: {read: [all], create: true, update: [all], import: true}
views:
  list: {columns: [name, phone, card], sort: [-created_at]}
`,
};

const url = '/api/club/person';
let dir, atrium, admin, desk, receiver;

async function staff(login, roles) {
  const password = 'Violet-Kettle-77';
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login, name: login, password });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const all = (await admin.get('/api/core/role')).body.items;
  const person = (await admin.get(`/api/core/staff/${made.body.id}`)).body;
  await admin.patch(`/api/core/staff/${made.body.id}`,
    { version: person.version, roles: roles.map((code) => ({ role: all.find((r) => r.code === code).id })) });
  const api = new Api(admin.base);
  await api.login(login, password);
  return api;
}
async function ended(api, id) {
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(50)) {
    const t = (await api.get(`/api/core/task/${id}`)).body;
    if (['done', 'failed', 'cancelled'].includes(t?.state)) return t;
  }
  throw new Error('the task does not end: ' + atrium.log().slice(-1500));
}
async function upload(api, resource, text) {
  const form = new FormData();
  form.append('file', new Blob([text]), 'people.csv');
  const res = await api.fetch('POST', `/api/${resource}/import`, { raw: form });
  assert.equal(res.status, 201);
  return res.json();
}
async function checked(api, resource, id, body = {}) {
  const r = await api.post(`/api/${resource}/import/${id}/check`, body);
  assert.equal(r.status, 202, JSON.stringify(r.body));
  assert.equal((await ended(api, r.body.task)).state, 'done');
  return (await api.get(`/api/${resource}/import/${id}`)).body;
}
async function committed(api, resource, id, body = {}) {
  const r = await api.post(`/api/${resource}/import/${id}/commit`, body);
  assert.equal(r.status, 202, JSON.stringify(r.body));
  return ended(api, r.body.task);
}
function dump() {
  return execFileSync('mariadb-dump', ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium', '--databases', 'atrium', 'atrium_t_demo'],
    { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() } });
}
function nowhere(...clear) {
  const all = dump();
  assert.ok(all.includes('core_import_row') && all.includes('core_task'));
  for (const text of clear) assert.ok(!all.includes(text), `${text} lies in the clear: ${all.slice(Math.max(0, all.indexOf(text) - 300), all.indexOf(text) + 30)}`);
}

before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'atrium-club-'));
  mkdirSync(path.join(dir, 'club/resources'), { recursive: true });
  for (const [name, text] of Object.entries(manifest)) writeFileSync(path.join(dir, 'club', name), text);
  receiver = await Receiver.start();
  atrium = await Atrium.start({ settings: `plugin_dirs: [${dir}]\nwebhooks: {allow_private: true, allow_http: true}\n` });
  admin = await atrium.tenant('demo', { plugins: ['club'] });
  desk = await staff('desk01', ['club.desk']);
});
after(async () => { await atrium?.stop(); await receiver?.stop(); rmSync(dir, { recursive: true, force: true }); });

test('E-P66 C-sec1 a file is matched by an encrypted key, kept sealed, shown masked and mended', async () => {
  const made = (await admin.post(url, { name: '王小明', phone: '13912345678', card: '622202001111', note: '旧' })).body;
  const up = await upload(desk, 'club/person', '姓名,电话,卡号,备注,备用\n王小明,+86 139-1234-5678,622202009999,新,x\n李四,13911112222,622202008888,来,y\n坏,138,622202007777,x,z\n');
  assert.deepEqual(up.mapping, ['name', 'phone', 'card', 'note', null]);
  assert.deepEqual(up.columns[1].samples.slice(0, 2), ['139****5678', '139****2222']);
  assert.equal(up.columns[2].samples[1], '622202008888', 'encrypted, yet shown');
  nowhere('1234-5678', '13911112222', '622202008888', '622202009999');
  const im = await checked(desk, 'club/person', up.id);
  assert.deepEqual([im.counts.create, im.counts.update, im.counts.errors], [1, 1, 1], JSON.stringify(im.counts));
  nowhere('1234-5678', '13911112222', '622202008888', '622202009999');
  const rows = (await desk.get(`${url}/import/${im.id}/rows`)).body.items;
  assert.deepEqual(rows.map((r) => r.cells[1]), ['139****5678', '139****2222', '****']);
  assert.deepEqual(rows.map((r) => r.cells[2]), ['622202009999', '622202008888', '622202007777']);
  const away = await desk.post(`${url}/import/${im.id}/check`, { mapping: ['name', null, 'card', 'note', 'phone'], on_match: 'fail' });
  await ended(desk, away.body.task);
  assert.equal((await desk.get(`${url}/import/${im.id}/rows`)).body.items[1].cells[1], '139****2222', 'masked by its heading');
  await checked(desk, 'club/person', up.id, { mapping: up.mapping, on_match: 'update' });
  const task = await committed(desk, 'club/person', im.id, { skip_errors: true });
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 1, updated: 1, skipped: 0, failed: 1 });
  const after = (await admin.get(`${url}/${made.id}?reveal=phone`)).body;
  assert.deepEqual([after.phone, after.card, after.note], ['13912345678', '622202009999', '新']);
  const found = (await admin.get(`${url}?filter=${encodeURIComponent('phone = "13911112222"')}`)).body.items;
  assert.deepEqual(found.map((r) => r.name), ['李四']);
  nowhere('13911112222', '622202008888', '622202009999', '622202007777');
  const own = await (await desk.fetch('GET', `${url}/import/${im.id}/failed`)).text(), other = await (await admin.fetch('GET', `${url}/import/${im.id}/failed`)).text();
  assert.match(own, /坏,138,622202007777/, 'back to who brought it, to be mended');
  assert.match(other, /坏,\*{4},622202007777/);
  assert.ok(!atrium.log().includes('13911112222'));
});

test('E-P66 C-sec2 staff are matched by login and their phone stays; a reference by a masked phone finds nobody', async () => {
  const up = await upload(admin, 'core/staff', '登录名,姓名,手机号\ndesk01,前台一,13700009999\n');
  const im = await checked(admin, 'core/staff', up.id, { on_match: 'update' });
  assert.equal(im.counts.update, 1);
  assert.equal((await committed(admin, 'core/staff', im.id)).result.updated, 1);
  nowhere('13700009999');
  const by = (await admin.get(`/api/core/staff?filter=${encodeURIComponent('phone = "13700009999"')}`)).body.items;
  assert.deepEqual(by.map((s) => [s.login, s.phone]), [['desk01', '137****9999']]);
  const friends = await upload(desk, 'club/person', '姓名,电话,介绍人\n甲,13511110001,王小明\n乙,13511110002,13912345678\n丙,13511110003,139****5678\n');
  const after = await checked(desk, 'club/person', friends.id);
  assert.deepEqual([after.counts.create, after.counts.errors], [1, 2]);
  const bad = (await desk.get(`${url}/import/${friends.id}/rows?only=errors`)).body.items;
  assert.deepEqual(bad.map((r) => r.errors[0].code), ['ref_unknown', 'ref_unknown']);
  nowhere('13912345678', '13511110002');
});

test('C-sec1 the input of a bulk change and the body of a webhook lie sealed and arrive whole', async () => {
  const many = await upload(admin, 'club/person', '姓名,备注\n' + Array.from({ length: 201 }, (_, i) => `众${i},多\n`).join(''));
  await checked(admin, 'club/person', many.id, { on_match: 'fail' });
  assert.equal((await committed(admin, 'club/person', many.id)).result.created, 201);
  const hook = await admin.post('/api/core/webhook', { name: '外部', url: `${receiver.base}/club`, events: 'club.person.*' });
  assert.equal(hook.status, 201, JSON.stringify(hook.body));
  receiver.secrets.set('/club', (await admin.post(`/api/core/webhook/${hook.body.id}/secret`)).body.secret);
  const bulk = await admin.post(`${url}/bulk`, { action: 'update', filter: 'note = "多"', set: { card: '955880001234' } });
  assert.equal(bulk.status, 202, JSON.stringify(bulk.body));
  assert.equal((await ended(admin, bulk.body.task)).done, 201);
  const got = await receiver.wait('/club', 201, 30_000);
  assert.equal(got[0].body.data.card, '955880001234', 'its role may see the field');
  nowhere('955880001234');
});
