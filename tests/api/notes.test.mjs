// Comments and attachments of records: by the record's rights on every path.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Api, Atrium, png, pollBody, prefix } from '../lib/atrium.mjs';
import { sql } from '../lib/people.mjs';

const top = path.resolve(import.meta.dirname, '../..');
let atrium, admin, other;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}, ${path.join(prefix, 'share/atrium/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['vote', 'kit'] });
  other = await atrium.tenant('second', { plugins: ['vote'] });
});
after(() => atrium?.stop());

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const q = (o) => `?${new URLSearchParams(o)}`;
const poll = async (over, api = admin) => ok(await api.post('/api/vote/poll', pollBody(over)), 201);
const at = (id, rest) => `/api/vote/poll/${id}/${rest}`;

async function clerk(login, grants) {
  const role = ok(await admin.post('/api/core/role', { code: `n_${login}`, name: login, grants }), 201).id;
  const id = ok(await admin.post('/api/core/staff', { login, name: login, roles: [{ role }] }), 201).id;
  const api = new Api(admin.base);
  await api.login(login, (await admin.post(`/api/auth/staff/${id}/password`)).body.password);
  api.id = id;
  return api;
}
/** Lines of the operation log; they come a moment after the answer. */
async function audit(action, n = 1) {
  for (let i = 0; ; i++) {
    const { items } = ok(await admin.get(`/api/core/audit${q({ filter: `action = "${action}"`, sort: '-created_at' })}`));
    if (items.length >= n || i > 50) return items;
    await new Promise((r) => setTimeout(r, 100));
  }
}

test('comments: who reads the record reads and adds them; others find no record', async () => {
  const row = await poll({ name: '讨论' });
  const reader = await clerk('reader', { 'vote.poll': { read: ['all'] } });
  const owner = await clerk('owner', { 'vote.poll': { read: ['own'], create: true } });
  const nobody = await clerk('nobody', { 'core.dept': { read: ['all'] } });

  const made = ok(await reader.post(at(row.id, 'comments'), { text: '请核对时间', mentions: [owner.id] }), 201);
  assert.match(made.id, /^\d+$/);
  assert.deepEqual(made.mentions, [{ id: owner.id, label: 'owner' }]);
  assert.deepEqual([made.text, made.edited_at, made.can_change, made.can_remove], ['请核对时间', null, true, true]);
  assert.deepEqual(made.author, { kind: 'staff', id: reader.id, name: 'reader' });
  const seen = ok(await admin.get(at(row.id, 'comments'))).items;
  assert.deepEqual([seen[0].id, seen[0].can_change, seen[0].can_remove], [made.id, false, true]);

  ok(await owner.get(at(row.id, 'comments')), 404);
  ok(await owner.post(at(row.id, 'comments'), { text: 'x' }), 404);
  ok(await nobody.get(at(row.id, 'comments')), 403);
  ok(await nobody.post(at(row.id, 'comments'), { text: 'x' }), 403);
  ok(await admin.anonymous().post(at(row.id, 'comments'), { text: 'x' }), 401);
  ok(await other.get(at(row.id, 'comments')), 404);
  ok(await other.post(at(row.id, 'comments'), { text: 'x' }), 404);
  const [line] = await audit('comment');
  assert.deepEqual([line.target, line.who_name, line.detail], [`vote.poll/${row.id}`, 'reader', { comment: made.id }]);
});

test('comments: bad input names the field', async () => {
  const row = await poll({ name: '输入' });
  for (const [body, field] of [[{}, 'text'], [{ text: ' ' }, 'text'], [{ text: 'x'.repeat(4001) }, 'text'], [{ text: 'x', mentions: ['77'] }, 'mentions.0'],
    [{ text: 'x', files: ['77'] }, 'files.0'], [{ text: 'x', author: 1 }, 'author'], [{ text: 'x', resource: 'vote.poll' }, 'resource'], [{ text: 'x', nothing: 1 }, 'nothing']])
    assert.deepEqual(Object.keys(ok(await admin.post(at(row.id, 'comments'), body), 422).fields), [field]);
  ok(await admin.get(at(row.id, `comments${q({ after: 'x' })}`)), 400);
  ok(await admin.get(at(row.id, `comments${q({ limit: 0 })}`)), 400);
  ok(await admin.get(`/api/core/staff/${(await admin.get('/api/core/session')).body.user.id}/comments`), 404);
  assert.equal(ok(await admin.get(at(row.id, 'comments'))).items.length, 0);
});

