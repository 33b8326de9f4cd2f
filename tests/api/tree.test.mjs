// Trees: the closure table follows each change, circles are refused, branches are asked for.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Atrium, top } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
});
after(() => atrium?.stop());

const make = async (url, body) => {
  const r = await admin.post(url, body);
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body.id;
};
const names = async (url, filter) => {
  const r = await admin.get(`${url}?filter=${encodeURIComponent(filter)}&sort=name&limit=100`);
  assert.equal(r.status, 200, JSON.stringify(r.body));
  return r.body.items.map((x) => x.name).join(' ');
};

test('a tree of rows: branches, moves, circles, deletion', async () => {
  const url = '/api/kit/place';
  const root = await make(url, { name: 'a' });
  const b = await make(url, { name: 'b', parent: root });
  const c = await make(url, { name: 'c', parent: b });
  const d = await make(url, { name: 'd', parent: c });
  const other = await make(url, { name: 'z' });
  assert.equal(await names(url, `id under "${root}"`), 'a b c d');
  assert.equal(await names(url, `parent under "${root}"`), 'b c d', 'what is below, without the root');
  assert.equal(await names(url, `id under "${c}"`), 'c d');

  // A branch moves as a whole.
  assert.equal((await admin.patch(`${url}/${c}`, { parent: other })).status, 200);
  assert.equal(await names(url, `id under "${root}"`), 'a b');
  assert.equal(await names(url, `id under "${other}"`), 'c d z');
  assert.equal((await admin.patch(`${url}/${c}`, { parent: null })).status, 200);
  assert.equal(await names(url, `id under "${other}"`), 'z');
  assert.equal(await names(url, `id under "${c}"`), 'c d');

  // No circle, told at the field, in both languages.
  for (const [lang, text] of [['zh-CN', /下级/], ['en', /below itself/]]) {
    const r = await admin.fetch('PATCH', `${url}/${c}`, { body: { parent: d }, headers: { 'accept-language': lang } });
    assert.equal(r.status, 422);
    assert.match((await r.json()).fields.parent, text);
  }
  assert.equal((await admin.patch(`${url}/${c}`, { parent: c })).status, 422, 'not below itself');
  assert.equal(await names(url, `id under "${c}"`), 'c d', 'a refused move changes nothing');

  assert.equal((await admin.delete(`${url}/${c}`)).status, 409, 'it has rows below it');
  assert.equal((await admin.delete(`${url}/${d}`)).status, 204);
  assert.equal((await admin.delete(`${url}/${c}`)).status, 204);
  assert.equal(await names(url, `id under "${c}"`), '');
});

test('two moves at once close no circle', async () => {
  const url = '/api/kit/place';
  for (let i = 0; i < 6; i++) {
    const x = await make(url, { name: `x${i}` }), y = await make(url, { name: `y${i}` });
    const r = await Promise.all([admin.patch(`${url}/${x}`, { parent: y }), admin.patch(`${url}/${y}`, { parent: x })]);
    assert.deepEqual(r.map((one) => one.status).sort(), [200, 422]);
  }
});

test('the depth is bounded', async () => {
  const url = '/api/kit/place';
  let at = null, last;
  for (let i = 0; i < 61; i++) {
    last = await admin.post(url, { name: `deep${i}`, parent: at });
    if (last.status !== 201) break;
    at = last.body.id;
  }
  assert.equal(last.status, 422);
  assert.ok(last.body.fields.parent);
});

test('E-P71 departments are a tree; rows that refer to one are asked for by branch', async () => {
  const url = '/api/core/dept';
  const hq = await make(url, { name: '总部' });
  const east = await make(url, { name: '华东', parent: hq });
  assert.equal(await names(url, `id under "${hq}"`), '华东 总部');
  const r = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'east', name: '东', admin: false });
  assert.equal(r.status, 201);
  const staff = (await admin.get('/api/core/staff?filter=' + encodeURIComponent('name = "东"'))).body.items[0];
  assert.equal((await admin.patch(`/api/core/staff/${staff.id}`, { department: east })).status, 200);
  assert.equal(await names('/api/core/staff', `department under "${hq}"`), '东');
  const bad = await admin.get('/api/core/staff?filter=' + encodeURIComponent(`name under "${hq}"`));
  assert.equal(bad.status, 400);
  assert.equal(bad.body.code, 'bad_filter');
});
