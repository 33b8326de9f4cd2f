// What must survive: each fault under load, with a ledger of what was acknowledged.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api, publishedPoll } from '../lib/atrium.mjs';
import { Ledger } from '../lib/load.mjs';

let atrium, admin;
const report = [];
before(async () => {
  atrium = await Atrium.start({ settings: 'drain_seconds: 10\n' });
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(async () => {
  await atrium?.stop();
  if (process.env.FAULT_JSON) for (const row of report) console.log(JSON.stringify(row));
});

async function underLoad(fault, breakIt, { before: lead = 1000, after: tail = 1500 } = {}) {
  const ledger = new Ledger(admin.base, await publishedPoll(admin));
  ledger.start();
  await sleep(lead);
  await breakIt(ledger);
  await sleep(tail);
  await ledger.stop();
  const sum = await ledger.compare(admin);
  report.push({ fault, acknowledged: sum.acknowledged, stored: sum.stored, lost: sum.lost, doubled: sum.doubled });
  assert.equal(ledger.refused.length, 0, JSON.stringify(ledger.refused.slice(0, 3)));
  assert.equal(sum.lost, 0, JSON.stringify(sum));
  assert.equal(sum.doubled, 0, JSON.stringify(sum));
  assert.equal(sum.shown, sum.stored, 'the count shown equals the rows stored');
  assert.equal(sum.by_option, sum.stored);
  assert.ok(sum.acknowledged > 100, `there was a load: ${sum.acknowledged}`);
  return ledger;
}

test('A-3.1.2 worker killed by -9 under load: back within a second, nothing lost or doubled', async () => {
  await underLoad('worker kill -9', async () => {
    for (let i = 0; i < 3; i++) {
      const [pid] = atrium.workers();
      process.kill(pid, 'SIGKILL');
      const since = Date.now();
      await sleep(20);
      await atrium.ready();
      assert.ok(Date.now() - since < 3000, `serves again after ${Date.now() - since} ms`);
      await sleep(700);
    }
  });
});

test('E-3.7c MariaDB killed by -9 under load and back: nothing lost or doubled', async () => {
  await underLoad('MariaDB kill -9', async () => {
    process.kill(atrium.database(), 'SIGKILL');
    await sleep(500);
    await atrium.ready();
  }, { after: 3000 });
  assert.equal((await admin.get('/api/vote/poll?limit=1')).status, 200);
});

test('B-37 SIGHUP under load: no request fails', async () => {
  const ledger = await underLoad('SIGHUP', async () => {
    for (let i = 0; i < 3; i++) {
      const [was] = atrium.workers();
      process.kill(atrium.child.pid, 'SIGHUP');
      const until = Date.now() + 20_000;
      while (atrium.workers().includes(was) && Date.now() < until) await sleep(50);
      assert.ok(!atrium.workers().includes(was), 'the old worker ended');
    }
  });
  assert.equal(ledger.failures + ledger.unavailable, 0, 'no 5xx');
  assert.equal(ledger.retries, 0, 'no connection cut in the middle of a request');
});

test('SIGTERM drains: what was accepted is answered and stored', async () => {
  const own = await Atrium.start({ keep: true, settings: 'drain_seconds: 10\n' });
  const api = await own.tenant('demo', { plugins: ['vote'] });
  const ledger = new Ledger(api.base, await publishedPoll(api));
  ledger.start();
  await sleep(1000);
  const how = await own.stop();
  assert.equal(how.code, 0);
  ledger.running = false;
  const acknowledged = new Map(ledger.acknowledged);
  await own.launch();
  await ledger.stop();
  const sum = await ledger.compare(api);
  assert.equal(sum.lost, 0);
  assert.equal(sum.doubled, 0);
  assert.ok(acknowledged.size > 100);
  own.options.keep = false;
  await own.stop();
});

test('a full disk: a clear error, no corruption, all well when there is room again', { skip: process.getuid() !== 0 && 'needs root to mount a small disk' }, async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'atrium-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=420m', 'tmpfs', dir]);
  let own;
  try {
    own = await Atrium.start({ state: path.join(dir, 'state'), keep: true });
    const api = await own.tenant('demo', { plugins: ['vote'] });
    const poll = await publishedPoll(api);
    const ledger = new Ledger(api.base, poll);
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${dir}/filler bs=1M 2>/dev/null || true`]);
    const pub = new Api(api.base);
    let refused;
    for (let i = 0; i < 400 && !refused; i++) {
      const form = new FormData();
      form.append('file', new Blob([Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(2_000_000)])]), 'a.png');
      const r = await api.fetch('POST', '/api/core/files', { raw: form });
      if (r.status !== 201) refused = { status: r.status, body: await r.json() };
    }
    assert.equal(refused.status, 507, JSON.stringify(refused));
    assert.equal(refused.body.code, 'disk_full');
    rmSync(`${dir}/filler`);
    ledger.start();
    await sleep(1500);
    await ledger.stop();
    const sum = await ledger.compare(api);
    assert.equal(sum.lost + sum.doubled, 0);
    assert.ok(sum.acknowledged > 10);
    assert.equal((await pub.get(`/api/vote/public/poll/${poll.id}`)).status, 200);
  } finally {
    rmSync(`${dir}/filler`, { force: true });      // a database cannot end on a full disk
    await own?.stop().catch(() => {});
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  }
});
