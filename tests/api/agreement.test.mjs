// Agreements: versions that stand, acceptances that are written down.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Atrium, Api } from '../lib/atrium.mjs';

let atrium, admin;
const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
before(async () => { atrium = await Atrium.start(); admin = await atrium.tenant('demo'); });
after(() => atrium?.stop());

async function member(phone) {
  const a = new Api(admin.base);
  ok(await a.post('/api/auth/code', { phone, purpose: 'member' }), 202);
  for (let i = 0; i < 100 && !atrium.codes(phone).length; i++) await new Promise((r) => setTimeout(r, 20));
  return { api: a, login: ok(await a.post('/api/auth/member/login', { phone, code: atrium.codes(phone)[0].code })) };
}
async function version(agreement, text) {
  const row = ok(await admin.post('/api/core/agreement_version', { agreement, body_zh: `<p>${text}</p>`, body_en: `<p>${text} en</p>` }), 201);
  return ok(await admin.post(`/api/core/agreement_version/${row.id}/do/publish`));
}

test('A-2.4.3 versions are numbered; a published one neither changes nor goes', async () => {
  const a = ok(await admin.post('/api/core/agreement', { code: 'terms', kind: 'service', title_zh: '用户协议', title_en: 'Terms', places: 'member_login vote' }), 201);
  const draft = ok(await admin.post('/api/core/agreement_version', { agreement: a.id, body_zh: '<p>一</p>' }), 201);
  assert.equal((await new Api(admin.base).get('/api/core/public/agreements/terms')).status, 404, 'a draft is nobody\'s');
  ok(await admin.patch(`/api/core/agreement_version/${draft.id}`, { body_zh: '<p>第一版</p><script>x</script>' }));
  const one = ok(await admin.post(`/api/core/agreement_version/${draft.id}/do/publish`));
  assert.equal(one.number, 1);
  assert.ok(one.published_at);
  const text = ok(await new Api(admin.base).get('/api/core/public/agreements/terms'));
  assert.equal(text.body.zh, '<p>第一版</p>');
  assert.equal(text.version, one.id);
  assert.equal((await admin.patch(`/api/core/agreement_version/${one.id}`, { body_zh: '<p>改</p>' })).status, 409);
  assert.equal((await admin.delete(`/api/core/agreement_version/${one.id}`)).status, 409);
  assert.equal((await admin.delete(`/api/core/agreement/${a.id}`)).status, 409);
  assert.equal((await admin.patch(`/api/core/agreement/${a.id}`, { code: 'other' })).status, 422);
  const two = await version(a.id, '第二版');
  assert.equal(two.number, 2);
  assert.equal(ok(await new Api(admin.base).get('/api/core/public/agreements/terms')).version, two.id);
});

test('A-2.4.3 a member is told at log-in what to accept, accepts it once, anew after a new version', async () => {
  const { api, login } = await member('13900000011');
  assert.equal(login.agreements.length, 1);
  const [asked] = login.agreements;
  assert.deepEqual([asked.code, asked.number, asked.title.zh, asked.accepted], ['terms', 2, '用户协议', false]);
  assert.equal(ok(await api.post('/api/core/public/agreements/accept', { versions: [asked.version] })).accepted, 1);
  assert.equal(ok(await api.post('/api/core/public/agreements/accept', { versions: [asked.version] })).accepted, 0, 'once');
  assert.equal(ok(await api.get('/api/core/public/agreements?at=vote')).items[0].accepted, true);
  assert.deepEqual(ok(await api.get('/api/core/public/agreements?at=nowhere')).items, []);
  const log = ok(await admin.get(`/api/core/agreement_acceptance?filter=${encodeURIComponent(`version_of = ${asked.version}`)}`)).items;
  assert.equal(log.length, 1);
  assert.ok(log[0].member && log[0].address && log[0].created_at && !log[0].staff);
  const row = ok(await admin.get(`/api/core/agreement_version/${asked.version}`));
  assert.equal(row.accepted, 1);
  assert.equal((await admin.patch(`/api/core/agreement_acceptance/${log[0].id}`, { client: 'x' })).status, 405);
  const three = await version(row.agreement.id ?? row.agreement, '第三版');
  assert.equal(ok(await api.get('/api/core/public/agreements?at=member_login')).items[0].accepted, false, 'anew');
  assert.equal((await api.post('/api/core/public/agreements/accept', { versions: [asked.version] })).body.code, 'agreement_replaced');
  assert.equal(ok(await api.post('/api/core/public/agreements/accept', { versions: [three.id] })).accepted, 1);
});

test('A-2.4.3 nobody accepts for nobody; bad input is told; another tenant has nothing', async () => {
  const anon = new Api(admin.base);
  assert.equal(ok(await anon.get('/api/core/public/agreements')).items[0].accepted, false);
  assert.equal((await anon.post('/api/core/public/agreements/accept', { versions: ['1'] })).status, 401);
  const { api } = await member('13900000012');
  assert.equal((await api.post('/api/core/public/agreements/accept', { versions: [] })).status, 422);
  assert.equal((await api.post('/api/core/public/agreements/accept', { versions: ['x'] })).status, 422);
  const other = await atrium.tenant('other');
  assert.equal((await other.get('/api/core/public/agreements/terms')).status, 404);
});
