// E-P66 imports where others have to agree, and where whoever begins has to prove himself.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, top } from '../lib/atrium.mjs';
import { sql } from '../lib/people.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['buying'] });
});
after(() => atrium?.stop());

async function upload(resource, csv) {
  const form = new FormData();
  form.append('file', new Blob([csv]), 'a.csv');
  const res = await admin.fetch('POST', `/api/${resource}/import`, { raw: form });
  return { status: res.status, body: await res.json() };
}
async function ended(r) {
  assert.equal(r.status, 202, JSON.stringify(r.body));
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(50)) {
    const t = (await admin.get(`/api/core/task/${r.body.task}`)).body;
    if (['done', 'failed', 'cancelled'].includes(t?.state)) return t;
  }
  throw new Error('the task does not end');
}
const age = () => sql(atrium, 'demo', `UPDATE core_session SET created_at=created_at - INTERVAL 6 MINUTE,
  proved_at=proved_at - INTERVAL 6 MINUTE`);

test('E-P66 where every new record needs an agreement the file is refused at once, with a message', async () => {
  const r = await upload('buying/fee', '标题,金额\n甲,1\n');
  assert.deepEqual([r.status, r.body.code], [409, 'approval_needed']);
  assert.ok(r.body.detail || r.body.title, JSON.stringify(r.body));
  const rows = await admin.get('/api/buying/fee');
  assert.equal(rows.body.items.length, 0);
});

test('E-P66 where the agreement depends on the row, that row is refused and the others come in', async () => {
  const up = await upload('buying/supply', '标题,金额\n小,10\n大,5000\n中,999.99\n另,1\n再,2\n又,3\n');
  assert.equal(up.status, 201, JSON.stringify(up.body));
  const at = `/api/buying/supply/import/${up.body.id}`;
  assert.equal((await ended(await admin.post(`${at}/check`))).state, 'done');
  const task = await ended(await admin.post(`${at}/commit`));
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 5, updated: 0, skipped: 0, failed: 1 });
  const bad = (await admin.get(`${at}/rows?only=errors`)).body.items;
  assert.deepEqual(bad.map((x) => [x.line, x.errors[0].code]), [[3, 'approval_needed']]);
  assert.deepEqual((await admin.get('/api/buying/supply?fields=title')).body.items.map((x) => x.title).sort(), ['小', '中', '另', '再', '又'].sort());
});

test('E-P66 whoever begins a sensitive import proves himself then; the task needs no session', async () => {
  const up = await upload('buying/supply', '标题,金额\n机密,10\n');
  const at = `/api/buying/supply/import/${up.body.id}`;
  age();
  assert.equal((await admin.post(`${at}/check`)).body.code, 'reauth_required');
  assert.equal((await admin.post('/api/auth/reauth', { password: admin.password })).status, 204);
  assert.equal((await ended(await admin.post(`${at}/check`))).state, 'done');
  age();
  const no = await admin.post(`${at}/commit`);
  assert.deepEqual([no.status, no.body.code], [403, 'reauth_required']);
  assert.equal((await admin.post('/api/auth/reauth', { password: admin.password })).status, 204);
  const task = await ended(await admin.post(`${at}/commit`));
  assert.equal(task.result.created, 1, JSON.stringify(task));
});
