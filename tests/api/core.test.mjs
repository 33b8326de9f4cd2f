// Log-in, sessions, plugins, lists, conventions: the core over HTTP.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Atrium, Api, pollBody, png } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

test('A-2.2.1a E-P1 log in with name and password, who am I, log out', async () => {
  const a = new Api(admin.base);
  assert.equal((await a.post('/api/auth/login', { login: 'admin', password: admin.password })).status, 200);
  const me = (await a.get('/api/core/session')).body;
  assert.equal(me.kind, 'staff');
  assert.equal(me.tenant.slug, 'demo');
  assert.equal((await a.post('/api/auth/logout')).status < 300, true);
  assert.equal((await a.get('/api/core/session')).body.kind, 'anon');
});

test('A-2.2.1a log in with phone and one-time code', async () => {
  const a = new Api(admin.base);
  assert.equal((await a.post('/api/auth/code', { phone: '13800000001', purpose: 'staff' })).status, 202);
  const { code } = atrium.codes('13800000001')[0];
  assert.equal((await a.post('/api/auth/login', { phone: '13800000001', code: '000000' === code ? '000001' : '000000' })).status, 401);
  assert.equal((await a.post('/api/auth/login', { phone: '13800000001', code })).status, 200);
  assert.equal((await new Api(admin.base).post('/api/auth/login', { phone: '13800000001', code })).status, 401, 'once only');
  assert.equal((await a.post('/api/auth/code', { phone: '13899999999', purpose: 'staff' })).status, 202, 'unknown phones look the same');
  assert.equal(atrium.codes('13899999999').length, 0);
});

test('D-9d wrong passwords lock out; the answer is the same for unknown users', async () => {
  const wrong = (login) => new Api(admin.base).post('/api/auth/login', { login, password: 'not-the-one-1A' });
  const unknown = await wrong('nobody-here'), known = await wrong('lockme');
  assert.equal(unknown.status, 401);
  assert.equal(unknown.body.detail, known.body.detail);
  await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'lockme', name: '锁定', admin: false });
  let last;
  for (let i = 0; i < 12; i++) last = await wrong('lockme');
  assert.ok([423, 429].includes(last.status), `${last.status}`);
  assert.equal(last.body.code, 'locked_out');
});

test('a cookie alone does not write: other origins are refused', async () => {
  const a = new Api(admin.base);
  await a.post('/api/auth/login', { login: 'admin', password: admin.password });
  const r = await a.fetch('POST', '/api/vote/poll', { body: pollBody(), headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } });
  assert.equal(r.status, 403);
  assert.equal((await r.json()).code, 'csrf');
  assert.equal((await a.post('/api/vote/poll', pollBody())).status, 201);
});

test('plugins: list, off is gone, on is back with its data', async () => {
  const list = (await admin.get('/api/core/plugins')).body;
  const vote = list.find((p) => p.id === 'vote');
  assert.equal(vote.state, 'on');
  assert.ok(vote.brings.resources.length > 0);
  const made = (await admin.post('/api/vote/poll', pollBody({ name: '保留' }))).body;
  assert.equal((await admin.post('/api/core/plugins/vote/disable')).status, 200);
  assert.equal((await admin.get('/api/vote/poll')).status, 404);
  assert.equal((await admin.get('/api/vote/public/poll/1')).status, 404);
  const boot = (await admin.get('/api/console/bootstrap')).body;
  assert.ok(!boot.menus.some((m) => m.id.startsWith('vote')));
  assert.equal((await admin.post('/api/core/plugins/vote/enable')).status, 200);
  assert.equal((await admin.get(`/api/vote/poll/${made.id}`)).body.name, '保留');
  assert.equal((await admin.post('/api/core/plugins/nothing/enable')).status, 404);
});

