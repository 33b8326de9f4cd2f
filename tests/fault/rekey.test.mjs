// Keys are rotated while people write, and the process is killed in the middle: every row stays
// readable and findable, and nothing is left under the old keys.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, Atrium } from '../lib/atrium.mjs';

let atrium, admin;
const phones = new Map();
before(async () => { atrium = await Atrium.start(); admin = await atrium.tenant('demo'); });
after(() => atrium?.stop());

const number = (i) => `139${String(i).padStart(8, '0')}`;
async function member(i) {
  const r = await admin.post('/api/core/member', { phone: number(i), name: `会员${i}` });
  if (r.status === 201) phones.set(number(i), r.body.id);
  return r.status;
}
function sql(text) {
  return execFileSync('mariadb', ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium', '-N', '-B', 'atrium_t_demo', '-e', text],
    { encoding: 'utf8', env: { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() } }).trim();
}
const keys = async () => (await atrium.operator('GET', '/operator/tenants/demo/keys')).body;

async function everybodyFound() {
  for (const [phone, id] of phones) {
    const r = await admin.get(`/api/core/member?reveal=phone&filter=${encodeURIComponent(`phone = "${phone}"`)}`);
    assert.equal(r.status, 200, JSON.stringify(r.body));
    assert.deepEqual(r.body.items.map((m) => [m.id, m.phone]), [[id, phone]], phone);
  }
}

/** Writes all the time while `work` runs; refusals while the worker is away are no answer. */
async function underLoad(from, work) {
  let i = from, on = true;
  const writer = (async () => { while (on) { try { await member(i++); } catch { await sleep(50); } await sleep(10); } })();
  try { await work(); } finally { on = false; await writer; }
}

async function killed() {
  for (const pid of atrium.workers()) process.kill(pid, 'SIGKILL');
  await sleep(300);
  await atrium.ready();
}

test('C-sec1 a data key is rotated under load and a kill -9: every row is read and found', async () => {
  for (let i = 0; i < 400; i++) assert.equal(await member(i), 201);
  await underLoad(1000, async () => {
    const r = await atrium.operator('POST', '/operator/tenants/demo/keys/rotate', { suite: 'sm4' });
    assert.equal(r.status, 202, JSON.stringify(r.body));
    assert.equal(r.body.number, 2);
    await sleep(150);
    await killed();
    const until = Date.now() + 90_000;
    for (;;) {
      const k = await keys();
      if (k.data?.[0].state === 'retired') break;
      assert.ok(Date.now() < until, JSON.stringify(k));
      await sleep(300);
    }
  });
  await sleep(500);
  assert.equal(sql("SELECT COUNT(*) FROM core_member WHERE phone LIKE 'v1.1.%'"), '0');
  assert.equal(sql("SELECT COUNT(*) FROM core_member_history WHERE changes LIKE '%v1.1.%'"), '0');
  await everybodyFound();
});

test('C-sec1 the hash key is rotated: found by either meanwhile, unique throughout', async () => {
  await underLoad(5000, async () => {
    const r = await atrium.operator('POST', '/operator/tenants/demo/keys/rotate-hash', { suite: 'sm4' });
    assert.equal(r.status, 202, JSON.stringify(r.body));
    const until = Date.now() + 120_000;
    for (;;) {
      const k = await keys();
      if (k.hash?.[0].state === 'retired') break;
      assert.ok(Date.now() < until, JSON.stringify(k));
      const one = [...phones.keys()][Math.floor(Math.random() * phones.size)];
      assert.equal((await admin.get(`/api/core/member?filter=${encodeURIComponent(`phone = "${one}"`)}`)).body.items.length, 1, one);
      assert.equal((await admin.post('/api/core/member', { phone: one, name: '第二个' })).status, 422);
      await sleep(200);
    }
  });
  assert.equal(sql("SELECT COUNT(*) FROM core_member WHERE phone_hash LIKE '1.%'"), '0');
  assert.equal(sql('SELECT COUNT(*) - COUNT(DISTINCT phone_hash) FROM core_member'), '0');
  await everybodyFound();
});

test('C-sec1 the master key is rotated: tenants are opened as before, also after a restart', async () => {
  const r = await atrium.operator('POST', '/operator/keys/rotate-master');
  assert.equal(r.status, 200, JSON.stringify(r.body));
  assert.ok(r.body.rewrapped >= 6, JSON.stringify(r.body));
  await killed();
  await new Api(admin.base).login('admin', admin.password);
  await everybodyFound();
});
