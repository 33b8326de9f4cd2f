// C-sec2 sensitive operations: a new proof, a second person, and the tenant's
// setting that can only raise what the manifest demands.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Atrium, Api, top } from '../lib/atrium.mjs';
import { person, sql } from '../lib/people.mjs';
import { totp } from '../lib/totp.mjs';

let atrium, admin, ann;
const url = '/api/buying/order';
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['buying'] });
  ann = await person(admin, 'ann', ['buying.buyer'], { phone: '13800000042' });
});
after(() => atrium?.stop());

/** Lets the proofs of everybody's sessions grow old. */
const age = () => sql(atrium, 'demo', `UPDATE core_session SET created_at=created_at - INTERVAL 6 MINUTE,
  proved_at=proved_at - INTERVAL 6 MINUTE`);
const order = async () => (await ann.post(url, { title: '单', amount: 1 })).body;

test('C-sec2 an export asks for a proof once the log-in is old; password or code; the other way round nothing', async () => {
  assert.equal((await ann.get(`${url}/export?format=csv`)).status, 200, 'a log-in is a proof');
  age();
  const no = await ann.get(`${url}/export?format=csv`);
  assert.deepEqual([no.status, no.body.code], [403, 'reauth_required']);
  assert.deepEqual((await ann.get('/api/auth/reauth')).body, { ways: ['password', 'code'], phone: '138****0042' });
  const wrong = await ann.post('/api/auth/reauth', { password: 'not-mine-Aa1' });
  assert.deepEqual([wrong.status, Object.keys(wrong.body.fields)], [422, ['password']]);
  assert.equal((await ann.post('/api/auth/reauth', {})).status, 422);
  assert.equal((await ann.get(`${url}/export?format=csv`)).status, 403);
  assert.equal((await ann.post('/api/auth/reauth', { password: ann.password })).status, 204);
  assert.equal((await ann.get(`${url}/export?format=csv`)).status, 200);
  age();
  assert.equal((await ann.post('/api/auth/reauth/code')).status, 202);
  const { code } = atrium.codes('13800000042')[0];
  assert.equal((await ann.post('/api/auth/reauth', { code: code === '000000' ? '000001' : '000000' })).status, 422);
  assert.equal((await ann.post('/api/auth/login', { phone: '13800000042', code })).status, 401, 'it is no code to log in with');
  assert.equal((await ann.post('/api/auth/reauth', { code })).status, 204);
  assert.equal((await ann.get(`${url}/export?format=csv`)).status, 200);
  assert.equal((await ann.post('/api/auth/reauth', { code })).status, 422, 'once only');
  assert.equal((await new Api(admin.base).post('/api/auth/reauth', { password: 'x' })).status, 401);
});

test('C-sec2 who has an authenticator may prove himself by it', async () => {
  await admin.post('/api/auth/reauth', { password: admin.password });
  const cy = await person(admin, 'cy', ['buying.buyer']);
  const begun = await cy.post('/api/auth/totp/begin', { password: cy.password });
  assert.equal(begun.status, 200, JSON.stringify(begun.body));
  assert.equal((await cy.post('/api/auth/totp/confirm', { code: totp(begun.body.secret) })).status, 200);
  age();
  assert.deepEqual((await cy.get('/api/auth/reauth')).body.ways, ['password', 'totp']);
  assert.equal((await cy.get(`${url}/export?format=csv`)).body.code, 'reauth_required');
  assert.deepEqual(Object.keys((await cy.post('/api/auth/reauth', { totp: '000000' })).body.fields), ['totp']);
  assert.equal((await cy.post('/api/auth/reauth', { totp: totp(begun.body.secret, 1) })).status, 204);
  assert.equal((await cy.get(`${url}/export?format=csv`)).status, 200);
});

test('C-sec2 guessing the password of an open screen locks', async () => {
  await admin.post('/api/auth/reauth', { password: admin.password });
  const bob = await person(admin, 'bob', []);
  let last;
  for (let i = 0; i < 12; i++) last = await bob.post('/api/auth/reauth', { password: `wrong-${i}-Aa1` });
  assert.ok([423, 429].includes(last.status), `${last.status}`);
  assert.equal((await bob.post('/api/auth/reauth', { password: bob.password })).status, last.status);
});

test('C-sec2 roles and other people\'s passwords ask the administrator for a proof', async () => {
  age();
  const role = { code: 'helper', name: '助手', grants: {} };
  assert.equal((await admin.post('/api/core/role', role)).body.code, 'reauth_required');
  assert.equal((await admin.post(`/api/auth/staff/${ann.id}/password`)).body.code, 'reauth_required');
  assert.equal((await admin.post('/api/auth/reauth', { password: admin.password })).status, 204);
  const made = await admin.post('/api/core/role', role);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  age();
  assert.equal((await admin.patch(`/api/core/role/${made.body.id}`, { name: '帮手' })).body.code, 'reauth_required');
  assert.equal((await admin.delete(`/api/core/role/${made.body.id}`)).body.code, 'reauth_required');
  assert.equal((await ann.post('/api/core/role', role)).body.code, 'forbidden', 'rights come first');
  await admin.post('/api/auth/reauth', { password: admin.password });
});

