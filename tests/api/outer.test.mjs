// Outer log-ins: OpenID Connect and WeCom, against strict stand-ins.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { Atrium, Api } from '../lib/atrium.mjs';
import { oidcStand, wecomStand } from '../stands/oidc.mjs';
import { sql } from '../lib/secrets.mjs';
import { totp } from '../lib/totp.mjs';

let atrium, admin, idp, wecom, db, provider;
before(async () => {
  [idp, wecom] = await Promise.all([oidcStand(), wecomStand()]);
  atrium = await Atrium.start({ settings: 'outer_login:\n  allow_private: true\n  allow_http: true\n' });
  admin = await atrium.tenant('demo');
  [[db]] = sql(atrium, "SELECT db_name FROM tenant WHERE slug = 'demo'");
  const made = await admin.post('/api/core/login_provider', { code: 'corp', name: '统一身份', kind: 'oidc', enabled: true, issuer: idp.issuer, client_id: idp.clientId });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  provider = made.body.id;
  assert.equal((await admin.post('/api/auth/outer/corp/secret', { secret: idp.secret })).status, 204);
});
after(async () => { await atrium?.stop(); await idp?.stop(); await wecom?.stop(); });
beforeEach(() => Object.assign(idp, { claims: {}, header: {}, tamper: null, failToken: 0, user: { sub: 'sub-1', name: '外部用户', email: 'ext@example.com', email_verified: true, preferred_username: 'ext' } }));

const set = async (values, id = provider) => {
  const r = await admin.patch(`/api/core/login_provider/${id}`, values);
  assert.equal(r.status, 200, JSON.stringify(r.body));
};
/** Goes there and back as a browser does; resolves where it ends and the Api with its cookies. */
async function round(api = new Api(admin.base), { code = 'corp', body = {}, alter = (u) => u } = {}) {
  const begun = await api.post(`/api/auth/outer/${code}/start`, body);
  assert.equal(begun.status, 200, JSON.stringify(begun.body));
  const there = await fetch(begun.body.url, { redirect: 'manual' });
  assert.equal(there.status, 302, await there.text());
  const back = alter(new URL(there.headers.get('location')));
  const res = await api.fetch('GET', back.pathname.replace('/t/demo', '') + back.search);
  assert.equal(res.status, 302, await res.text());
  return { to: res.headers.get('location').replace('/t/demo/console/#', ''), api, back };
}
const kind = async (api) => (await api.get('/api/core/session')).body;
async function staff(login) {
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login, name: login });
  const api = new Api(admin.base);
  assert.equal((await api.post('/api/auth/login', { login, password: made.body.password })).status, 200);
  return Object.assign(api, { id: made.body.id, password: made.body.password });
}

test('E-2.4.1 the log-in page is told which there are; secrets are set by administrators and shown to nobody', async () => {
  const list = (await new Api(admin.base).get('/api/auth/outer')).body;
  assert.deepEqual(list, [{ code: 'corp', name: '统一身份', kind: 'oidc' }]);
  assert.equal((await admin.get('/api/auth/outer')).body[0].has_secret, true);
  const anna = await staff('anna');
  assert.equal((await anna.post('/api/auth/outer/corp/secret', { secret: 'x' })).status, 403);
  assert.equal((await new Api(admin.base).post('/api/auth/outer/corp/secret', { secret: 'x' })).status, 401);
  assert.ok([403, 404].includes((await anna.get('/api/core/login_provider')).status));
  assert.equal(JSON.stringify((await admin.get(`/api/core/login_provider/${provider}`)).body).includes(idp.secret), false);
  assert.equal(sql(atrium, 'SELECT secret FROM core_provider_secret', db)[0][0].includes(idp.secret), false, 'sealed');
});