test('plugin settings: all or nothing, the wrong one is named', async () => {
  const url = '/api/core/plugins/vote/settings';
  const was = (await admin.get(url)).body;
  assert.equal(was.values.publish_interval_ms, 250);
  assert.ok(was.fields.find((f) => f.name === 'address_window_minutes').title.zh);
  const bad = await admin.patch(url, { address_window_minutes: 60, publish_interval_ms: 1 });
  assert.equal(bad.status, 422);
  assert.deepEqual(Object.keys(bad.body.fields), ['publish_interval_ms']);
  assert.equal((await admin.get(url)).body.values.address_window_minutes, 1440, 'nothing was stored');
  assert.equal((await admin.patch(url, { nonsense: 1 })).status, 422);
  assert.equal((await admin.patch(url, { publish_interval_ms: 300 })).body.values.publish_interval_ms, 300);
  assert.equal((await admin.patch(url, { publish_interval_ms: null })).body.values.publish_interval_ms, 250);
  assert.equal((await new Api(admin.base).get(url)).status, 401);
});

test('B-35 E-P69 bootstrap gives menus, rights and modules; each module is there', async () => {
  const boot = (await admin.get('/api/console/bootstrap')).body;
  assert.ok(boot.menus.find((m) => m.id === 'vote.poll').resource === 'vote.poll');
  assert.equal(boot.resources['vote.poll'].can.create, true);
  assert.deepEqual(boot.resources['vote.poll'].can.do.sort(), ['close', 'publish', 'reopen', 'withdraw']);
  for (const slot of boot.slots) {
    const m = await admin.fetch('GET', slot.module);
    assert.equal(m.status, 200, slot.module);
    assert.match(m.headers.get('content-type'), /javascript/);
    assert.match(m.headers.get('cache-control'), /immutable/);
  }
  assert.equal((await new Api(admin.base).get('/api/console/bootstrap')).status, 401);
});

test('lists: keyset pages with ties, filter, search, sort, capped count, bad input', async () => {
  for (let i = 0; i < 25; i++)
    assert.equal((await admin.post('/api/vote/poll', pollBody({ name: `清单 ${i % 5}` }))).status, 201);
  const filter = encodeURIComponent('name ~ "清单"');
  const seen = [];
  let after = '', pages = 0;
  do {
    const page = (await admin.get(`/api/vote/poll?limit=7&sort=name&filter=${filter}${after && `&after=${encodeURIComponent(after)}`}`)).body;
    seen.push(...page.items.map((r) => r.id));
    after = page.next;
    pages++;
  } while (after);
  assert.equal(seen.length, 25);
  assert.equal(new Set(seen).size, 25);
  assert.equal(pages, 4);
  const q = (await admin.get(`/api/vote/poll?q=${encodeURIComponent('清单')}&limit=1`)).body;
  assert.equal(q.count, 25);
  assert.equal(q.count_capped, false);
  for (const bad of ['filter=name%20%3D', 'filter=nothing%20%3D%201', 'sort=intro', 'sort=nothing', 'limit=0', 'limit=999999', 'after=junk', 'fields=secret'])
    assert.equal((await admin.get(`/api/vote/poll?${bad}`)).status, 400, bad);
  const injected = await admin.get(`/api/vote/poll?sort=${encodeURIComponent('name;drop table vote_poll')}`);
  assert.equal(injected.status, 400);
});

test('B-45 versions: If-Match, 412; history field by field; audit line; soft delete and restore', async () => {
  const made = await admin.post('/api/vote/poll', pollBody());
  const url = `/api/vote/poll/${made.body.id}`;
  const one = await admin.patch(url, { name: '改一' }, { 'if-match': made.headers.get('etag') ?? `"${made.body.version}"` });
  assert.equal(one.status, 200, JSON.stringify(one.body));
  const stale = await admin.patch(url, { name: '改二' }, { 'if-match': `"${made.body.version}"` });
  assert.equal(stale.status, 412);
  const h = (await admin.get(`${url}/history`)).body.items;
  const change = h.flatMap((x) => x.changes).find((c) => c.field === 'name');
  assert.equal(change.before, '年度评选');
  assert.equal(change.after, '改一');
  assert.equal((await admin.delete(url)).status, 204);
  assert.equal((await admin.get(url)).status, 404);
  assert.equal((await admin.post(`${url}/restore`)).status < 300, true);
  assert.equal((await admin.get(url)).status, 200);
  const audit = (await admin.get('/api/core/audit?limit=200')).body.items;
  assert.ok(audit.some((l) => l.action === 'update' && String(l.target).includes(made.body.id)));
});

