// A change of many rows as a task: killed in the middle, and cancelled.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium } from '../lib/atrium.mjs';
import { sql } from '../lib/people.mjs';

const top = path.resolve(import.meta.dirname, '../..');
const ROWS = 3000;
let atrium, admin;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\nlimits: {rate_per_ip: 0}\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
  sql(atrium, 'demo', `INSERT INTO kit_booth (id,created_at,updated_at,name,version)
    SELECT 1000000+seq, NOW(6), NOW(6), CONCAT('旧名 ',seq), 1 FROM seq_1_to_${ROWS}`);
});
after(() => atrium?.stop());

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const task = async (id) => ok(await admin.get(`/api/core/task/${id}?expand=file`));
async function reaches(id, n) {
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(5)) {
    const t = await task(id);
    assert.ok(['queued', 'running'].includes(t.state), `over too soon: ${t.done}`);
    if (t.done >= n) return t;
  }
  throw new Error('the task does not get on');
}
async function ended(id) {
  for (const until = Date.now() + 90_000; Date.now() < until; await sleep(100)) {
    try {
      const t = await task(id);
      if (!['queued', 'running'].includes(t.state)) return t;
    } catch (e) {
      if (e.name === 'AssertionError') throw e; /* else: nobody listens while the worker comes back */
    }
  }
  throw new Error('the task does not end');
}
const versions = () => Object.fromEntries(sql(atrium, 'demo', 'SELECT version, COUNT(*) FROM kit_booth GROUP BY version').map(([v, n]) => [v, Number(n)]));

test('E-P70 kill -9 of the worker in the middle of 3,000 rows: each row is changed once', async () => {
  const made = ok(await admin.post('/api/kit/booth/bulk', { action: 'update', filter: '', set: { note: '新名' } }), 202);
  const at = await reaches(made.task, 400);
  for (const pid of atrium.workers()) process.kill(pid, 'SIGKILL');
  assert.ok(at.done < ROWS);
  await atrium.ready();
  const t = await ended(made.task);
  assert.equal(t.state, 'done', t.error);
  assert.deepEqual([t.done, t.failed, t.result], [ROWS, 0, { done: ROWS, failed: 0 }]);
  assert.deepEqual(versions(), { 2: ROWS });
  const [[lines, rows]] = sql(atrium, 'demo', 'SELECT COUNT(*), COUNT(DISTINCT row_id) FROM kit_booth_history');
  assert.deepEqual([lines, rows], [String(ROWS), String(ROWS)], 'one line of history a row');
  const csv = (await (await admin.fetch('GET', t.file.url)).text()).trim().split('\r\n');
  assert.equal(csv.length, ROWS);
  assert.equal(new Set(csv.map((l) => l.split(',')[0])).size, ROWS);
});

test('E-P70 a cancelled task keeps what is done and does no more', async () => {
  const made = ok(await admin.post('/api/kit/booth/bulk', { action: 'update', filter: '', set: { note: '再改' } }), 202);
  await reaches(made.task, 200);
  ok(await admin.post(`/api/core/task/${made.task}/do/cancel`));
  await sleep(500);
  const t = await ended(made.task);
  assert.equal(t.state, 'cancelled');
  const done = versions();
  assert.ok(done[3] >= 200 && done[2] > 0, JSON.stringify(done));
  assert.equal(t.done, done[3], 'what the task says is what was changed');
  await sleep(1000);
  assert.deepEqual(versions(), done);
  ok(await admin.post(`/api/core/task/${made.task}/do/cancel`), 409);
});
