// Protected fields: encrypted in the database, found by their whole value, masked on every
// path, unmasked by right and with a line in the operation log.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { Api, Atrium } from '../lib/atrium.mjs';

const phone = '13912345678', mail = 'Lena.Zhou@Example.com', card = '6222020200112233445';
const manifest = {
  'plugin.yaml': `manifest: 1
plugin: {id: club, version: 1.0.0, abi: 1, title: {zh: 俱乐部, en: Club}}
roles:
  reader: {title: {zh: 查看, en: Reader}}
  blurred: {title: {zh: 脱敏查看, en: Blurred}}
  desk: {title: {zh: 前台, en: Desk}}
`,
  'resources/person.yaml': `title: {zh: 人员, en: Person}
label: name
traits: [versioned, audited, soft_delete]
fields:
  name: {type: text, max: 40, required: true, search: true, title: {zh: 姓名, en: Name}}
  phone: {type: phone, unique: true, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 电话, en: Phone}}
  mail: {type: email, protect: {store: encrypted, show: masked, find: none}, title: {zh: 邮箱, en: E-mail}}
  card: {type: text, max: 30, protect: {store: encrypted, show: plain, find: exact}, title: {zh: 卡号, en: Card}}
  note: {type: longtext, protect: {store: encrypted, show: masked}, title: {zh: 备注, en: Note}}
  town: {type: text, max: 40, title: {zh: 城市, en: Town}}
  contacts: {type: children, of: contact, by: person, title: {zh: 联系人, en: Contacts}}
indexes: [[town], [name]]
permissions:
  reader: {read: [all], export: true}
  blurred: {read: [all], export: true, fields: {town: masked}}
  desk: {read: [all], create: true, update: [all], fields: {phone: unmasked}}
views:
  list: {columns: [name, phone, mail, town], filters: [phone, town], sort: [-created_at, town]}
`,
  'resources/contact.yaml': `title: {zh: 联系人, en: Contact}
label: id
parent: person
fields:
  person: {type: ref, to: club.person, on_delete: cascade, required: true, title: {zh: 人员, en: Person}}
  tel: {type: phone, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 电话, en: Phone}}
`,
};

let dir, atrium, admin, row;
const url = '/api/club/person';

async function staff(login, roles) {
  const password = 'Violet-Kettle-77';
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login, name: login, password });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const all = (await admin.get('/api/core/role')).body.items;
  const person = (await admin.get(`/api/core/staff/${made.body.id}`)).body;
  const set = await admin.patch(`/api/core/staff/${made.body.id}`,
    { version: person.version, roles: roles.map((code) => ({ role: all.find((r) => r.code === code).id })) });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  const api = new Api(admin.base);
  await api.login(login, password);
  return api;
}

/** Rows of the operation log about unmasking, newest first; the log is written a moment later. */
async function reveals(n) {
  for (let i = 0; i < 50; i++) {
    const lines = (await admin.get('/api/core/audit?limit=200')).body.items.filter((l) => l.action === 'reveal');
    if (lines.length >= n) return lines;
    await new Promise((ok) => setTimeout(ok, 50));
  }
  throw new Error('no line in the operation log');
}

/** A program of MariaDB's on the tenants' databases, past all rights. */
function onDatabase(program, ...args) {
  return execFileSync(program, ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium', ...args],
    { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() } });
}

