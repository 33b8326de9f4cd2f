// Logging in: steps, second factor, captcha, password policy, own profile, sessions,
// devices.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api } from '../lib/atrium.mjs';
import { totp } from '../lib/totp.mjs';
import { captchaAnswer, sql } from '../lib/secrets.mjs';

let atrium, admin, db;
const LONG = { settings: 'session:\n  lock_after: 50\n' };
before(async () => {
  atrium = await Atrium.start(LONG);
  admin = await atrium.tenant('demo');
  [[db]] = sql(atrium, "SELECT db_name FROM tenant WHERE slug = 'demo'");
});
// All tests come from one address: its failures of one test must not lock the next.
beforeEach(() => sql(atrium, 'DELETE FROM core_lockout', db));
after(() => atrium?.stop());

const settings = async (values) => {
  const r = await admin.patch('/api/core/plugins/core/settings', values);
  assert.equal(r.status, 200, JSON.stringify(r.body));
};
async function staff(login, over = {}) {
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login, name: login, ...over });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const api = new Api(admin.base);
  await api.login(login, made.body.password);
  api.id = made.body.id;
  api.password = made.body.password;
  return api;
}
const enter = (login, password, headers, more) => new Api(admin.base).post('/api/auth/login', { login, password, ...more }, headers);
async function audited(filter) {
  for (let i = 0; i < 40; i++) {
    const r = await admin.get(`/api/core/audit?limit=5&filter=${encodeURIComponent(filter)}`);
    assert.equal(r.status, 200, JSON.stringify(r.body));
    if (r.body.items.length) return r.body.items;
    await sleep(50);
  }
  return [];
}

test('the rules are settings of the core: administrators only, bad ones are named', async () => {
  const r = await admin.get('/api/core/plugins/core/settings');
  assert.equal(r.body.values.password_min, 10);
  const bad = await admin.patch('/api/core/plugins/core/settings', { audit_days: 30, password_min: 3 });
  assert.equal(bad.status, 422);
  assert.deepEqual(Object.keys(bad.body.fields).sort(), ['audit_days', 'password_min']);
  const anna = await staff('plain');
  assert.equal((await anna.get('/api/core/plugins/core/settings')).status, 403);
  assert.equal((await anna.anonymous().patch('/api/core/plugins/core/settings', {})).status, 401);
});

test('A-2.4.1b own profile: name, e-mail, login with the password, and nothing else', async () => {
  const anna = await staff('anna');
  const me = (await anna.get('/api/auth/me')).body;
  assert.equal(me.login, 'anna');
  assert.equal(me.totp.enrolled, false);
  assert.equal((await anna.patch('/api/auth/me', { name: '安娜', email: 'anna@example.com' })).status, 204);
  assert.equal((await anna.get('/api/auth/me')).body.name, '安娜');
  assert.deepEqual((await anna.patch('/api/auth/me', { login: 'anna2' })).body.fields.password !== undefined, true);
  assert.equal((await anna.patch('/api/auth/me', { login: 'anna2', password: 'wrong-One-1' })).status, 422);
  assert.equal((await anna.patch('/api/auth/me', { login: 'admin', password: anna.password })).status, 422, 'taken');
  assert.equal((await anna.patch('/api/auth/me', { login: 'anna2', password: anna.password })).status, 204);
  assert.equal((await enter('anna2', anna.password)).status, 200);
  for (const field of ['roles', 'state', 'department', 'phone']) {
    const r = await anna.patch('/api/auth/me', { [field]: '1' });
    assert.equal(r.status, 422, field);
    assert.ok(r.body.fields[field], field);
  }
  assert.equal((await anna.anonymous().get('/api/auth/me')).status, 401);
  const history = (await admin.get(`/api/core/staff/${anna.id}/history`)).body.items;
  assert.equal(history[0].who.id, anna.id, 'written in the own name');
});

