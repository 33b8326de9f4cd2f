// Filters, lists under restricted scopes, statistics, bulk changes, comments,
// attachments, rights on files, history, deadlines: the API part of the engine.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Api, Atrium, png, pollBody } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

test('the last administrator can neither be suspended, deleted nor stripped of the role', async () => {
  const me = (await admin.get('/api/core/session')).body.user;
  for (const r of [await admin.post(`/api/core/staff/${me.id}/do/suspend`), await admin.delete(`/api/core/staff/${me.id}`)]) {
    assert.equal(r.status, 409);
    assert.equal(r.body.code, 'last_admin');
  }
  const stripped = await admin.patch(`/api/core/staff/${me.id}`, { roles: [] });
  assert.equal(stripped.status, 422);
  assert.deepEqual(Object.keys(stripped.body.fields), ['roles']);

  const role = (await admin.get('/api/core/role?filter=code = "admin"')).body.items[0].id;
  const second = (await admin.post('/api/core/staff', { login: 'second', name: '第二', roles: [{ role }] })).body.id;
  assert.equal((await admin.post(`/api/core/staff/${second}/do/suspend`)).status, 200, 'not the last');
  assert.equal((await admin.delete(`/api/core/staff/${me.id}`)).status, 409, 'a suspended one does not count');
  assert.equal((await admin.patch(`/api/core/staff/${me.id}`, { name: '仍是管理员' })).status, 200);
  assert.equal((await admin.delete(`/api/core/staff/${second}`)).status, 204);
});

const q = (o) => `?${new URLSearchParams(o)}`;
const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };

/** Staff with these grants; resolves an Api that is logged in. */
async function clerk(login, grants, more = {}) {
  const role = ok(await admin.post('/api/core/role', { code: `q_${login}`, name: login, grants }), 201).id;
  const id = ok(await admin.post('/api/core/staff', { login, name: login, roles: [{ role }], ...more }), 201).id;
  const r = await admin.post(`/api/auth/staff/${id}/password`);
  const api = new Api(admin.base);
  await api.login(login, r.body.password);
  api.id = id;
  return api;
}
const poll = async (over, api = admin) => ok(await api.post('/api/vote/poll', pollBody(over)), 201);

test('E-P70 filters: not, starts, ends, words for dates, $user; complaints say where, in both languages', async () => {
  await poll({ name: '春季评选' });
  await poll({ name: '秋季评选' });
  const names = async (filter, api = admin) => ok(await api.get(`/api/vote/poll${q({ filter, sort: 'name' })}`)).items.map((p) => p.name);
  assert.deepEqual(await names('name starts 春'), ['春季评选']);
  assert.deepEqual(await names('name ends "评选" and not (name contains 秋)'), ['春季评选']);
  assert.equal((await names('created_at in today')).length, 2);
  assert.equal((await names('created_at < today')).length, 0);
  assert.equal((await names('created_at in this_year and created_at > now-1h')).length, 2);
  assert.equal((await names('owner = $user')).length, 2);
  const bad = ok(await admin.get(`/api/vote/poll${q({ filter: 'name ~ "评" und name = b' })}`), 400);
  assert.equal(bad.code, 'bad_filter');
  assert.match(bad.fields.filter, /第 12 个字符/);
  const en = ok(await admin.get(`/api/vote/poll${q({ filter: 'nome = 1' })}`, { 'accept-language': 'en' }), 400);
  assert.match(en.fields.filter, /character 1.*nome/);
});

