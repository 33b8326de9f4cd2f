// Databases of earlier versions (seed.mjs made them) come up with this one, whole,
// also when the migration is killed in the middle.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, Atrium, png } from '../lib/atrium.mjs';

const here = import.meta.dirname;
const versions = readdirSync(here).filter((f) => f.endsWith('.sql')).map((f) => f.slice(0, -4));

function client(atrium) {
  const password = readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim();
  return (text, options = []) => execFileSync('mariadb', ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium', '-N', '-B', ...options],
    { input: text, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, MYSQL_PWD: password } });
}

/** A deployment that holds the old data; it was stopped and is started again. */
async function deployment(version) {
  const facts = JSON.parse(readFileSync(path.join(here, `${version}.json`), 'utf8'));
  const first = await Atrium.start({ keep: true });
  client(first)(`DROP DATABASE IF EXISTS atrium;\n${readFileSync(path.join(here, `${version}.sql`), 'utf8')}\nFLUSH PRIVILEGES;`);
  await first.stop();
  writeFileSync(path.join(first.state, 'master.key'), Buffer.from(facts.master_key, 'base64'), { mode: 0o600 });
  const file = path.join(first.state, 'files', 'old', facts.file_path);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, png);
  return { facts, state: first.state };
}

/** Every table of a tenant as the server describes it, without counters. */
function tables(sql, database) {
  const names = sql(`SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}' ORDER BY 1`).trim().split('\n');
  return Object.fromEntries(names.map((n) => {
    const columns = sql(`SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_SET_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = '${n}' ORDER BY 1`).trim().split('\n');
    const indexes = sql(`SELECT INDEX_NAME, NON_UNIQUE, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = '${n}' GROUP BY 1, 2 ORDER BY 1`).trim().split('\n');
    return [n, { columns, indexes }];
  }));
}

const must = (r, ...ok) => { assert.ok(ok.includes(r.status), `${r.status} ${JSON.stringify(r.body)}`); return r.body; };

/** The newest code sent to a phone; it goes out after the answer. */
async function codeFor(atrium, phone) {
  for (let i = 0; i < 200 && !atrium.codes(phone).length; i++) await sleep(25);
  return atrium.codes(phone)[0]?.code;
}

async function holds(atrium, facts) {
  const admin = new Api(`${atrium.base}/t/old`);
  await admin.login('admin', facts.admin_password);
  const poll = must(await admin.get(`/api/vote/poll/${facts.poll}`), 200);
  assert.equal(poll.name, '旧版投票');
  assert.equal(poll.options.length, 3);
  assert.equal(poll.ballots, 1);
  const history = must(await admin.get(`/api/vote/poll/${facts.draft}/history`), 200).items;
  assert.ok(history.some((h) => h.changes.some((c) => c.field === 'title' && c.after === '改过的标题')), 'history is there');
  must(await admin.get(`/api/vote/poll/${facts.gone}`), 404);
  must(await admin.post(`/api/vote/poll/${facts.gone}/restore`), 200);
  const file = await admin.fetch('GET', `/files/${facts.cover}/cover.png`);
  assert.equal(file.status, 200);
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), png);
  const audit = must(await admin.get('/api/core/audit?limit=1'), 200);
  assert.ok(audit.count >= facts.audit, 'no line of the operation log is lost');
  const role = must(await admin.get(`/api/core/role/${facts.role}`), 200);
  assert.equal(role.grants['vote.poll'].fields.intro, 'hidden');
  // Rights and people are what they were.
  const wang = new Api(admin.base);
  await wang.login('wang', facts.staff_password);
  assert.equal(must(await wang.get('/api/vote/poll'), 200).items.length, 0, 'of another department');
  must(await wang.get('/api/core/audit'), 403);
  // By phone: staff and member are found although the phone may be kept in another way now.
  const phone = new Api(admin.base);
  must(await phone.post('/api/auth/code', { phone: '13900000002', purpose: 'staff' }), 202);
  must(await phone.post('/api/auth/login', { phone: '13900000002', code: await codeFor(atrium, '13900000002') }), 200);
  const member = new Api(admin.base);
  must(await member.post('/api/auth/code', { phone: '13700000003', purpose: 'member' }), 202);
  must(await member.post('/api/auth/member/login', { phone: '13700000003', code: await codeFor(atrium, '13700000003') }), 200);
  assert.equal(must(await admin.get('/api/core/member'), 200).count, 1, 'the member is the one he was');
  // What is protected now is nowhere in the clear, in rows and in history from before.
  const kept = client(atrium)(['core_staff', 'core_staff_history', 'core_member', 'core_member_history']
    .map((t) => `SELECT * FROM atrium_t_old.${t};`).join('\n'));
  assert.match(kept, /v1\.1\./);
  for (const clear of ['13900000002', '13700000003']) assert.ok(!kept.includes(clear), `${clear} is in the database`);
  // And it works on.
  must(await admin.patch(`/api/vote/poll/${facts.draft}`, { title: '新版再改' }), 200);
  must(await admin.post('/api/core/dept', { name: '新部门', parent: facts.below }), 201);
}

