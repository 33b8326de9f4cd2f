// For programs: API keys, their rights, limits and end.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api, pollBody } from '../lib/atrium.mjs';

let atrium, admin, other;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  other = await atrium.tenant('other', { plugins: ['vote'] });
});
after(() => atrium?.stop());

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const grants = { 'vote.poll': { read: ['all'], create: true, do: ['publish'] } };

async function makeKey(api, over = {}) {
  const row = ok(await api.post('/api/core/api_key', { name: '对账', grants, ...over }), 201);
  const made = ok(await api.post(`/api/core/api_key/${row.id}/secret`));
  return { ...made, row, api: api.as(made.secret) };
}
/** A member of staff with one role of those grants. */
async function person(login, roleGrants) {
  const role = ok(await admin.post('/api/core/role', { code: `r.${login}`, name: login, grants: roleGrants }), 201);
  const made = ok(await atrium.operator('POST', '/operator/tenants/demo/users', { login, name: login, admin: false }), 201);
  ok(await admin.patch(`/api/core/staff/${made.id}`, { roles: [{ role: role.id }] }));
  const api = new Api(admin.base);
  await api.login(login, made.password);
  return { api, id: made.id, role };
}

test('B-38 a key does what its grants say and nothing else; the secret is shown once', async () => {
  const k = await makeKey(admin);
  assert.match(k.secret, /^atk_[A-Za-z0-9]{8}_[A-Za-z0-9]{40}$/);
  assert.equal(k.prefix, k.secret.slice(0, 12));
  const row = ok(await admin.get(`/api/core/api_key/${k.id}`));
  assert.equal(row.prefix, k.prefix);
  assert.ok(!JSON.stringify(row).includes(k.secret.slice(13)));
  assert.equal(row.secret_hash, undefined);
  const me = ok(await k.api.get('/api/core/session'));
  assert.equal(me.kind, 'key');
  const poll = ok(await k.api.post('/api/vote/poll', pollBody()), 201);
  ok(await k.api.get('/api/vote/poll'));
  ok(await k.api.post(`/api/vote/poll/${poll.id}/do/publish`));
  assert.equal((await k.api.post(`/api/vote/poll/${poll.id}/do/close`)).status, 403);
  assert.equal((await k.api.patch(`/api/vote/poll/${poll.id}`, { name: 'x' })).status, 403);
  assert.equal((await k.api.get('/api/vote/ballot')).status, 403);
  assert.equal((await k.api.get('/api/core/staff')).status, 403);
  assert.equal((await k.api.get('/api/console/bootstrap')).status, 403, 'the console is for people');
  const log = ok(await admin.get(`/api/core/audit?filter=${encodeURIComponent('action = "create" and who = ' + k.id)}`));
  assert.equal(log.items[0].who_kind, 'key');
  assert.equal(log.items[0].who_name, '对账');
  assert.ok(ok(await admin.get(`/api/core/api_key/${k.id}`)).last_used_at);
});

test('B-38 a role may be given; scopes of the own match nothing for a key', async () => {
  const role = ok(await admin.post('/api/core/role', { code: 'files', name: '文件',
    grants: { 'core.file': { read: ['own'] } } }), 201);
  const k = await makeKey(admin, { name: '角色', grants: null, roles: [{ role: role.id }] });
  assert.deepEqual(ok(await k.api.get('/api/core/file')).items, []);
  assert.equal((await k.api.get('/api/vote/poll')).status, 403);
  ok(await admin.patch(`/api/core/role/${role.id}`, { grants: { 'vote.poll': { read: ['all'] } } }));
  ok(await k.api.get('/api/vote/poll'));
  assert.equal((await admin.delete(`/api/core/role/${role.id}`)).status, 409, 'a key holds it');
});

test('B-38 bad keys, keys of another tenant, revoked and expired ones are 401', async () => {
  const k = await makeKey(admin);
  ok(await k.api.get('/api/vote/poll'));
  for (const bad of [k.secret.slice(0, -1) + (k.secret.endsWith('x') ? 'y' : 'x'), 'atk_', `${k.secret}x`])
    assert.equal((await admin.as(bad).get('/api/vote/poll')).status, 401);
  const stranger = await other.as(k.secret).get('/api/vote/poll');
  assert.equal(stranger.status, 401);
  assert.equal(stranger.body.code, 'key_invalid');
  const renewed = ok(await admin.post(`/api/core/api_key/${k.id}/secret`));
  assert.equal((await k.api.get('/api/vote/poll')).status, 401, 'the old secret ends with the new one');
  const fresh = admin.as(renewed.secret);
  ok(await fresh.get('/api/vote/poll'));
  ok(await admin.post(`/api/core/api_key/${k.id}/do/revoke`));
  assert.equal((await fresh.get('/api/vote/poll')).status, 401, 'at once');
  const short = await makeKey(admin, { expires_at: new Date(Date.now() + 1500).toISOString() });
  ok(await short.api.get('/api/vote/poll'));
  await sleep(1700);
  assert.equal((await short.api.get('/api/vote/poll')).status, 401);
});