test('C-sec2 the tenant raises what is demanded, and cannot lower it', async () => {
  const set = (v) => admin.patch('/api/core/plugins/core/settings', { sensitive: v });
  assert.equal((await set({ 'buying.order': { update: 'reauth', 'do.close': 'second_person', delete: 'none', export: 'none' } })).status, 200);
  await ann.login('ann', ann.password);
  const row = await order();
  const asked = await ann.post(`${url}/${row.id}/do/close`);
  assert.equal(asked.status, 202, JSON.stringify(asked.body));
  assert.equal(asked.body.approval.name, 'second_person');
  assert.equal((await admin.post(`/api/core/approval/${asked.body.approval.id}/approve`)).body.status, 'approved');
  assert.equal((await ann.get(`${url}/${row.id}`)).body.state, 'closed');
  age();
  assert.equal((await ann.patch(`${url}/${row.id}`, { supplier: '甲' })).body.code, 'reauth_required');
  assert.equal((await ann.get(`${url}/export?format=csv`)).body.code, 'reauth_required');
  await ann.post('/api/auth/reauth', { password: ann.password });
  assert.equal((await ann.patch(`${url}/${row.id}`, { supplier: '甲' })).status, 200);
  assert.equal((await ann.delete(`${url}/${row.id}`)).status, 202, 'a second person still');
  await set(null);
});

test('C-sec2 an export that a second person agrees to is fetched by who asked, and no other export', async () => {
  await admin.patch('/api/core/plugins/core/settings', { sensitive: { 'buying.order': { export: 'second_person' } } });
  await ann.login('ann', ann.password);
  const get = (who, q) => who.get(`${url}/export?format=csv${q}`);
  const asked = await get(ann, '');
  assert.equal(asked.status, 202);
  assert.equal((await get(ann, '')).body.code, 'approval_pending');
  await admin.post('/api/auth/reauth', { password: admin.password });
  const end = await admin.post(`/api/core/approval/${asked.body.approval.id}/approve`);
  assert.equal(end.body.status, 'approved', JSON.stringify(end.body));
  assert.equal((await get(ann, '')).status, 200);
  assert.equal((await get(ann, `&filter=${encodeURIComponent('state = "closed"')}`)).status, 202, 'another one asks anew');
  sql(atrium, 'demo', `UPDATE core_approval SET decided_at=decided_at - INTERVAL 25 HOUR WHERE id=${asked.body.approval.id}`);
  assert.equal((await get(ann, '')).status, 202, 'a day later as well');
  await admin.patch('/api/core/plugins/core/settings', { sensitive: null });
});

test('C-sec2 changes of many rows: rows that others have to agree to are refused, sensitive ones ask for a proof', async () => {
  await ann.login('ann', ann.password);
  const rows = [await order(), await order()];
  const gone = await ann.post(`${url}/bulk`, { action: 'delete', ids: rows.map((r) => r.id) });
  assert.equal(gone.status, 200, JSON.stringify(gone.body));
  assert.deepEqual([gone.body.done, gone.body.failed], [0, 2]);
  assert.ok(gone.body.items.every((x) => !x.ok && x.error.code === 'approval_needed'), JSON.stringify(gone.body));
  assert.equal((await ann.get(`${url}/${rows[0].id}`)).status, 200);
  await admin.patch('/api/core/plugins/core/settings', { sensitive: { 'buying.order': { update: 'reauth' } } });
  age();
  const body = { action: 'update', ids: rows.map((r) => r.id), set: { supplier: '丁' } };
  assert.equal((await ann.post(`${url}/bulk`, body)).body.code, 'reauth_required');
  await ann.post('/api/auth/reauth', { password: ann.password });
  assert.equal((await ann.post(`${url}/bulk`, body)).body.done, 2);
  await admin.post('/api/auth/reauth', { password: admin.password });
  await admin.patch('/api/core/plugins/core/settings', { sensitive: null });
});

test('C-sec2 unmasking asks for a proof where the manifest says so; an approval shows no more than its asker sees', async () => {
  await admin.post('/api/auth/reauth', { password: admin.password });
  const made = await admin.post(url, { title: '账号', amount: 200000, account: '6222020200112233', owner: ann.id });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const body = { fields: ['account'], reason: '核对' };
  age();
  assert.equal((await admin.post(`${url}/${made.body.id}/reveal`, body)).body.code, 'reauth_required');
  await admin.post('/api/auth/reauth', { password: admin.password });
  const shown = await admin.post(`${url}/${made.body.id}/reveal`, body);
  assert.equal(shown.body.account, '6222020200112233', JSON.stringify(shown.body));
  await ann.login('ann', ann.password);
  const asked = await ann.post(`${url}/${made.body.id}/do/order`);
  assert.equal(asked.status, 202, JSON.stringify(asked.body));
  const seen = JSON.stringify((await admin.get(`/api/core/approval/${asked.body.approval.id}`)).body);
  assert.ok(!seen.includes('6222020200112233'), 'masked, as she sees it');
  assert.equal((await admin.post(`/api/core/approval/${asked.body.approval.id}/approve`)).body.status, 'approved');
  assert.equal((await admin.post(`${url}/${made.body.id}/reveal`, body)).body.account, '6222020200112233', 'kept whole');
});