for (const version of versions) describe(`a database of ${version}`, () => {
  let dir, fresh;
  before(async () => {
    dir = await deployment(version);
    const clean = await Atrium.start();
    try {
      await clean.tenant('old', { plugins: ['vote'] });
      fresh = tables(client(clean), 'atrium_t_old');
    } finally { await clean.stop(); }
  });
  after(() => { if (!process.env.ATRIUM_KEEP) rmSync(dir.state, { recursive: true, force: true }); });

  test('the migration may be killed after any statement', async () => {
    // Each round lets it get one statement further, then kills supervisor and worker.
    let rounds = 0, atrium = null;
    for (let allowed = 1; ; allowed += 1 + Math.floor(allowed / 4)) {
      const starting = new Atrium();
      Object.assign(starting, { options: { keep: true }, state: dir.state });
      const config = path.join(dir.state, 'atrium.yaml');
      const port = readFileSync(config, 'utf8').match(/port: (\d+)/)[1];
      starting.config = config;
      starting.port = Number(port);
      starting.base = `http://127.0.0.1:${port}`;
      starting.ready = async () => {};
      await starting.launch();
      const sql = client(starting);
      const done = () => { try { return Number(sql("SELECT COUNT(*) FROM atrium_t_old.atrium_journal WHERE state = 'done'")); } catch { return -1; } };
      const up = async () => { try { return (await starting.operator('GET', '/readyz')).status === 200; } catch { return false; } };
      let ready = false, was = -1;
      for (let i = 0; i < 4000 && !ready; i++) {
        const n = done();
        if (was < 0 && n >= 0) was = n;
        if (was >= 0 && n >= was + allowed) break;
        ready = await up();
        if (!ready) await sleep(3);
      }
      if (ready) { atrium = starting; break; }
      rounds++;
      const workers = starting.workers();
      process.kill(starting.child.pid, 'SIGKILL');
      for (const w of workers) { try { process.kill(w, 'SIGKILL'); } catch { /* gone */ } }
      await starting.ended;
      assert.ok(rounds < 200, 'it comes to an end');
    }
    delete atrium.ready;
    try {
      await atrium.ready();
      const now = tables(client(atrium), 'atrium_t_old');
      for (const [name, want] of Object.entries(fresh)) {
        assert.ok(now[name], `table ${name}`);
        for (const c of want.columns) assert.ok(now[name].columns.includes(c), `${name}: ${c} (has ${now[name].columns.join(' | ')})`);
        for (const i of want.indexes) assert.ok(now[name].indexes.includes(i), `${name}: index ${i} (has ${now[name].indexes.join(' | ')})`);
      }
      const plan = await atrium.operator('GET', '/operator/tenants/old/plan');
      assert.deepEqual(plan.body.filter((s) => !s.destructive), [], 'nothing is left to do');
      await holds(atrium, dir.facts);
    } finally { await atrium.stop(); }
  });
});

test('there is a seed', () => assert.ok(versions.length > 0));