test('E-P70 statistics: groups, buckets in the tenant\'s zone, figures, rights', async () => {
  const by = async (o, api = admin) => ok(await api.get(`/api/vote/poll/group${q(o)}`));
  const states = await by({ by: 'state', sum: 'max_choices', max: 'created_at' });
  assert.equal(states.capped, false);
  assert.equal(states.items.length, 1);
  assert.deepEqual([states.items[0].state, states.items[0].count, states.items[0].sum_max_choices], ['draft', 2, 2]);
  assert.match(states.items[0].max_created_at, /Z$/);
  const day = (await by({ by: 'created_at:day' })).items[0].created_at;
  assert.equal(day, new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10), 'the day in China');
  assert.match((await by({ by: 'created_at:hour' })).items[0].created_at, /T\d\d:00:00\+08:00$/);
  const month = (await by({ by: 'created_at:month' })).items[0].created_at;
  assert.equal(month, `${day.slice(0, 7)}-01`);
  assert.equal((await by({ by: 'owner', expand: 'owner' })).items[0].owner.label, '仍是管理员');
  assert.equal((await by({})).items[0].count, 2);
  assert.equal((await by({ by: 'name', limit: 1 })).capped, true);
  assert.equal((await by({ by: 'state', filter: 'name starts 春' })).items[0].count, 1);
  for (const [o, field] of [[{ by: 'created_at' }, 'created_at'], [{ by: 'nothing' }, 'nothing'], [{ by: 'intro' }, 'intro'], [{ by: 'state', sum: 'name' }, 'name'], [{ by: 'state:day' }, 'state']])
    assert.ok(ok(await admin.get(`/api/vote/poll/group${q(o)}`), 400).fields[field], field);
  const some = await clerk('counter', { 'vote.poll': { read: ['own'], create: true, fields: { max_choices: 'hidden' } } });
  assert.equal((await by({}, some)).items[0].count, 0, 'his rows alone');
  ok(await some.get(`/api/vote/poll/group${q({ by: 'max_choices' })}`), 403);
  ok(await some.get(`/api/vote/poll/group${q({ sum: 'max_choices' })}`), 403);
});

test('E-P70 the bin: deleted=only for who may delete, within his scope', async () => {
  const row = await poll({ name: '要删除的' });
  ok(await admin.delete(`/api/vote/poll/${row.id}`), 204);
  const bin = ok(await admin.get(`/api/vote/poll${q({ deleted: 'only' })}`)).items;
  assert.deepEqual(bin.map((p) => p.id), [row.id]);
  assert.ok(bin[0].deleted_at);
  assert.ok(!ok(await admin.get('/api/vote/poll')).items.some((p) => p.id === row.id));
  const reader = await clerk('binreader', { 'vote.poll': { read: ['all'] } });
  ok(await reader.get(`/api/vote/poll${q({ deleted: 'only' })}`), 403);
  const own = await clerk('binowner', { 'vote.poll': { read: ['all'], delete: ['own'] } });
  assert.equal(ok(await own.get(`/api/vote/poll${q({ deleted: 'only' })}`)).items.length, 0, 'what he could not delete');
  ok(await admin.get(`/api/core/dept${q({ deleted: 'only' })}`), 400);
  ok(await admin.post(`/api/vote/poll/${row.id}/restore`));
  const acts = ok(await admin.get(`/api/vote/poll/${row.id}/history`)).items.map((h) => h.action);
  assert.deepEqual(acts, ['restore', 'delete', 'create']);
});

test('E-P70 history: pages, hidden fields leave no trace, children by their own rights', async () => {
  const row = await poll({ name: '历史' });
  for (let i = 0; i < 4; i++) ok(await admin.patch(`/api/vote/poll/${row.id}`, { max_choices: 2 + i % 2, choice: 'multiple' }));
  ok(await admin.patch(`/api/vote/poll/${row.id}`, { name: '改名' }));
  const seen = [];
  let next = null;
  do {
    const page = ok(await admin.get(`/api/vote/poll/${row.id}/history${q({ limit: 2, ...(next ? { after: next } : {}) })}`));
    assert.ok(page.items.length <= 2);
    seen.push(...page.items);
    next = page.next;
  } while (next);
  assert.equal(seen.length, 6);
  const some = await clerk('historian', { 'vote.poll': { read: ['all'], fields: { max_choices: 'hidden', choice: 'hidden' } }, 'vote.option': { read: ['all'], fields: { text: 'hidden' } } });
  const his = ok(await some.get(`/api/vote/poll/${row.id}/history`)).items;
  assert.equal(his.length, 2, 'changes of hidden fields alone are no line');
  assert.ok(!JSON.stringify(his).includes('max_choices'));
  assert.ok(!JSON.stringify(his).includes('新能源'), 'a hidden field of a child');
  ok(await admin.get(`/api/vote/poll/${row.id}/history${q({ after: 'x' })}`), 400);
});