test('comments: authors change and take back their own, the administrator takes back any', async () => {
  const row = await poll({ name: '本人' }), elsewhere = await poll({ name: '别处' });
  const one = await clerk('one', { 'vote.poll': { read: ['all'], update: ['all'] } });
  const two = await clerk('two', { 'vote.poll': { read: ['all'] } });
  const a = ok(await one.post(at(row.id, 'comments'), { text: '甲' }), 201);
  const b = ok(await two.post(at(row.id, 'comments'), { text: '乙' }), 201);
  const changed = ok(await one.patch(at(row.id, `comments/${a.id}`), { text: '甲改' }));
  assert.equal(changed.text, '甲改');
  assert.match(changed.edited_at, /Z$/);
  ok(await one.patch(at(row.id, `comments/${a.id}`), { text: '' }), 422);
  ok(await one.patch(at(row.id, `comments/${b.id}`), { text: '不是我的' }), 403);
  ok(await one.delete(at(row.id, `comments/${b.id}`)), 403);
  ok(await admin.patch(at(row.id, `comments/${b.id}`), { text: '代笔' }), 403);
  ok(await one.patch(at(elsewhere.id, `comments/${a.id}`), { text: 'x' }), 404);
  ok(await one.delete(at(elsewhere.id, `comments/${a.id}`)), 404);
  ok(await one.delete(at(row.id, 'comments/abc')), 404);
  ok(await admin.delete(at(row.id, `comments/${b.id}`)), 204);
  ok(await one.delete(at(row.id, `comments/${a.id}`)), 204);
  assert.equal(ok(await one.get(at(row.id, 'comments'))).items.length, 0);
  assert.equal((await audit('comment_remove', 2)).length, 2);
  assert.equal((await audit('comment_change'))[0].who_name, 'one');
});

test('comments: pages, newest first; once per idempotency key', async () => {
  const row = await poll({ name: '分页' });
  for (let i = 0; i < 7; i++) ok(await admin.post(at(row.id, 'comments'), { text: `第 ${i}` }), 201);
  const key = { 'idempotency-key': 'comment-key-01' };
  const first = ok(await admin.post(at(row.id, 'comments'), { text: '一次' }, key), 201);
  assert.equal(ok(await admin.post(at(row.id, 'comments'), { text: '一次' }, key), 201).id, first.id);
  const texts = [];
  let next = null, pages = 0;
  do {
    const page = ok(await admin.get(at(row.id, `comments${q({ limit: 3, ...(next ? { after: next } : {}) })}`)));
    texts.push(...page.items.map((c) => c.text));
    next = page.next;
    pages++;
  } while (next);
  assert.equal(pages, 3);
  assert.deepEqual(texts, ['一次', '第 6', '第 5', '第 4', '第 3', '第 2', '第 1', '第 0']);
});