before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'atrium-club-'));
  mkdirSync(path.join(dir, 'club/resources'), { recursive: true });
  for (const [name, text] of Object.entries(manifest)) writeFileSync(path.join(dir, 'club', name), text);
  atrium = await Atrium.start({ settings: `plugin_dirs: [${dir}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['club'] });
  const made = await admin.post(url, { name: '王小明', phone, mail, card, note: '只有一个人知道的秘密', town: '杭州市余杭区', contacts: [{ tel: '13700001111' }] },
    { 'idempotency-key': 'club-person-0001' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  row = made.body;
});
after(async () => { await atrium?.stop(); rmSync(dir, { recursive: true, force: true }); });

const mask = { phone: '139****5678', mail: 'L***@Example.com', note: '只****密' };

test('C-sec2 masked for everybody: answer of a write, get, list, chosen fields, children', async () => {
  for (const r of [row, (await admin.get(`${url}/${row.id}`)).body, (await admin.get(url)).body.items[0],
    (await admin.get(`${url}?fields=phone,mail,note,card`)).body.items[0], (await admin.get(`${url}?expand=contacts`)).body.items[0]]) {
    assert.equal(r.phone, mask.phone);
    assert.equal(r.mail, mask.mail);
    assert.equal(r.note, mask.note);
    assert.equal(r.card, card, 'encrypted, yet shown');
  }
  assert.equal((await admin.get(`${url}/${row.id}`)).body.contacts[0].tel, '137****1111');
  assert.equal((await admin.get(`/api/club/contact`)).body.items[0].tel, '137****1111');
  const replay = await admin.post(url, { name: '王小明', phone, mail, card, note: '只有一个人知道的秘密', town: '杭州市余杭区', contacts: [{ tel: '13700001111' }] },
    { 'idempotency-key': 'club-person-0001' });
  assert.equal(replay.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual(replay.body, row);
});

test('C-sec2 masked in export and history, also for the administrator', async () => {
  const csv = await (await admin.fetch('GET', `${url}/export?format=csv`)).text();
  assert.ok(csv.includes(mask.phone) && csv.includes(mask.mail) && csv.includes(card));
  assert.ok(!csv.includes(phone) && !csv.includes('Lena') && !csv.includes('秘密'));
  const changed = await admin.patch(`${url}/${row.id}`, { mail: 'b@c.cn', contacts: [{ id: (await admin.get(`${url}/${row.id}`)).body.contacts[0].id, tel: '13700002222' }] });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  const history = JSON.stringify((await admin.get(`${url}/${row.id}/history`)).body);
  for (const clear of [phone, mail, 'Lena', '13700001111', '13700002222', '秘密', 'v1.1.']) assert.ok(!history.includes(clear), clear);
  for (const shown of [mask.phone, 'L***@Example.com', 'b***@c.cn', '137****1111', '137****2222', card]) assert.ok(history.includes(shown), shown);
  await admin.patch(`${url}/${row.id}`, { mail });
});

test('C-sec1 found by the whole value, in any of its forms, and by nothing less', async () => {
  const found = async (filter, api = admin) => api.get(`${url}?filter=${encodeURIComponent(filter)}`);
  assert.equal((await found(`phone = "${phone}"`)).body.items.length, 1);
  assert.equal((await found(`phone = "+86${phone}"`)).body.items.length, 1, 'with the country');
  assert.equal((await found(`phone in ("13800000000", "${phone}")`)).body.items.length, 1);
  assert.equal((await found('phone = "13912345679"')).body.items.length, 0);
  assert.equal((await found(`card = "${card}"`)).body.items.length, 1);
  assert.equal((await found('phone !null')).body.items.length, 1);
  for (const f of ['phone ~ "139"', 'phone > "138"', 'phone between ("1", "2")', `mail = "${mail}"`, 'phone != "1"']) {
    const r = await found(f);
    assert.equal(r.status, 403, f);
    assert.ok(Object.keys(r.body.fields)[0] === 'phone' || Object.keys(r.body.fields)[0] === 'mail', JSON.stringify(r.body));
  }
  const plain = await found('card ~ "622"');
  assert.equal(plain.status, 400);
  assert.deepEqual(Object.keys(plain.body.fields), ['card']);
  for (const s of ['phone', '-mail']) {
    const r = await admin.get(`${url}?sort=${s}`);
    assert.equal(r.status, 403, JSON.stringify(r.body));
  }
  assert.equal((await admin.get(`${url}?sort=card`)).status, 400);
  for (const [by, status] of [['phone', 403], ['card', 400]]) {
    const r = await admin.get(`${url}/group?by=${by}`);
    assert.equal(r.status, status, JSON.stringify(r.body));
    assert.deepEqual(Object.keys(r.body.fields), [by]);
  }
  assert.equal((await admin.get(`${url}?q=9123`)).body.items.length, 0, 'the search box does not look into it');
});

test('C-sec1 unique without showing the value; a masked text that is sent back changes nothing', async () => {
  const twice = await admin.post(url, { name: '另一人', phone: `+86${phone}` });
  assert.equal(twice.status, 422);
  assert.ok(twice.body.fields.phone);
  assert.ok(!JSON.stringify(twice.body).includes('12345678'));
  const before = (await admin.get(`${url}/${row.id}`)).body;
  const same = await admin.patch(`${url}/${row.id}`, { phone: mask.phone, mail: mask.mail, note: mask.note, version: before.version });
  assert.equal(same.status, 200, JSON.stringify(same.body));
  assert.equal(same.body.version, before.version);
  const half = await admin.patch(`${url}/${row.id}`, { phone: '138****5678' });
  assert.equal(half.status, 422, 'another mask is no phone');
  const gone = await admin.post(url, { name: '走', phone: '13611112222' });
  assert.equal((await admin.delete(`${url}/${gone.body.id}`)).status, 204);
  assert.equal((await admin.post(url, { name: '来', phone: '13611112222' })).status, 201, 'free again after deletion');
});

test('C-sec2 reveal: who may gets the value and leaves a line; who may not is refused', async () => {
  const desk = await staff('desk01', ['club.desk']), reader = await staff('reader01', ['club.reader']);
  const got = await desk.post(`${url}/${row.id}/reveal`, { fields: ['phone'], reason: '回电' });
  assert.equal(got.status, 200, JSON.stringify(got.body));
  assert.deepEqual(got.body, { phone });
  const [line] = await reveals(1);
  assert.equal(line.target, `club.person/${row.id}`);
  assert.equal(line.who_name, 'desk01');
  const detail = line.detail;
  assert.deepEqual(detail, { fields: 'phone', reason: '回电' });
  assert.ok(!JSON.stringify(line.detail).includes(phone));
  const more = await desk.post(`${url}/${row.id}/reveal`, { fields: ['phone', 'mail'] });
  assert.equal(more.status, 403);
  assert.deepEqual(Object.keys(more.body.fields), ['mail']);
  assert.equal((await reader.post(`${url}/${row.id}/reveal`, { fields: ['phone'] })).status, 403);
  assert.equal((await reader.get(`${url}/${row.id}?reveal=phone`)).status, 403);
  assert.equal((await reader.get(`${url}?reveal=phone`)).status, 403);
  assert.equal((await reader.get(`${url}/export?reveal=phone`)).status, 403);
  assert.equal((await new Api(admin.base).post(`${url}/${row.id}/reveal`, { fields: ['phone'] })).status, 401);
  assert.equal((await admin.post(`${url}/${row.id}/reveal`, { fields: ['nothing'] })).status, 400);
  assert.equal((await admin.post(`${url}/999/reveal`, { fields: ['phone'] })).status, 404);
  const other = await atrium.tenant('other', { plugins: ['club'] });
  assert.equal((await other.post(`${url}/${row.id}/reveal`, { fields: ['phone'] })).status, 404);
  assert.equal((await reveals(1)).length, 1, 'refusals reveal nothing');
});

test('C-sec2 reveal= on get, list and export, with ids or filter and count in the log', async () => {
  assert.equal((await admin.get(`${url}/${row.id}?reveal=phone,mail`)).body.mail, mail);
  const list = (await admin.get(`${url}?reveal=phone&fields=phone,mail&filter=${encodeURIComponent(`phone = "${phone}"`)}`)).body;
  assert.equal(list.items[0].phone, phone);
  assert.equal(list.items[0].mail, mask.mail);
  const csv = await (await admin.fetch('GET', `${url}/export?reveal=phone`)).text();
  assert.ok(csv.includes(phone) && !csv.includes('Lena'));
  const lines = await reveals(4);
  assert.equal(lines[0].detail.rows.count, 2);
  assert.deepEqual(lines[1].detail.rows, [row.id]);
  assert.equal(lines[2].target, `club.person/${row.id}`);
  assert.ok(!JSON.stringify(lines).includes(phone));
});

test('C-sec2 a reason is asked for where the tenant wants one', async () => {
  assert.equal((await admin.patch('/api/core/plugins/core/settings', { reveal_reason: true })).status, 200);
  const none = await admin.post(`${url}/${row.id}/reveal`, { fields: ['phone'] });
  assert.equal(none.status, 422);
  assert.deepEqual(Object.keys(none.body.fields), ['reason']);
  assert.equal((await admin.get(`${url}?reveal=phone`)).status, 422);
  assert.equal((await admin.post(`${url}/${row.id}/reveal`, { fields: ['phone'], reason: '核对' })).status, 200);
  await admin.patch('/api/core/plugins/core/settings', { reveal_reason: false });
});

test('C-sec2 a mark of a role masks a plain field; another role without it lifts it', async () => {
  const blurred = await staff('blur01', ['club.blurred']), both = await staff('both01', ['club.blurred', 'club.reader']);
  const shown = (await blurred.get(`${url}/${row.id}`)).body.town;
  assert.equal(shown, '杭****区');
  for (const f of ['town = "杭州市余杭区"', 'town ~ "杭"', 'town > "a"']) {
    const r = await blurred.get(`${url}?filter=${encodeURIComponent(f)}`);
    assert.equal(r.status, 403, f);
    assert.deepEqual(Object.keys(r.body.fields), ['town']);
  }
  assert.equal((await blurred.get(`${url}?sort=town`)).status, 403);
  assert.ok(!(await (await blurred.fetch('GET', `${url}/export`)).text()).includes('余杭'));
  assert.ok(!JSON.stringify((await blurred.get(`${url}/${row.id}/history`)).body).includes('余杭'));
  assert.equal((await both.get(`${url}/${row.id}`)).body.town, '杭州市余杭区');
  const schema = (await blurred.get('/api/console/schema/club/person')).body.fields;
  assert.equal(schema.find((f) => f.name === 'town').masked, true);
  assert.equal(schema.find((f) => f.name === 'town').reveal, false);
});

test('C-sec2 B-38 the OpenAPI document has reveal for who may unmask', async () => {
  const of = async (api) => (await api.get('/api/openapi.json')).body;
  const desk = new Api(admin.base), reader = new Api(admin.base);
  await desk.login('desk01', 'Violet-Kettle-77');
  await reader.login('reader01', 'Violet-Kettle-77');
  const doc = await of(desk), path = '/api/club/person/{id}/reveal';
  assert.equal(doc.paths[path].post.requestBody.content['application/json'].schema.$ref, '#/components/schemas/Reveal');
  assert.deepEqual(doc.components.schemas.Reveal.required, ['fields']);
  assert.ok(doc.paths['/api/club/person'].get.parameters.some((p) => p.$ref === '#/components/parameters/Reveal'));
  assert.ok(doc.components.parameters.Reveal && doc.components.parameters.Reason);
  assert.equal((await of(reader)).paths[path], undefined);
  assert.ok((await of(admin)).paths['/api/core/staff/{id}/reveal']);
  assert.equal((await of(admin)).paths['/api/club/nothing/{id}/reveal'], undefined);
});

test('C-sec1 the database has no clear text: tables, history, idempotency, audit, log', () => {
  const dump = onDatabase('mariadb-dump', '--databases', 'atrium', 'atrium_t_demo', 'atrium_t_other');
  assert.ok(dump.includes('王小明'), 'the dump is one');
  for (const clear of [phone, '12345678', mail, mail.toLowerCase(), card, '只有一个人知道的秘密', '13700001111', '13700002222', '13800000001'])
    assert.ok(!dump.includes(clear), clear);
  assert.ok(!atrium.log().includes(phone));
});

test('C-sec1 sealed texts of two rows cannot be exchanged', async () => {
  const a = (await admin.post(url, { name: '甲', phone: '13511110001' })).body, b = (await admin.post(url, { name: '乙', phone: '13511110002' })).body;
  onDatabase('mariadb', 'atrium_t_demo', '-e', `UPDATE club_person a JOIN club_person b ON b.id = ${b.id} SET a.phone = b.phone WHERE a.id = ${a.id}`);
  assert.equal((await admin.get(`${url}/${a.id}`)).body.phone, null);
  assert.equal((await admin.get(`${url}/${b.id}`)).body.phone, '135****0002');
  assert.match(atrium.log(), /does not open here/);
  assert.equal((await admin.patch(`${url}/${a.id}`, { name: '丙' })).status, 500, 'nothing is written over what cannot be read');
});

test('C-sec1 staff log in by phone, and their phone and address are sealed', async () => {
  const me = (await admin.get('/api/core/staff')).body.items.find((s) => s.login === 'admin');
  assert.equal(me.phone, '138****0001');
  const a = new Api(admin.base);
  await a.post('/api/auth/code', { phone: '13800000001', purpose: 'staff' });
  const { code } = atrium.codes('13800000001')[0];
  assert.equal((await a.post('/api/auth/login', { phone: '13800000001', code })).status, 200);
  assert.equal((await new Api(admin.base).post('/api/auth/login', { login: '+8613800000001', password: admin.password })).status, 200);
});

test('manifests that search, sort or index an encrypted field do not load', () => {
  const bad = mkdtempSync(path.join(tmpdir(), 'atrium-bad-'));
  mkdirSync(path.join(bad, 'p/bad/resources'), { recursive: true });
  writeFileSync(path.join(bad, 'p/bad/plugin.yaml'), 'manifest: 1\nplugin: {id: bad, version: 1.0.0, abi: 1, title: {zh: 坏, en: Bad}}\n');
  writeFileSync(path.join(bad, 'p/bad/resources/thing.yaml'), `title: {zh: 物, en: Thing}
label: id
fields:
  a: {type: phone, search: true, protect: {store: encrypted}, title: {zh: 甲, en: A}}
  b: {type: phone, unique: true, protect: {store: encrypted}, title: {zh: 乙, en: B}}
  c: {type: int, protect: {store: encrypted}, title: {zh: 丙, en: C}}
  d: {type: text, protect: {store: encrypted, show: masked, find: exact}, title: {zh: 丁, en: D}}
  e: {type: text, protect: {store: sealed}, title: {zh: 戊, en: E}}
indexes: [[d]]
views: {list: {filters: [a], sort: [d]}}
`);
  writeFileSync(path.join(bad, 'atrium.yaml'), `state_dir: ${bad}\nplugin_dirs: [${bad}/p]\n`);
  let out = '';
  try {
    execFileSync(path.join(process.env.ATRIUM_PREFIX ?? path.resolve(import.meta.dirname, '../../build/root'), 'bin/atriumd'),
      ['--check', '--config', path.join(bad, 'atrium.yaml')], { encoding: 'utf8', stdio: 'pipe' });
  } catch (e) { out = e.stdout + e.stderr; }
  rmSync(bad, { recursive: true, force: true });
  for (const line of ['thing.yaml:4:', "a protected field cannot be searched", "an encrypted field that is unique needs 'find: exact'",
    "'protect' has no meaning for type int", "'d' is of a type that cannot be indexed", "lists cannot be sorted by 'd'",
    "'a' is protected: a filter needs 'find: exact'", "'store' must be"])
    assert.ok(out.includes(line), `${line}\n${out}`);
});