test('E-3.2g E-3.2h a subject nobody linked is refused; linked from the own account it logs in', async () => {
  const stranger = await round();
  assert.equal(stranger.to, '/login?error=auth.outer_unknown');
  assert.equal((await kind(stranger.api)).kind, 'anon');
  const bea = await staff('bea');
  assert.equal((await round(bea, { body: { link: true, back: '/me' } })).to, '/me');
  const ids = (await bea.get('/api/auth/me')).body.identities;
  assert.equal(ids[0].provider, 'corp');
  const in1 = await round(undefined, { body: { back: '/r/core/dept' } });
  assert.equal(in1.to, '/r/core/dept');
  assert.equal((await kind(in1.api)).user.id, bea.id);
  assert.equal((await round(undefined, { body: { back: '//evil.example' } })).to, '/');
  const cid = await staff('cid');
  assert.match((await round(cid, { body: { link: true } })).to, /error=auth.outer_taken/);
  assert.equal((await cid.delete(`/api/auth/me/identities/${ids[0].id}`)).status, 404, "not another's");
  assert.equal((await new Api(admin.base).post('/api/auth/outer/corp/start', { link: true })).status, 401);
});

test('E-2.4.1 RS256, ES256, EdDSA; keys that rotate are fetched anew', async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256']) {
    idp.rotate(alg);
    const r = await round();
    assert.equal((await kind(r.api)).kind, 'staff', alg);
  }
});

test('E-2.4.1 what is not right is refused: state, browser, replay, nonce, claims, algorithms, keys', async () => {
  const refused = async (why, alter, options) => {
    Object.assign(idp, alter);
    const r = await round(undefined, options);
    assert.match(r.to, /^\/login\?error=/, why);
    assert.equal((await kind(r.api)).kind, 'anon', why);
    Object.assign(idp, { claims: {}, header: {}, tamper: null, failToken: 0 });
  };
  const now = Math.floor(Date.now() / 1000);
  const part = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
  await refused('another issuer', { claims: { iss: 'https://evil.example' } });
  await refused('another audience', { claims: { aud: 'somebody' } });
  await refused('two audiences, no azp', { claims: { aud: ['atrium', 'x'] } });
  await refused('another azp', { claims: { azp: 'somebody' } });
  await refused('expired', { claims: { exp: now - 600 } });
  await refused('from the future', { claims: { iat: now + 3600 } });
  await refused('another nonce', { claims: { nonce: 'x' } });
  await refused('no subject', { claims: { sub: '' } });
  await refused('unknown key', { header: { kid: 'nobody' } });
  await refused('none', { tamper: (t, c) => `${part({ alg: 'none' })}.${part(c)}.` });
  await refused('a public key is no HMAC secret', { tamper: (t, c) => {
    const text = `${part({ alg: 'HS256', kid: idp.current.kid })}.${part(c)}`;
    const pem = createPublicKey(idp.current.publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'pem' });
    return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
  } });
  await refused('altered', { tamper: (t, c) => { const [h, , s] = t.split('.'); return `${h}.${part({ ...c, sub: 'admin' })}.${s}`; } });
  await refused('another kind of key', { header: { alg: 'ES256' } });
  await refused('their failure', { failToken: 500 });
  await refused('another state', {}, { alter: (u) => { u.searchParams.set('state', 'x'.repeat(43)); return u; } });
  await refused('another code', {}, { alter: (u) => { u.searchParams.set('code', 'x'); return u; } });
  // another browser brings the address back
  const api = new Api(admin.base);
  const begun = await api.post('/api/auth/outer/corp/start', {});
  const there = await fetch(begun.body.url, { redirect: 'manual' });
  const back = new URL(there.headers.get('location'));
  const other = new Api(admin.base);
  assert.match((await other.fetch('GET', back.pathname.replace('/t/demo', '') + back.search)).headers.get('location'), /error=auth.ticket/);
  // and twice
  const ok = await round();
  const again = await ok.api.fetch('GET', ok.back.pathname.replace('/t/demo', '') + ok.back.search);
  assert.match(again.headers.get('location'), /error=/);
  assert.equal((await new Api(admin.base).post('/api/auth/outer/nobody/start', {})).status, 404);
});

