// The OpenAPI document cut to its caller; conditional requests.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Atrium, Api, pollBody, top } from '../lib/atrium.mjs';

let atrium, admin, clerk, key;
const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const grants = { 'vote.poll': { read: ['all'], update: ['all'], do: ['close'], fields: { intro: 'hidden', title: 'read_only' } } };
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  const role = ok(await admin.post('/api/core/role', { code: 'clerk', name: 'clerk', grants }), 201);
  const made = ok(await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'clerk', name: 'clerk', admin: false }), 201);
  ok(await admin.patch(`/api/core/staff/${made.id}`, { roles: [{ role: role.id }] }));
  clerk = new Api(admin.base);
  await clerk.login('clerk', made.password);
  const row = ok(await admin.post('/api/core/api_key', { name: 'k', grants: { 'vote.ballot': { read: ['all'], export: true } } }), 201);
  key = admin.as(ok(await admin.post(`/api/core/api_key/${row.id}/secret`)).secret);
});
after(() => atrium?.stop());

/** Each $ref of the document leads somewhere. */
function refs(doc) {
  const walk = (v) => {
    if (!v || typeof v !== 'object') return;
    if (typeof v.$ref === 'string') {
      const at = v.$ref.slice(2).split('/').reduce((o, k) => o?.[k.replaceAll('~1', '/').replaceAll('~0', '~')], doc);
      assert.ok(at, v.$ref);
    }
    Object.values(v).forEach(walk);
  };
  walk(doc);
}

test('B-38 the document is valid OpenAPI 3.1 for an administrator, a role, a key and nobody', async () => {
  for (const [name, api] of Object.entries({ admin, clerk, key, nobody: new Api(admin.base) })) {
    const doc = ok(await api.get('/api/openapi.json'));
    const result = await new Validator().validate(structuredClone(doc));
    assert.ok(result.valid, `${name}: ${JSON.stringify(result.errors)?.slice(0, 2000)}`);
    assert.equal(doc.openapi, '3.1.0');
    refs(doc);
  }
});

test('B-38 the document has what the caller may do and nothing else', async () => {
  const all = ok(await admin.get('/api/openapi.json'));
  assert.ok(all.paths['/api/vote/poll'].post && all.paths['/api/core/staff'].post && all.paths['/api/core/plugins']);
  assert.ok(all.components.schemas['vote.poll'].properties.intro);
  assert.ok(all.webhooks['vote.poll.created'] && all.webhooks['vote.poll.publish'] && all.webhooks['core.staff.updated']);
  const doc = ok(await clerk.get('/api/openapi.json'));
  assert.ok(doc.paths['/api/vote/poll'].get);
  assert.equal(doc.paths['/api/vote/poll'].post, undefined);
  assert.equal(doc.paths['/api/vote/poll/{id}'].delete, undefined);
  assert.equal(doc.paths['/api/vote/poll/export']?.get, undefined);
  assert.ok(doc.paths['/api/vote/poll/{id}'].patch);
  assert.ok(doc.paths['/api/vote/poll/{id}/do/close']);
  assert.equal(doc.paths['/api/vote/poll/{id}/do/publish'], undefined);
  assert.equal(doc.paths['/api/core/api_key'], undefined);
  assert.equal(doc.paths['/api/core/plugins'], undefined);
  const poll = doc.components.schemas['vote.poll'].properties, change = doc.components.schemas['vote.poll.update'].properties;
  assert.equal(poll.intro, undefined);
  assert.equal(poll.title.readOnly, true);
  assert.equal(poll.name.readOnly, undefined);
  assert.equal(change.title, undefined);
  assert.ok(change.name);
  assert.ok(!JSON.stringify(doc).includes('"intro"'));
  assert.ok(doc.webhooks['vote.poll.updated']);
  assert.equal(doc.webhooks['vote.ballot.created'], undefined);
  const mine = ok(await key.get('/api/openapi.json'));
  assert.deepEqual(Object.keys(mine.paths['/api/vote/ballot']), ['get']);
  assert.ok(mine.paths['/api/vote/ballot/export'].get);
  assert.equal(mine.paths['/api/vote/poll'], undefined);
  const open = ok(await new Api(admin.base).get('/api/openapi.json'));
  assert.equal(open.paths['/api/vote/poll'], undefined);
  assert.ok(Object.keys(open.paths).some((p) => p.startsWith('/api/vote/public/')));
});

test('B-38 ETag and If-None-Match: a row, a list, the document', async () => {
  const poll = ok(await admin.post('/api/vote/poll', pollBody()), 201);
  for (const url of [`/api/vote/poll/${poll.id}`, '/api/vote/poll?limit=5', '/api/openapi.json']) {
    const first = await admin.fetch('GET', url);
    await first.text();
    const tag = first.headers.get('etag');
    assert.ok(tag, url);
    const again = await admin.fetch('GET', url, { headers: { 'if-none-match': `"other", ${tag}` } });
    assert.equal(again.status, 304, url);
    assert.equal(await again.text(), '');
    assert.equal(again.headers.get('etag'), tag);
    assert.equal((await admin.get(url, { 'if-none-match': '"other"' })).status, 200);
  }
  const row = await admin.get(`/api/vote/poll/${poll.id}`);
  const list = await admin.get('/api/vote/poll?limit=5');
  ok(await admin.patch(`/api/vote/poll/${poll.id}`, { name: '新名' }, { 'if-match': row.headers.get('etag') }));
  assert.equal((await admin.get(`/api/vote/poll/${poll.id}`, { 'if-none-match': row.headers.get('etag') })).status, 200);
  assert.equal((await admin.get('/api/vote/poll?limit=5', { 'if-none-match': list.headers.get('etag') })).status, 200);
  assert.equal((await admin.patch(`/api/vote/poll/${poll.id}`, { name: '旧' }, { 'if-match': row.headers.get('etag') })).status, 412);
  assert.notEqual((await clerk.get('/api/vote/poll?limit=5')).headers.get('etag'), (await admin.get('/api/vote/poll?limit=5')).headers.get('etag'));
});

test('B-38 every route of logging in is in the document, and none that is not there', async () => {
  const doc = ok(await admin.get('/api/openapi.json'));
  const routes = new Set();
  for (const dir of ['core/auth', 'core/main'])
    for (const f of readdirSync(path.join(top, dir)).filter((n) => n.endsWith('.c')))
      for (const [, method, pattern] of readFileSync(path.join(top, dir, f), 'utf8').matchAll(/HTTP_([A-Z]+),\s*(?:\.pattern = )?"(\/api\/auth\/[^"]+)"/g))
        routes.add(`${method.toLowerCase()} ${pattern.replace(/:(\w+)/g, '{$1}')}`);
  assert.ok(routes.size > 30, `${routes.size} routes`);
  const told = Object.entries(doc.paths).filter(([p]) => p.startsWith('/api/auth/')).flatMap(([p, o]) => Object.keys(o).map((m) => `${m} ${p}`));
  assert.deepEqual(told.sort(), [...routes].sort());
  const open = ok(await new Api(admin.base).get('/api/openapi.json')).paths;
  assert.ok(open['/api/auth/login/totp'] && open['/api/auth/captcha']);
  for (const p of ['/api/auth/me', '/api/auth/totp/begin', '/api/auth/sessions', '/api/auth/staff/{id}/password']) assert.equal(open[p], undefined, p);
  const own = ok(await clerk.get('/api/openapi.json')).paths;
  assert.ok(own['/api/auth/me'].patch && own['/api/auth/totp/begin']);
  assert.equal(own['/api/auth/sessions'], undefined);
});