test('attachments: who changes the row adds and takes away, who reads it reads the file', async () => {
  const maker = await clerk('maker', { 'vote.poll': { read: ['own'], create: true, update: ['own'] } });
  const reader = await clerk('looker', { 'vote.poll': { read: ['all'], update: ['own'] } });
  const stranger = await clerk('outside', { 'vote.poll': { read: ['own'], update: ['own'] } });
  const row = await poll({ name: '附件' }, maker);
  const up = ok(await maker.upload('方案.png', 'image/png', png), 201);
  const bytes = async (api) => (await api.fetch('GET', up.url)).status;
  assert.equal(await bytes(reader), 404, 'nothing shows it yet');
  const made = ok(await maker.post(at(row.id, 'attachments'), { file: up.id }), 201);
  assert.deepEqual([made.file.id, made.file.name, made.file.type, made.file.url], [up.id, '方案.png', 'image/png', up.url]);
  assert.equal(made.author.name, 'maker');
  assert.equal(await bytes(reader), 200);
  assert.equal(await bytes(stranger), 404);
  assert.equal(await bytes(other), 404);
  assert.deepEqual(Object.keys(ok(await maker.post(at(row.id, 'attachments'), { file: up.id }), 422).fields), ['file'], 'once');

  const seen = ok(await reader.get(at(row.id, 'attachments')));
  assert.deepEqual([seen.items.length, seen.can_change, seen.next], [1, false, null]);
  assert.equal(ok(await maker.get(at(row.id, 'attachments'))).can_change, true);
  const more = ok(await reader.upload('b.png', 'image/png', png), 201);
  ok(await reader.post(at(row.id, 'attachments'), { file: more.id }), 403);
  ok(await reader.delete(at(row.id, `attachments/${made.id}`)), 403);
  for (const api of [stranger, other]) {
    ok(await api.get(at(row.id, 'attachments')), 404);
    ok(await api.post(at(row.id, 'attachments'), { file: up.id }), 404);
    ok(await api.delete(at(row.id, `attachments/${made.id}`)), 404);
  }
  assert.deepEqual(Object.keys(ok(await maker.post(at(row.id, 'attachments'), { file: more.id }), 422).fields), ['file'], 'a file that he may not see');
  assert.deepEqual(Object.keys(ok(await maker.post(at(row.id, 'attachments'), {}), 422).fields), ['file']);

  ok(await maker.delete(at(row.id, `attachments/${made.id}`)), 204);
  assert.equal(await bytes(reader), 404);
  assert.equal(await bytes(maker), 200, 'its uploader keeps it');
  assert.deepEqual(ok(await maker.get(at(row.id, 'history'))).items.map((h) => h.action), ['detach', 'attach', 'create']);
  assert.deepEqual((await audit('attach'))[0].detail, { attachment: made.id });
});

test('comments carry files, for who reads the record', async () => {
  const row = await poll({ name: '评论附图' });
  const reader = await clerk('viewer', { 'vote.poll': { read: ['all'] } });
  const blind = await clerk('blind', { 'vote.poll': { read: ['own'] } });
  const up = ok(await admin.upload('shot.png', 'image/png', png), 201);
  const note = ok(await admin.post(at(row.id, 'comments'), { text: '见图', files: [up.id] }), 201);
  assert.equal(note.files[0].url, up.url);
  const bytes = async (api) => (await api.fetch('GET', up.url)).status;
  assert.deepEqual([await bytes(reader), await bytes(blind)], [200, 404]);
  ok(await admin.patch(at(row.id, `comments/${note.id}`), { files: [] }));
  assert.equal(await bytes(reader), 404, 'no longer shown');
});

test('the bin hides what is beside a record, restoring shows it, removal for good removes it', async () => {
  const reader = await clerk('keeper', { 'vote.poll': { read: ['all'] } });
  const row = await poll({ name: '回收' });
  const up = ok(await admin.upload('c.png', 'image/png', png), 201);
  ok(await admin.post(at(row.id, 'attachments'), { file: up.id }), 201);
  ok(await admin.post(at(row.id, 'comments'), { text: '在吗' }), 201);
  const bytes = async () => (await reader.fetch('GET', up.url)).status;
  assert.equal(await bytes(), 200);
  ok(await admin.delete(`/api/vote/poll/${row.id}`), 204);
  for (const rest of ['comments', 'attachments']) ok(await admin.get(at(row.id, rest)), 404);
  ok(await admin.post(at(row.id, 'comments'), { text: '太晚' }), 404);
  assert.equal(await bytes(), 404);
  ok(await admin.post(`/api/vote/poll/${row.id}/restore`));
  for (const rest of ['comments', 'attachments']) assert.equal(ok(await admin.get(at(row.id, rest))).items.length, 1);
  assert.equal(await bytes(), 200);

  const booth = ok(await admin.post('/api/kit/booth', { name: '一号' }), 201);
  const there = `/api/kit/booth/${booth.id}`;
  const said = ok(await admin.post(`${there}/comments`, { text: '会消失', files: [up.id] }), 201);
  ok(await admin.post(`${there}/attachments`, { file: up.id }), 201);
  const left = () => sql(atrium, 'demo', `SELECT (SELECT COUNT(*) FROM core_comment WHERE row_id=${booth.id}), (SELECT COUNT(*) FROM core_attachment WHERE row_id=${booth.id}), (SELECT COUNT(*) FROM core_comment__files WHERE row=${said.id})`)[0];
  assert.deepEqual(left(), ['1', '1', '1']);
  ok(await admin.delete(there), 204);
  assert.deepEqual(left(), ['0', '0', '0']);
});