test('B-38 idempotency keys: the first answer again, another body refused', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const body = pollBody({ name: '一次' });
  const [a, b] = await Promise.all([admin.post('/api/vote/poll', body, key), admin.post('/api/vote/poll', body, key)]);
  const good = [a, b].filter((r) => r.status === 201);
  assert.ok(good.length >= 1);
  const again = await admin.post('/api/vote/poll', body, key);
  assert.equal(again.status, 201);
  assert.equal(again.body.id, good[0].body.id);
  assert.equal((await admin.post('/api/vote/poll', { ...body, name: '两次' }, key)).status, 409);
});

test('files: the type is sniffed, what the field does not take is refused, ranges work', async () => {
  const liar = await admin.upload('a.png', 'image/png', Buffer.from('<html><script>alert(1)</script>'), 'vote.poll.cover');
  assert.ok([415, 422].includes(liar.status), JSON.stringify(liar.body));
  const good = await admin.upload('图.png', 'image/png', png, 'vote.poll.cover');
  assert.equal(good.status, 201);
  assert.equal(good.body.type, 'image/png');
  const file = (api, headers) => api.fetch('GET', good.body.url, { headers });
  const got = await file(admin);
  assert.equal(got.status, 200);
  assert.equal(Buffer.from(await got.arrayBuffer()).length, png.length);
  const part = await file(admin, { range: 'bytes=0-3' });
  assert.equal(part.status, 206);
  assert.ok([401, 404].includes((await file(new Api(admin.base))).status), 'not public before a page shows it');
});

test('B-38 A-OpenAPI the document is OpenAPI 3.1, valid, and says what is served', async () => {
  const doc = (await admin.get('/api/openapi.json')).body;
  assert.match(doc.openapi, /^3\.1\./);
  const result = await new Validator().validate(doc);
  assert.equal(result.valid, true, JSON.stringify(result.errors, null, 1)?.slice(0, 2000));
  for (const p of ['/api/auth/login', '/api/vote/poll', '/api/vote/poll/{id}', '/api/vote/poll/{id}/do/publish', '/api/vote/public/poll/{id}/ballots'])
    assert.ok(doc.paths[p], `describes ${p}`);
});

test('console and client are served with strict policies', async () => {
  const c = await admin.fetch('GET', '/console/');
  assert.equal(c.status, 200);
  const csp = c.headers.get('content-security-policy');
  assert.match(csp, /script-src 'self' 'sha256-/);
  assert.doesNotMatch(csp, /unsafe-eval/);
  assert.doesNotMatch(csp.match(/style-src[^;]*/)[0], /unsafe-inline/);
  const html = await c.text();
  const asset = html.match(/assets\/[^"']+\.js/)[0];
  const js = await admin.fetch('GET', `/console/${asset}`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(js.headers.get('content-encoding'), 'gzip');
  const etag = js.headers.get('etag');
  await js.arrayBuffer();
  assert.equal((await admin.fetch('GET', `/console/${asset}`, { headers: { 'if-none-match': etag } })).status, 304);
  assert.equal((await admin.fetch('GET', '/')).status, 200);
  for (const bad of ['/console/../../etc/passwd', '/console/..%2f..%2fetc/passwd', '/%2e%2e/atrium.yaml', '/.sources'])
    assert.equal((await admin.fetch('GET', bad)).status, 404, bad);
});