test('B-38 a rate per key with standard headers; addresses are held', async () => {
  const k = await makeKey(admin, { rate: 5 });
  const first = await k.api.get('/api/vote/poll');
  assert.equal(first.headers.get('ratelimit-limit'), '5');
  assert.equal(first.headers.get('ratelimit-remaining'), '4');
  let last;
  for (let i = 0; i < 5; i++) last = await k.api.get('/api/vote/poll');
  assert.equal(last.status, 429);
  assert.equal(last.body.code, 'too_many_requests');
  assert.equal(last.headers.get('ratelimit-remaining'), '0');
  assert.ok(Number(last.headers.get('retry-after')) >= 1 && Number(last.headers.get('retry-after')) <= 12);
  ok(await (await makeKey(admin)).api.get('/api/vote/poll'), 200);
  const far = await makeKey(admin, { addresses: '203.0.113.0/24' });
  const refused = await far.api.get('/api/vote/poll');
  assert.equal(refused.status, 403);
  assert.equal(refused.body.code, 'key_address');
  ok(await admin.patch(`/api/core/api_key/${far.id}`, { addresses: '203.0.113.0/24, 127.0.0.0/8' }));
  ok(await far.api.get('/api/vote/poll'));
  const bad = await admin.patch(`/api/core/api_key/${far.id}`, { addresses: '1.2.3.4/40', rate: 0 });
  assert.equal(bad.status, 422);
  assert.ok(bad.body.fields.rate);
  assert.ok((await admin.patch(`/api/core/api_key/${far.id}`, { addresses: '1.2.3.4/40' })).body.fields.addresses);
});

test('B-38 nobody hands on more than he has; a key makes no keys', async () => {
  const mine = { 'core.api_key': { read: ['all'], create: true, update: ['all'], do: ['revoke'] },
    'vote.poll': { read: ['all'], fields: { intro: 'hidden' } } };
  const p = await person('maker', mine);
  for (const more of [{ 'vote.poll': { read: ['all'], create: true, fields: { intro: 'hidden' } } }, { 'vote.poll': { read: ['all'] } },
    { 'core.staff': { read: ['all'] } }, { 'vote.poll': { read: ['all'], do: ['publish'], fields: { intro: 'hidden' } } }]) {
    const r = await p.api.post('/api/core/api_key', { name: 'x', grants: more });
    assert.equal(r.status, 422, JSON.stringify(more));
    assert.ok(r.body.fields.grants);
  }
  const adminRole = ok(await admin.get(`/api/core/role?filter=${encodeURIComponent('code = "admin"')}`)).items[0];
  const roles = await p.api.post('/api/core/api_key', { name: 'x', roles: [{ role: adminRole.id }] });
  assert.equal(roles.status, 422);
  assert.ok(roles.body.fields['roles.0.role']);
  const k = await makeKey(p.api, { grants: { 'vote.poll': mine['vote.poll'] } });
  const poll = ok(await k.api.get('/api/vote/poll?limit=1')).items[0];
  assert.equal(poll.intro, undefined);
  const strong = await makeKey(admin);
  assert.equal((await p.api.post(`/api/core/api_key/${strong.id}/secret`)).status, 422, 'a secret is its rights');
  assert.equal((await p.api.patch(`/api/core/api_key/${strong.id}`, { rate: 9 })).status, 422);
  const all = await makeKey(admin, { name: 'all', grants: null, roles: [{ role: adminRole.id }] });
  assert.equal((await all.api.post('/api/core/api_key', { name: 'child', grants })).status, 403);
  assert.equal((await all.api.post(`/api/core/api_key/${k.id}/secret`)).status, 403);
  assert.equal((await new Api(admin.base).post(`/api/core/api_key/${k.id}/secret`)).status, 401);
  assert.equal((await other.post(`/api/core/api_key/${k.id}/secret`)).status, 404);
});