test('E-P70 idempotency keys on PATCH and DELETE', async () => {
  const row = await poll({ name: '幂等' });
  const key = { 'idempotency-key': 'patch-key-0001' };
  const first = await admin.patch(`/api/vote/poll/${row.id}`, { name: '一次' }, { ...key, 'if-match': '"1"' });
  ok(first);
  const again = await admin.patch(`/api/vote/poll/${row.id}`, { name: '一次' }, { ...key, 'if-match': '"1"' });
  assert.equal(again.status, 200, 'the version has moved, the answer is the first one');
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.equal(ok(await admin.patch(`/api/vote/poll/${row.id}`, { name: '两次' }, key), 409).code, 'idempotency_mismatch');
  ok(await admin.patch(`/api/vote/poll/${row.id}`, { name: '三次' }, { 'if-match': '"1"' }), 412);
  const del = { 'idempotency-key': 'delete-key-0001' };
  ok(await admin.delete(`/api/vote/poll/${row.id}`, del), 204);
  ok(await admin.delete(`/api/vote/poll/${row.id}`, del), 204);
  ok(await admin.delete(`/api/vote/poll/${row.id}`), 404);
});

test('E-P70 a deadline ends the work and answers 504', async () => {
  ok(await admin.get('/api/vote/poll', { 'x-deadline-ms': '20000' }));
  const late = await Promise.all(Array.from({ length: 40 }, () => admin.get(`/api/vote/poll${q({ expand: 'owner,options' })}`, { 'x-deadline-ms': '1' })));
  assert.ok(late.some((r) => r.status === 504 && r.body.code === 'deadline'), late.map((r) => r.status).join());
  ok(await admin.get('/api/vote/poll'));
});

const until = async (fn, what, ms = 20000) => { for (const end = Date.now() + ms; Date.now() < end;) { const r = await fn(); if (r) return r; await new Promise((go) => setTimeout(go, 100)); } throw new Error(`waited in vain for ${what}`); };

test('E-P70 bulk: each row its own rights and result, one bad row stops none', async () => {
  const a = await poll({ name: '批一' }), b = await poll({ name: '批二' });
  const gone = await poll({ name: '批三' });
  ok(await admin.delete(`/api/vote/poll/${gone.id}`), 204);
  const bulk = (body, api = admin, headers) => api.post('/api/vote/poll/bulk', body, headers);
  const r = ok(await bulk({ action: 'update', ids: [a.id, gone.id, b.id], set: { name: '批改' } }));
  assert.deepEqual([r.done, r.failed], [2, 1]);
  assert.deepEqual(r.items.map((i) => i.ok), [true, false, true]);
  assert.equal(r.items[1].error.status, 404);
  assert.equal(ok(await admin.get(`/api/vote/poll/${b.id}`)).version, b.version + 1);
  assert.equal(ok(await admin.get(`/api/vote/poll/${b.id}/history`)).items[0].action, 'update');

  const key = { 'idempotency-key': 'bulk-key-00001' };
  const one = await bulk({ action: 'update', ids: [a.id, gone.id], set: { name: '带键' } }, admin, key);
  assert.deepEqual([ok(one).done, one.body.failed], [1, 1], 'in one transaction, and still one by one');
  assert.deepEqual(ok(await bulk({ action: 'update', ids: [a.id, gone.id], set: { name: '带键' } }, admin, key)), one.body);
  assert.equal(ok(await admin.get(`/api/vote/poll/${a.id}`)).name, '带键');

  const some = await clerk('bulker', { 'vote.poll': { read: ['all'], create: true, update: ['own'] } });
  const own = await poll({ name: '自己的' }, some);
  const mixed = ok(await bulk({ action: 'update', ids: [own.id, a.id], set: { title: '题' } }, some));
  assert.deepEqual(mixed.items.map((i) => [i.ok, i.error?.status]), [[true, undefined], [false, 403]]);
  ok(await bulk({ action: 'delete', ids: [own.id] }, some), 403);
  const assigned = ok(await bulk({ action: 'assign', ids: [a.id, b.id], owner: some.id }));
  assert.equal(assigned.done, 2);
  assert.equal(ok(await admin.get(`/api/vote/poll/${a.id}`)).owner, some.id);
  assert.equal(ok(await bulk({ action: 'do', ids: [a.id, b.id], transition: 'publish' })).done, 2);
  assert.equal(ok(await bulk({ action: 'do', ids: [a.id], transition: 'publish' })).items[0].error.code, 'not_allowed_in_state');
  assert.equal(ok(await bulk({ action: 'restore', ids: [gone.id] })).done, 1);
  assert.equal(ok(await bulk({ action: 'delete', filter: 'name = "批三"' })).done, 1);
  for (const [body, field] of [[{ action: 'paint', ids: [a.id] }, 'action'], [{ action: 'update', ids: [a.id] }, 'set'], [{ action: 'delete' }, 'ids'], [{ action: 'delete', ids: ['x'] }, 'ids'], [{ action: 'do', ids: [a.id] }, 'transition'], [{ action: 'delete', ids: [a.id], filter: 'name = x' }, 'ids'], [{ action: 'assign', ids: [a.id] }, 'owner'], [{ action: 'delete', ids: [a.id], sett: {} }, 'sett']])
    assert.ok(ok(await bulk(body), 422).fields[field], field);
  ok(await bulk({ action: 'delete', ids: [a.id] }, admin.anonymous()), 401);
});