test('E-2.4.1 matching by verified e-mail, making staff with a role, never an administrator', async () => {
  const dan = await staff('dan');
  assert.equal((await dan.patch('/api/auth/me', { email: 'dan@example.com' })).status, 204);
  await set({ match: 'email' });
  idp.user = { sub: 'sub-dan', name: '丹', email: 'dan@example.com', email_verified: false };
  assert.match((await round()).to, /outer_unknown/, 'an address that is not verified says nothing');
  idp.user.email_verified = true;
  assert.equal((await kind((await round()).api)).user.id, dan.id);
  const roles = (await admin.get('/api/core/role')).body.items;
  await set({ match: 'none', create_staff: true, role: roles.find((r) => r.code === 'admin').id });
  idp.user = { sub: 'sub-new', name: '新人', preferred_username: 'newcomer' };
  const made = await kind((await round()).api);
  assert.equal(made.user.name, '新人');
  assert.equal(made.admin, false);
  assert.equal((await kind((await round()).api)).user.id, made.user.id, 'the same one next time');
  await set({ create_staff: false });
});

test('A-3.1.1 the second factor is asked for after an outer log-in, unless theirs is trusted', async () => {
  const bea = (await round()).api;
  const { password } = (await admin.post(`/api/auth/staff/${(await kind(bea)).user.id}/password`)).body;
  const again = (await round()).api;
  const { secret } = (await again.post('/api/auth/totp/begin', { password })).body;
  assert.equal((await again.post('/api/auth/totp/confirm', { code: totp(secret, -1) })).status, 200);
  const r = await round();
  const ticket = new URLSearchParams(r.to.split('?')[1]).get('ticket');
  assert.ok(ticket, r.to);
  assert.equal((await kind(r.api)).kind, 'anon');
  assert.equal((await r.api.post('/api/auth/login/step', { ticket })).body.step, 'totp');
  assert.equal((await r.api.post('/api/auth/login/totp', { ticket, code: totp(secret) })).status, 200);
  await set({ trust_factor: true });
  assert.equal((await kind((await round()).api)).kind, 'staff');
  await set({ trust_factor: false });
});

test('E-3.2g WeCom: scan, code, whose it is; expired token asked anew; a customer is no staff', async () => {
  const made = await admin.post('/api/core/login_provider', { code: 'wecom', name: '企业微信', kind: 'wecom', enabled: true, issuer: wecom.base, client_id: wecom.corp, agent_id: wecom.agent, authorize_url: `${wecom.base}/scan`, match: 'login' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.match((await round(undefined, { code: 'wecom' })).to, /error=auth.outer$/, 'without its secret');
  await admin.post('/api/auth/outer/wecom/secret', { secret: wecom.secret });
  const zhang = await staff('ZhangSan');
  const r = await round(undefined, { code: 'wecom' });
  assert.equal((await kind(r.api)).user.id, zhang.id);
  const asked = wecom.gettoken;
  assert.equal((await kind((await round(undefined, { code: 'wecom' })).api)).kind, 'staff');
  assert.equal(wecom.gettoken, asked, 'the token is kept');
  wecom.expireOnce = true;
  assert.equal((await kind((await round(undefined, { code: 'wecom' })).api)).kind, 'staff');
  assert.equal(wecom.gettoken, asked + 1);
  wecom.userid = null;
  assert.match((await round(undefined, { code: 'wecom' })).to, /error=auth.outer/);
});

test('a provider that is off or away says so and lets nobody in', async () => {
  await set({ enabled: false });
  assert.equal((await new Api(admin.base).post('/api/auth/outer/corp/start', {})).status, 404);
  const away = await admin.post('/api/core/login_provider', { code: 'away', name: '离线', kind: 'oidc', enabled: true, issuer: 'http://127.0.0.1:9', client_id: 'x' });
  assert.equal(away.status, 201);
  const r = await new Api(admin.base).post('/api/auth/outer/away/start', {});
  assert.equal(r.status, 502);
  assert.equal(r.body.code, 'auth.outer_away');
});