test('a picture in rich text is for who reads that field of that row', async () => {
  const maker = await clerk('editor', { 'vote.poll': { read: ['own'], create: true, update: ['own'], delete: ['own'] } });
  const reader = await clerk('textreader', { 'vote.poll': { read: ['all'] } });
  const blind = await clerk('textblind', { 'vote.poll': { read: ['all'], fields: { intro: 'hidden' } } });
  const stranger = await clerk('textother', { 'vote.poll': { read: ['own'], create: true } });
  const up = ok(await maker.upload('in.png', 'image/png', png), 201);
  const bytes = async (api) => (await api.fetch('GET', up.url)).status;
  const intro = `<p>看图 <img src="${up.url}" alt="图"></p>`;
  const row = await poll({ name: '图文', intro }, maker);
  assert.match(row.intro, /<img src="\/files\//);
  assert.deepEqual([await bytes(reader), await bytes(blind), await bytes(stranger), await bytes(other)], [200, 404, 404, 404]);
  const stolen = ok(await stranger.post('/api/vote/poll', pollBody({ intro })), 422);
  assert.deepEqual(Object.keys(stolen.fields), ['intro'], 'nobody opens a file to himself by naming it');
  ok(await admin.post('/api/vote/poll', pollBody({ intro: '<img src="/files/77/x.png">' })), 422);
  await poll({ name: '别人的图', intro: '<img src="https://example.com/files/77/x.png"><p>/files/78/x src="/files/79/y"</p>' });
  ok(await admin.patch(`/api/vote/poll/${row.id}`, { intro: intro + '<p>补充</p>' }));
  assert.equal(await bytes(reader), 200);
  ok(await maker.delete(`/api/vote/poll/${row.id}`), 204);
  assert.equal(await bytes(reader), 404, 'in the bin');
  ok(await maker.post(`/api/vote/poll/${row.id}/restore`));
  assert.equal(await bytes(reader), 200);
  ok(await maker.patch(`/api/vote/poll/${row.id}`, { intro: '<p>无图</p>' }));
  assert.equal(await bytes(reader), 404, 'the text no longer shows it');
});

test('the schema says which records have comments and attachments; OpenAPI tells the calls by the right', async () => {
  const traits = ok(await admin.get('/api/console/schema/vote/poll')).traits;
  assert.ok(traits.includes('comments') && traits.includes('attachments'));
  const reader = await clerk('docs', { 'vote.poll': { read: ['all'] } });
  const all = ok(await admin.get('/api/openapi.json')).paths, his = ok(await reader.get('/api/openapi.json')).paths;
  assert.deepEqual(Object.keys(all['/api/vote/poll/{id}/comments']), ['get', 'post']);
  assert.deepEqual(Object.keys(all['/api/vote/poll/{id}/comments/{note}']), ['patch', 'delete']);
  assert.deepEqual(Object.keys(all['/api/vote/poll/{id}/attachments']), ['get', 'post']);
  assert.deepEqual(Object.keys(his['/api/vote/poll/{id}/attachments']), ['get']);
  assert.equal(his['/api/vote/poll/{id}/attachments/{note}'], undefined);
  assert.equal(all['/api/core/staff/{id}/comments'], undefined);
});
