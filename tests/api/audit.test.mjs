// The operation log: what it says, who may read it, that it cannot be altered unseen.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api, prefix } from '../lib/atrium.mjs';
import { sql } from '../lib/secrets.mjs';

let atrium, admin, db, anna;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo');
  [[db]] = sql(atrium, "SELECT db_name FROM tenant WHERE slug = 'demo'");
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'anna', name: '安娜' });
  anna = Object.assign(new Api(admin.base), { id: made.body.id, password: made.body.password });
  await anna.login('anna', made.body.password);
});
after(() => atrium?.stop());

const verify = async (slug = 'demo') => (await atrium.operator('GET', `/operator/tenants/${slug}/audit/verify`)).body;
async function lines(filter, least = 1) {
  for (let i = 0; ; i++) {
    const r = await admin.get(`/api/core/audit?limit=50&filter=${encodeURIComponent(filter)}`);
    assert.equal(r.status, 200, JSON.stringify(r.body));
    if (r.body.items.length >= least || i === 40) return r.body.items;
    await sleep(50);
  }
}

test('B-45 D-9c C-sec3 E-3.5b who, when, from where, what, result: log-in, log-out, change, rights, export', async () => {
  const c = new Api(admin.base);
  await c.post('/api/auth/login', { login: 'anna', password: 'Wrong-one-1' }, { 'user-agent': 'Test/1.0', 'x-atrium-client': 'pc' });
  await c.post('/api/auth/login', { login: 'anna', password: anna.password }, { 'user-agent': 'Test/1.0', 'x-atrium-client': 'pc' });
  await c.post('/api/auth/logout');
  const [failed] = await lines(`action = "login" and ok = false`);
  assert.equal(failed.result, 'password');
  assert.equal(failed.who_name, '安娜');
  assert.equal(failed.client, 'pc');
  assert.equal(failed.agent, 'Test/1.0');
  assert.equal(failed.address, '127.0.0.1');
  assert.ok(failed.created_at && failed.request_id);
  assert.ok((await lines('action = "logout"')).length);
  const role = (await admin.post('/api/core/role', { code: 'desk', name: '前台' })).body;
  await admin.patch(`/api/core/role/${role.id}`, { grants: { 'core.member': { read: ['all'] } } });
  assert.deepEqual((await lines(`target = "core.role/${role.id}"`, 2)).map((l) => l.action).sort(), ['create', 'update']);
  const csv = await admin.fetch('GET', '/api/core/audit/export?format=csv&filter=' + encodeURIComponent('ok = false'));
  assert.equal(csv.status, 200);
  assert.match(await csv.text(), /password/);
  const xlsx = await admin.fetch('GET', '/api/core/audit/export?format=xlsx');
  assert.equal(Buffer.from(await xlsx.arrayBuffer()).subarray(0, 2).toString(), 'PK');
  assert.ok((await lines('action = "export" and target = "core.audit"')).length);
  for (const f of ['address = "127.0.0.1"', `who = ${anna.id}`, 'created_at > 2020-01-01T00:00:00Z', 'action = "login"'])
    assert.ok((await lines(f)).length, f);
});

test('E-3.5b a line points to the row of the history and the names that changed, never to a value', async () => {
  const made = (await admin.post('/api/core/role', { code: 'point', name: '甲名' })).body;
  const target = `target = "core.role/${made.id}"`;
  assert.equal((await admin.patch(`/api/core/role/${made.id}`, { name: '乙名', grants: { 'core.dept': { read: ['all'] } } })).status, 200);
  assert.ok([200, 204].includes((await admin.delete(`/api/core/role/${made.id}`)).status));
  const all = Object.fromEntries((await lines(target, 3)).map((l) => [l.action, l]));
  assert.deepEqual(Object.keys(all.create.detail), ['history']);
  assert.deepEqual(all.update.detail.fields, ['name', 'grants']);
  assert.deepEqual(Object.keys(all.delete.detail), ['history']);
  assert.doesNotMatch(JSON.stringify(all), /甲名|乙名|core\.dept/);
  const kept = (await admin.post('/api/core/role', { code: 'kept', name: '丙名' })).body;
  await admin.patch(`/api/core/role/${kept.id}`, { name: '丁名' });
  const two = await lines(`target = "core.role/${kept.id}"`, 2);
  const history = (await admin.get(`/api/core/role/${kept.id}/history`)).body.items;
  assert.deepEqual(history.map((x) => x.id), two.map((l) => l.detail.history), 'newest first, both');
  assert.deepEqual(history[0].changes, [{ field: 'name', before: '丙名', after: '丁名' }]);
  await admin.patch(`/api/core/role/${kept.id}`, { name: '丁名' });
  await lines('action = "login"');
  assert.equal((await lines(`target = "core.role/${kept.id}"`, 2)).length, 2, 'nothing changed, nothing to say');
});