test('A-2.4.1b the phone is rebound with the password and a code to the new phone', async () => {
  const bob = await staff('bob', { phone: '13800000010' });
  assert.equal((await bob.post('/api/auth/me/phone/code', { phone: '13800000011' })).status, 202);
  const { code } = atrium.codes('13800000011')[0];
  const body = { phone: '13800000011', code, password: bob.password };
  assert.equal((await bob.post('/api/auth/me/phone', { ...body, password: 'not-Mine-1' })).status, 422);
  assert.equal((await bob.post('/api/auth/me/phone', { ...body, code: code === '000000' ? '111111' : '000000' })).status, 422);
  assert.equal((await bob.post('/api/auth/me/phone', body)).status, 204);
  assert.equal((await bob.post('/api/auth/me/phone', body)).status, 422, 'a code works once');
  assert.match((await bob.get('/api/auth/me')).body.phone, /^138\*{4}0011$/);
  // a code for rebinding is no code for logging in
  assert.equal((await bob.post('/api/auth/me/phone/code', { phone: '13800000012' })).status, 202);
  const other = atrium.codes('13800000012')[0].code;
  assert.equal((await new Api(admin.base).post('/api/auth/login', { phone: '13800000012', code: other })).status, 401);
});

test('A-3.1.1 E-3.1d a second factor: enrol, two steps, once, recovery codes, remove', async () => {
  const carl = await staff('carl');
  assert.equal((await carl.post('/api/auth/totp/begin', { password: 'Wrong-one-1' })).status, 422);
  const begun = await carl.post('/api/auth/totp/begin', { password: carl.password });
  assert.equal(begun.status, 200);
  assert.match(begun.body.uri, /^otpauth:\/\/totp\//);
  assert.match(begun.body.qr, /^data:image\/svg\+xml;base64,/);
  const { secret } = begun.body;
  assert.equal((await enter('carl', carl.password)).body.token?.length, 43, 'not in force before it is confirmed');
  const first = totp(secret);
  const done = await carl.post('/api/auth/totp/confirm', { code: first });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  assert.equal(new Set(done.body.recovery_codes).size, 10);

  const one = await enter('carl', carl.password);
  assert.equal(one.status, 200);
  assert.equal(one.body.step, 'totp');
  assert.equal(one.body.token, undefined);
  assert.equal(one.headers.getSetCookie().some((c) => /atrium_s=[^;]/.test(c)), false);
  const anon = new Api(admin.base);
  const replay = await anon.post('/api/auth/login/totp', { ticket: one.body.ticket, code: first });
  assert.equal(replay.status, 401, 'a code serves once');
  const two = await anon.post('/api/auth/login/totp', { ticket: one.body.ticket, code: totp(secret, 1) });
  assert.equal(two.status, 200, JSON.stringify(two.body));
  assert.equal(two.body.token.length, 43);
  assert.equal((await anon.post('/api/auth/login/totp', { ticket: one.body.ticket, code: totp(secret, 1) })).status, 401, 'so does a ticket');

  const again = (await enter('carl', carl.password)).body.ticket;
  const recovery = done.body.recovery_codes[3];
  assert.equal((await new Api(admin.base).post('/api/auth/login/totp', { ticket: again, code: recovery })).status, 200);
  const third = (await enter('carl', carl.password)).body.ticket;
  assert.equal((await new Api(admin.base).post('/api/auth/login/totp', { ticket: third, code: recovery })).status, 401);
  assert.equal((await carl.get('/api/auth/me')).body.totp.recovery_left, 9);

  // secrets are sealed and hashed in the database
  const [[sealed]] = sql(atrium, `SELECT secret FROM core_totp WHERE staff = ${carl.id}`, db);
  assert.equal(sealed.includes(secret), false);
  assert.ok((await audited('action = "login" and ok = false')).some((l) => l.result === 'totp' && l.who === carl.id));

  // lost: an administrator takes it away; others may not
  assert.equal((await carl.post(`/api/auth/staff/${carl.id}/totp/reset`)).status, 403);
  assert.equal((await admin.post(`/api/auth/staff/${carl.id}/totp/reset`)).status, 204);
  assert.equal((await enter('carl', carl.password)).body.token?.length, 43);
});

test('A-3.1.1 where it is required, the next log-in enrols; it cannot be removed', async () => {
  const dora = await staff('dora', { admin: true });
  await settings({ totp: 'admins' });
  try {
    const one = (await enter('dora', dora.password)).body;
    assert.equal(one.step, 'enrol');
    const anon = new Api(admin.base);
    assert.equal((await anon.post('/api/auth/login/totp', { ticket: one.ticket, code: '000000' })).status, 401);
    const two = await anon.post('/api/auth/login/totp', { ticket: one.ticket, code: totp(one.secret) });
    assert.equal(two.status, 200, JSON.stringify(two.body));
    assert.equal(two.body.recovery_codes.length, 10);
    const api = new Api(admin.base).as(two.body.token);
    const no = await api.post('/api/auth/totp/remove', { code: totp(one.secret, 1) });
    assert.equal(no.status, 409);
    assert.equal((await enter('plain', 'Wrong-one-1')).status, 401, 'others are not asked');
  } finally { await settings({ totp: null }); }
});

test('a stolen ticket bears few tries, and guessing codes locks', async () => {
  const eve = await staff('eve');
  const { secret } = (await eve.post('/api/auth/totp/begin', { password: eve.password })).body;
  await eve.post('/api/auth/totp/confirm', { code: totp(secret, -1) });
  const { ticket } = (await enter('eve', eve.password)).body;
  const answers = [];
  for (let i = 0; i < 12; i++) answers.push((await new Api(admin.base).post('/api/auth/login/totp', { ticket, code: '123456' })).body.code);
  assert.equal(answers[0], 'auth.factor');
  assert.equal(answers.at(-1), 'auth.ticket');
  const right = await new Api(admin.base).post('/api/auth/login/totp', { ticket, code: totp(secret, 1) });
  assert.equal(right.status, 401);
});

test('A-3.1.1 password policy: length, kinds, history; age asks for a new one at the log-in', async () => {
  const fay = await staff('fay');
  const change = (old, now) => fay.post('/api/auth/password', { old, new: now });
  assert.equal((await change(fay.password, 'Short-1a')).body.fields.new !== undefined, true);
  await settings({ password_min: 14, password_kinds: 4, password_history: 3 });
  assert.match((await change(fay.password, 'River7stone9')).body.fields.new, /14/);
  assert.match((await change(fay.password, 'River7stone9River')).body.fields.new, /4/);
  assert.equal((await change(fay.password, 'River7stone9-one')).status, 204);
  assert.equal((await change('River7stone9-one', 'River7stone9-two')).status, 204);
  const used = await change('River7stone9-two', 'River7stone9-one');
  assert.equal(used.status, 422);
  assert.match(used.body.fields.new, /3/);
  sql(atrium, `UPDATE core_staff_secret SET changed_at = changed_at - INTERVAL 91 DAY WHERE staff = ${fay.id}`, db);
  await settings({ password_days: 90 });
  const one = (await enter('fay', 'River7stone9-two')).body;
  assert.equal(one.step, 'password');
  const anon = new Api(admin.base);
  assert.equal((await anon.post('/api/auth/login/password', { ticket: one.ticket, new: 'River7stone9-two' })).status, 422);
  const two = await anon.post('/api/auth/login/password', { ticket: one.ticket, new: 'River7stone9-three' });
  assert.equal(two.status, 200, JSON.stringify(two.body));
  assert.equal(two.body.token.length, 43);
  await settings({ password_days: null, password_min: null, password_kinds: null, password_history: null, password_first: true });
  const reset = (await admin.post(`/api/auth/staff/${fay.id}/password`)).body.password;
  assert.equal((await enter('fay', reset)).body.step, 'password');
  await settings({ password_first: null });
});

test('A-3.1.1 a captcha after failures: once, for the same address, not without it', async () => {
  const gus = await staff('gus');
  await settings({ captcha_after: 2 });
  const ask = async () => (await new Api(admin.base).get('/api/auth/captcha?login=gus')).body;
  assert.equal((await ask()).required, false);
  for (let i = 0; i < 2; i++) assert.equal((await enter('gus', 'Wrong-one-1')).status, 401);
  const none = await enter('gus', gus.password);
  assert.equal(none.status, 422, 'even the right password');
  assert.ok(none.body.fields.captcha);
  const c = await ask();
  assert.match(c.image, /^data:image\/png;base64,/);
  const bytes = Buffer.from(c.image.split(',')[1], 'base64');
  assert.deepEqual([...bytes.subarray(1, 4)], [0x50, 0x4e, 0x47]);
  const wrong = await enter('gus', gus.password, {}, { captcha: { id: c.id, answer: 'OOOOO' } });
  assert.equal(wrong.status, 422);
  const right = captchaAnswer.bind(null, atrium, 'demo');
  assert.throws(() => right(c.id), 'it has served');
  const c2 = await ask();
  const elsewhere = await ask();
  sql(atrium, `UPDATE core_ticket SET address = '203.0.113.9' WHERE token_hash = SHA2('${elsewhere.id}', 256)`, db);
  assert.equal((await enter('gus', gus.password, {}, { captcha: { id: elsewhere.id, answer: right(elsewhere.id) } })).status, 422, "another's picture");
  const ok = await enter('gus', gus.password, {}, { captcha: { id: c2.id, answer: right(c2.id).toLowerCase() } });
  assert.equal(ok.status, 200, JSON.stringify(ok.body));
  await settings({ captcha_after: null, captcha_codes: true });
  assert.equal((await new Api(admin.base).post('/api/auth/code', { phone: '13800000077', purpose: 'member' })).status, 422);
  const sms = (await new Api(admin.base).get('/api/auth/captcha?for=code')).body;
  assert.equal((await new Api(admin.base).post('/api/auth/code', { phone: '13800000077', purpose: 'member', captcha: { id: sms.id, answer: right(sms.id) } })).status, 202);
  await settings({ captcha_codes: null });
});

test('E-P72 devices: registered and approved by an administrator, freezing ends sessions at once', async () => {
  const hal = await staff('hal');
  const mobile = { 'x-atrium-client': 'h5', 'x-atrium-device': 'device-of-hal-1' };
  assert.equal((await enter('hal', hal.password, mobile)).status, 200, 'not asked for yet');
  await settings({ devices: 'all' });
  const missing = await enter('hal', hal.password, { 'x-atrium-client': 'app' });
  assert.equal(missing.status, 422);
  const first = await enter('hal', hal.password, mobile);
  assert.equal(first.status, 403);
  assert.equal(first.body.code, 'auth.device_pending');
  // what a client says of itself lets nobody in
  for (const said of [{}, { 'x-atrium-client': 'pc' }, { 'x-atrium-client': 'api' }, { 'x-atrium-client': 'toaster' }])
    assert.equal((await enter('hal', hal.password, said)).status, 422, JSON.stringify(said));
  assert.equal((await enter('hal', hal.password, { origin: 'https://evil.example' })).status, 403);
  const origin = new URL(admin.base).origin;
  assert.equal((await enter('hal', hal.password, { 'x-atrium-client': 'h5', origin })).status, 422, 'a mobile client in a browser');
  // the web console: by its cookie alone
  const web = new Api(admin.base);
  const there = await web.post('/api/auth/login', { login: 'hal', password: hal.password }, { origin });
  assert.equal(there.status, 200);
  assert.equal(there.body.token, undefined);
  assert.equal((await web.get('/api/core/session')).body.kind, 'staff');
  assert.equal((await hal.as(web.cookies.get('atrium_s')).get('/api/core/session')).status, 401, 'carried elsewhere it is nothing');
  const list = (await admin.get('/api/core/device')).body.items;
  assert.equal(list.length, 1);
  const desktop = { 'x-atrium-client': 'pc', 'x-atrium-device': 'desktop-of-hal' };
  assert.equal((await enter('hal', hal.password, desktop)).body.code, 'auth.device_pending', 'a registered computer is one too');
  assert.equal(list[0].state, 'pending');
  assert.ok([403, 404].includes((await hal.post(`/api/core/device/${list[0].id}/do/approve`)).status), 'not by himself');
  assert.equal((await admin.post(`/api/core/device/${list[0].id}/do/approve`)).status, 200);
  const two = await enter('hal', hal.password, mobile);
  assert.equal(two.status, 200);
  const phone = hal.as(two.body.token);
  assert.equal((await phone.get('/api/core/session')).body.kind, 'staff');
  assert.equal((await admin.post(`/api/core/device/${list[0].id}/do/freeze`)).status, 200);
  assert.equal((await phone.get('/api/core/session')).status, 401, 'at once');
  assert.equal((await enter('hal', hal.password, mobile)).body.code, 'auth.device_frozen');
  assert.equal((await hal.get('/api/core/session')).body.kind, 'staff', 'other sessions stay');
  await settings({ devices: 'roles' });
  assert.equal((await enter('hal', hal.password)).status, 200, 'no role of his asks for it');
  const role = (await admin.post('/api/core/role', { code: 'seller', name: '销售', device_required: true })).body;
  assert.equal((await admin.patch(`/api/core/staff/${hal.id}`, { roles: [{ role: role.id }] })).status, 200);
  assert.equal((await enter('hal', hal.password, { 'x-atrium-client': 'pc' })).status, 422);
  await settings({ devices: null });
  assert.equal((await enter('hal', hal.password, mobile)).status, 403, 'frozen stays frozen');
});

test('sessions: own list, kick-out at once, by administrators too, nobody else', async () => {
  const ida = await staff('ida');
  const second = new Api(admin.base);
  await second.login('ida', ida.password);
  const own = (await ida.get('/api/auth/me/sessions')).body.items;
  assert.equal(own.length, 2);
  assert.equal(own.filter((s) => s.current).length, 1);
  assert.equal(JSON.stringify(own).includes('hash'), false);
  const other = own.find((s) => !s.current);
  assert.equal((await admin.delete(`/api/auth/me/sessions/${other.id}`)).status, 404, "own means one's own");
  assert.equal((await ida.delete(`/api/auth/me/sessions/${other.id}`)).status, 204);
  assert.equal((await second.get('/api/core/session')).status, 401);
  assert.equal((await ida.get('/api/auth/sessions')).status, 403);
  assert.equal((await ida.anonymous().get('/api/auth/sessions')).status, 401);
  const all = (await admin.get(`/api/auth/sessions?staff=${ida.id}`)).body.items;
  assert.equal(all.length, 1);
  assert.equal(all[0].who.login, 'ida');
  assert.equal((await ida.delete(`/api/auth/sessions/${all[0].id}`)).status, 403);
  assert.equal((await admin.delete(`/api/auth/sessions/${all[0].id}`)).status, 204);
  assert.equal((await ida.get('/api/core/session')).status, 401);
  assert.ok((await audited(`action = "session_end"`)).length >= 1);
  const page = (await admin.get('/api/auth/sessions?limit=2')).body;
  assert.equal(page.items.length, 2);
  const rest = (await admin.get(`/api/auth/sessions?limit=2&after=${page.next}`)).body;
  assert.equal(rest.items.some((s) => page.items.some((p) => p.id === s.id)), false);
});

test("another tenant's administrator ends no session here and sees none", async () => {
  const other = await atrium.tenant('other');
  const mine = (await admin.get('/api/auth/sessions')).body.items;
  assert.equal((await other.delete(`/api/auth/sessions/${mine[0].id}`)).status, 404);
  const theirs = (await other.get('/api/auth/sessions')).body.items;
  assert.equal(theirs.some((s) => mine.some((m) => m.id === s.id)), false);
});

test('A-3.1.1 session time-outs are settings', async () => {
  const joe = await staff('joe');
  await settings({ idle_minutes: 1 });
  assert.equal((await joe.get('/api/core/session')).body.kind, 'staff');
  sql(atrium, `UPDATE core_session SET last_seen = last_seen - INTERVAL 2 MINUTE WHERE staff = ${joe.id}`, db);
  await settings({ idle_minutes: 30 });
  await settings({ session_hours: 1, idle_minutes: null });
  const token = (await enter('joe', joe.password)).body;
  const hours = (Date.parse(token.expires_at) - Date.now()) / 3600_000;
  assert.ok(hours > 0.98 && hours <= 1.01, String(hours));
  await settings({ session_hours: null });
});

test('D-9d there is no account but those somebody made, and none with a known password', async () => {
  const fresh = await atrium.operator('POST', '/operator/tenants', { slug: 'fresh', name: 'F', admin: 'boss', admin_name: 'B', phone: '13800000099' });
  assert.ok(fresh.body.password.length >= 16);
  const [[fdb]] = sql(atrium, "SELECT db_name FROM tenant WHERE slug = 'fresh'");
  assert.deepEqual(sql(atrium, 'SELECT login FROM core_staff', fdb), [['boss']]);
  for (const [login, password] of [['admin', 'admin'], ['boss', 'boss'], ['root', ''], ['admin', 'Admin@123456']]) {
    const r = await fetch(`${atrium.base}/t/fresh/api/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ login, password }) });
    assert.notEqual(r.status, 200);
  }
});

test('generated passwords keep to the rules of the tenant', async () => {
  const kim = await staff('kim');
  await settings({ password_min: 30, password_kinds: 4 });
  try {
    const { body } = await admin.post(`/api/auth/staff/${kim.id}/password`);
    assert.ok(body.password.length >= 30, body.password);
    for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]) assert.match(body.password, kind);
    assert.equal((await enter('kim', body.password)).status, 200);
    const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'kim2', name: 'kim2' });
    assert.ok(made.body.password.length >= 30);
  } finally { await settings({ password_min: null, password_kinds: null }); }
});

test('A-2.4.1b who has only a second factor proves himself by it: login name, phone, a first password', async () => {
  const lou = await staff('lou');
  const { body: { secret } } = await lou.post('/api/auth/totp/begin', { password: lou.password });
  assert.equal((await lou.post('/api/auth/totp/confirm', { code: totp(secret, -1) })).status, 200);
  sql(atrium, `DELETE FROM core_staff_secret WHERE staff = ${lou.id}`, db);
  assert.equal((await lou.get('/api/auth/me')).body.has_password, false);
  const bare = await lou.patch('/api/auth/me', { login: 'lou2' });
  assert.equal(bare.status, 422);
  assert.ok(bare.body.fields.totp);
  assert.equal((await lou.patch('/api/auth/me', { login: 'lou2', totp: '000000' })).status, 422);
  assert.equal((await lou.patch('/api/auth/me', { login: 'lou2', totp: totp(secret) })).status, 204);
  const first = await lou.post('/api/auth/password', { new: 'Meadow7lark9' });
  assert.equal(first.status, 422, 'an open screen sets no password');
  assert.ok(first.body.fields.totp);
  assert.equal((await lou.post('/api/auth/me/phone/code', { phone: '13800000178' })).status, 202);
  let code;
  for (let i = 0; i < 300 && !(code = atrium.codes('13800000178')[0]?.code); i++) await sleep(30);
  assert.ok(code, 'the code was sent');
  const rebind = await lou.post('/api/auth/me/phone', { phone: '13800000178', code, totp: totp(secret, 1) });
  assert.equal(rebind.status, 204, JSON.stringify(rebind.body));
});