test('E-P70 bulk of many is a task with progress and a file of results', async () => {
  const ids = [];
  for (let i = 0; i < 230; i++) ids.push((await poll({ name: `多${i}`, options: [{ title: '甲' }, { title: '乙' }] })).id);
  ok(await admin.post('/api/vote/poll/bulk', { action: 'do', ids: ids.slice(0, 5), transition: 'publish' }));
  const made = await admin.post('/api/vote/poll/bulk', { action: 'update', filter: 'name starts 多', set: { max_choices: 2, choice: 'multiple', limit_person: 3 } });
  ok(made, 202);
  const task = await until(async () => { const t = ok(await admin.get(`/api/core/task/${made.body.task}${q({ expand: 'file' })}`)); return ['done', 'failed'].includes(t.state) && t; }, 'the task');
  assert.equal(task.state, 'done', task.error);
  assert.equal(task.done, 230);
  assert.equal(task.result.done + task.result.failed, 230);
  assert.equal(ok(await admin.get(`/api/vote/poll/${ids[100]}`)).limit_person, 3);
  const lines = (await (await admin.fetch('GET', task.file.url)).text()).trim().split('\r\n');
  assert.equal(lines.length, 230);
  assert.match(lines[10], /^\d+,(ok|failed),/);
});

test('D-9e a file is for its uploader and for who reads a record and field that shows it', async () => {
  const maker = await clerk('filer', { 'vote.poll': { read: ['own'], create: true, update: ['own'] } });
  const other = await clerk('stranger', { 'vote.poll': { read: ['own'], create: true, update: ['own'] } });
  const reader = await clerk('filereader', { 'vote.poll': { read: ['all'] } });
  const blind = await clerk('fileblind', { 'vote.poll': { read: ['all'], fields: { cover: 'hidden' } } });
  const up = await maker.upload('cover.png', 'image/png', png, 'vote.poll.cover');
  assert.equal(up.status, 201);
  const get = async (api, headers) => (await api.fetch('GET', up.body.url, { headers })).status;
  assert.equal(await get(maker), 200, 'the uploader');
  assert.equal(await get(admin), 200);
  assert.equal(await get(other), 404, 'staff as such may not');
  assert.equal(await get(reader), 404, 'nothing refers to it yet');
  assert.equal(await get(admin.anonymous()), 404);
  const stolen = await other.post('/api/vote/poll', pollBody({ cover: up.body.id }));
  assert.equal(stolen.status, 422, 'nobody opens a file to himself by referring to it');
  assert.deepEqual(Object.keys(stolen.body.fields), ['cover']);
  const row = await poll({ name: '有图', cover: up.body.id }, maker);
  assert.equal(await get(reader), 200);
  assert.equal(await get(blind), 404, 'the field is hidden from him');
  assert.equal(await get(other), 404, 'the record is not his');
  assert.equal(await get(reader, { range: 'bytes=0-3' }), 206);
  ok(await admin.patch(`/api/vote/poll/${row.id}`, { name: '仍有图' }));
  ok(await admin.delete(`/api/vote/poll/${row.id}`), 204);
  assert.equal(await get(reader), 404, 'the right ends with the record');
  ok(await admin.post(`/api/vote/poll/${row.id}/restore`));
  assert.equal(await get(reader), 200);
  const inside = await maker.upload('a.png', 'image/png', png, 'vote.option.picture');
  const kids = await poll({ name: '选项有图', options: [{ title: '甲', picture: inside.body.id }, { title: '乙' }] }, maker);
  assert.equal((await reader.fetch('GET', inside.body.url)).status, 200, 'through the parent');
  assert.equal((await other.fetch('GET', inside.body.url)).status, 404);
  ok(await maker.patch(`/api/vote/poll/${kids.id}`, { options: [{ title: '丙' }, { title: '丁' }] }));
  assert.equal((await reader.fetch('GET', inside.body.url)).status, 404, 'nothing refers to it any more');
  const tenant2 = await atrium.tenant('other', { plugins: ['vote'] });
  assert.equal((await tenant2.fetch('GET', up.body.url)).status, 404);
});