test('B-34 E-3.5b whose right it was: update, delete and export by a delegate', async () => {
  const role = (await admin.post('/api/core/role', { code: 'registry', name: '档案', grants: {
    'core.partner': { read: ['all'], create: true, update: ['all'], delete: ['all'], export: true } } })).body;
  const person = async (login, roles) => {
    const row = await admin.post('/api/core/staff', { login, name: login, roles });
    assert.equal(row.status, 201, JSON.stringify(row.body));
    const { body } = await admin.post(`/api/auth/staff/${row.body.id}/password`);
    return Object.assign(new Api(admin.base), { id: row.body.id, login_by: body.password });
  };
  const boss = await person('chief', [{ role: role.id }]), aide = await person('aide', []);
  await boss.login('chief', boss.login_by);
  const span = { starts: new Date(Date.now() - 1000).toISOString(), ends: new Date(Date.now() + 600_000).toISOString() };
  assert.equal((await boss.post('/api/core/delegation', { to_staff: aide.id, reason: 'leave', ...span })).status, 201);
  await aide.login('aide', aide.login_by);
  const row = await aide.post('/api/core/partner', { name: '友商', kind: 'exhibitor' });
  assert.equal(row.status, 201, JSON.stringify(row.body));
  assert.equal((await aide.patch(`/api/core/partner/${row.body.id}`, { name: '友商二' })).status, 200);
  assert.equal((await aide.fetch('GET', '/api/core/partner/export?format=csv')).status, 200);
  const gone = await aide.post('/api/core/partner', { name: '误', kind: 'exhibitor' });
  assert.ok([200, 204].includes((await aide.delete(`/api/core/partner/${gone.body.id}`)).status));
  const own = await boss.post('/api/core/partner', { name: '自建', kind: 'exhibitor' });
  const seen = await lines(`who = ${aide.id} and action != "login"`, 5);
  assert.deepEqual(seen.map((l) => l.action).sort(), ['create', 'create', 'delete', 'export', 'update']);
  assert.ok(seen.every((l) => String(l.on_behalf) === boss.id), JSON.stringify(seen));
  assert.ok([null, undefined].includes((await lines(`target = "core.partner/${own.body.id}"`))[0].on_behalf), 'his own right');
});

test('the log is read by its auditors only, and written by nobody', async () => {
  assert.ok([403, 404].includes((await anna.get('/api/core/audit')).status));
  assert.equal((await anna.anonymous().get('/api/core/audit')).status, 401);
  const [line] = await lines('action = "login"');
  assert.ok([403, 404, 405, 409].includes((await admin.patch(`/api/core/audit/${line.id}`, { ok: true })).status));
  assert.ok([403, 404, 405, 409].includes((await admin.delete(`/api/core/audit/${line.id}`)).status));
  assert.ok([403, 404, 405, 409].includes((await admin.post('/api/core/audit', { action: 'x' })).status));
});

test('E-3.5b the chain stands; atriumctl says so', async () => {
  const r = await verify();
  assert.equal(r.ok, true, JSON.stringify(r));
  assert.ok(r.lines > 5);
  const out = execFileSync(path.join(prefix, 'bin/atriumctl'), ['--state', atrium.state, '--json', 'audit', 'verify', 'demo'], { encoding: 'utf8' });
  assert.equal(JSON.parse(out).ok, true);
});

test('E-3.5b an altered line, a removed one and a cut-off end show; a forged anchor too', async () => {
  const [[id]] = sql(atrium, 'SELECT id FROM core_audit ORDER BY id LIMIT 1 OFFSET 3', db);
  const [[ok]] = sql(atrium, `SELECT ok FROM core_audit WHERE id = ${id}`, db);
  sql(atrium, `UPDATE core_audit SET ok = 1 - ok WHERE id = ${id}`, db);
  let r = await verify();
  assert.deepEqual([r.ok, r.first_bad, r.why], [false, id, 'altered']);
  sql(atrium, `UPDATE core_audit SET ok = ${ok} WHERE id = ${id}`, db);
  const [[agent]] = sql(atrium, `SELECT COALESCE(agent, '') FROM core_audit WHERE id = ${id}`, db);
  sql(atrium, `UPDATE core_audit SET agent = NULL WHERE id = ${id}`, db);
  if (agent) assert.equal((await verify()).first_bad, id, 'also a field of the second version');
  sql(atrium, `UPDATE core_audit SET agent = NULLIF('${agent}', '') WHERE id = ${id}`, db);
  assert.equal((await verify()).ok, true);

  // the anchor follows within seconds
  const [[last]] = sql(atrium, 'SELECT MAX(id) FROM core_audit', db);
  for (let i = 0; i < 100; i++) {
    const [row] = sql(atrium, `SELECT last_id FROM audit_anchor WHERE tenant = (SELECT id FROM tenant WHERE slug = 'demo')`);
    if (row?.[0] === last) break;
    await sleep(100);
  }
  r = await verify();
  assert.equal(r.anchors, 1);
  sql(atrium, 'CREATE TABLE kept AS SELECT * FROM core_audit ORDER BY id DESC LIMIT 2; DELETE FROM core_audit ORDER BY id DESC LIMIT 2', db);
  r = await verify();
  assert.deepEqual([r.ok, r.first_bad, r.why], [false, last, 'end cut off']);
  sql(atrium, 'INSERT INTO core_audit SELECT * FROM kept; DROP TABLE kept', db);
  assert.equal((await verify()).ok, true);
  sql(atrium, 'CREATE TABLE kept AS SELECT * FROM core_audit ORDER BY id LIMIT 1 OFFSET 2; DELETE FROM core_audit WHERE id IN (SELECT id FROM kept)', db);
  r = await verify();
  assert.equal(r.why, 'line missing before');
  sql(atrium, 'INSERT INTO core_audit SELECT * FROM kept; DROP TABLE kept', db);
  const [[hash]] = sql(atrium, 'SELECT hash FROM audit_anchor LIMIT 1');
  sql(atrium, `UPDATE audit_anchor SET hash = REPEAT('0', 64)`);
  assert.equal((await verify()).why, 'anchor forged');
  sql(atrium, `UPDATE audit_anchor SET hash = '${hash}'`);
  assert.equal((await verify()).ok, true);
});
