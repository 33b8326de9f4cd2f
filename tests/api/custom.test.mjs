// Fields that a tenant adds at run time: checked, found by index, hidden by role, in schema,
// history and export; another tenant knows nothing of them.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import { Atrium, top } from '../lib/atrium.mjs';

const url = '/api/kit/thing', enc = encodeURIComponent;
let atrium, admin, other, n = 0;
const add = async (body) => {
  const r = await admin.post('/api/core/custom_field', { resource: 'kit.thing', title_zh: '字段', title_en: 'Field', ...body });
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body;
};
const thing = async (custom, who = admin) => {
  const r = await who.post(url, { name: `c${++n}`, custom });
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body;
};
const ids = async (filter, who = admin) => {
  const r = await who.get(`${url}?filter=${enc(filter)}`);
  assert.equal(r.status, 200, `${filter}: ${JSON.stringify(r.body)}`);
  return r.body.items.map((x) => x.id).sort();
};

before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
  other = await atrium.tenant('other', { plugins: ['kit'] });
  await add({ name: 'budget', type: 'money', title_zh: '预算', title_en: 'Budget', min: 0 });
  await add({ name: 'due', type: 'date', title_zh: '到期', title_en: 'Due' });
  await add({ name: 'memo', type: 'text', title_zh: '备忘', title_en: 'Memo', max: 10 });
  await add({ name: 'size', type: 'decimal', title_zh: '尺寸', title_en: 'Size' });
  await add({ name: 'level', type: 'multi_enum', title_zh: '级别', title_en: 'Levels', options: [{ code: 'hi', title_zh: '高', title_en: 'High' }, { code: 'lo', title_zh: '低', title_en: 'Low' }] });
});
after(() => atrium?.stop());

test('values are checked as those of any field, told by their path in both languages', async () => {
  const row = await thing({ budget: 5000, due: '2026-12-01', memo: '好', size: '1.5', level: ['hi'] });
  assert.deepEqual(row.custom, { budget: 5000, due: '2026-12-01', memo: '好', size: '1.50', level: ['hi'] });
  for (const [custom, at, zh, en] of [
    [{ budget: -1 }, 'custom.budget', /不能小于/, /or more/], [{ budget: 'x' }, 'custom.budget', /整数/, /whole number/],
    [{ due: 'soon' }, 'custom.due', /日期/, /date/], [{ memo: 'x'.repeat(11) }, 'custom.memo', /10/, /10/],
    [{ size: '1.234' }, 'custom.size', /小数/, /decimals/], [{ level: ['no'] }, 'custom.level', /hi, lo/, /hi, lo/],
    [{ nope: 1 }, 'custom.nope', /没有这个字段/, /no such field/]])
    for (const [lang, words] of [['zh-CN', zh], ['en', en]]) {
      const r = await admin.fetch('POST', url, { body: { name: `c${++n}`, custom }, headers: { 'accept-language': lang } });
      const body = await r.json();
      assert.equal(r.status, 422, JSON.stringify(custom));
      assert.match(body.fields[at] ?? '', words, JSON.stringify(body.fields));
    }
  const changed = await admin.patch(`${url}/${row.id}`, { custom: { memo: null, budget: 6000 } });
  assert.deepEqual(changed.body.custom, { budget: 6000, due: '2026-12-01', size: '1.50', level: ['hi'] }, 'what is not named stays');
  const [last] = (await admin.get(`${url}/${row.id}/history`)).body.items;
  assert.deepEqual(last.changes.map((c) => [c.field, c.before, c.after]).sort(), [['custom.budget', 5000, 6000], ['custom.memo', '好', null]]);
});

test('lists ask for them by the table beside the rows', async () => {
  const a = (await thing({ budget: 100, due: '2026-01-01', memo: 'a', size: '9.5', level: ['hi', 'lo'] })).id;
  const b = (await thing({ budget: 200, due: '2026-06-01', memo: 'b', size: '10.25' })).id;
  const of = (all) => all.filter((x) => [a, b].includes(x));
  assert.deepEqual(of(await ids('custom.budget > 100')), [b]);
  assert.deepEqual(of(await ids('custom.budget between (100, 200)')), [a, b]);
  assert.deepEqual(of(await ids('custom.due < 2026-03-01 and custom.memo = "a"')), [a]);
  assert.deepEqual(of(await ids('custom.size > 9.6')), [b]);
  assert.deepEqual(of(await ids('custom.level has (hi)')), [a]);
  assert.deepEqual(of(await ids('custom.level null')), [b]);
  assert.deepEqual(of(await ids('custom.memo != "a"')), [b]);
  assert.deepEqual(of(await ids('custom.memo in ("a", "z")')), [a]);
  assert.equal((await admin.get(`${url}?filter=${enc('custom.nope = 1')}`)).status, 400);
  assert.equal((await admin.get(`${url}?filter=${enc('custom.budget = x')}`)).status, 400);
  await admin.patch(`${url}/${a}`, { custom: { budget: 300 } });
  assert.deepEqual(of(await ids('custom.budget > 250')), [a], 'it follows each change');
});

test('schema, required, off; the definition is checked', async () => {
  const fields = (await admin.get('/api/console/schema/kit/thing')).body.fields;
  const budget = fields.find((f) => f.name === 'custom.budget');
  assert.deepEqual([budget.type, budget.title.zh, budget.min], ['money', '预算', 0]);
  assert.equal(fields.find((f) => f.name === 'custom.level').options[1].title.en, 'Low');
  const must = await add({ name: 'must', type: 'int', required: true });
  const r = await admin.post(url, { name: 'without' });
  assert.ok(r.body.fields['custom.must'], JSON.stringify(r.body));
  assert.equal((await admin.patch(`/api/core/custom_field/${must.id}`, { is_off: true })).status, 200);
  assert.equal((await admin.post(url, { name: 'without2' })).status, 201, 'off at once');
  for (const [body, at] of [[{ resource: 'kit.place', name: 'x' }, 'resource'], [{ resource: 'no.thing', name: 'x' }, 'resource'],
    [{ resource: 'kit.thing', name: 'budget' }, 'name'], [{ resource: 'kit.thing', name: 'Budget' }, 'name'],
    [{ resource: 'kit.thing', name: 'x', type: 'enum' }, 'options']]) {
    const bad = await admin.post('/api/core/custom_field', { type: 'text', title_zh: 'x', title_en: 'x', ...body });
    assert.equal(bad.status, 422, JSON.stringify(bad.body));
    assert.ok(bad.body.fields[at], JSON.stringify(bad.body.fields));
  }
});

test('an export has a column for each, as people read them', async () => {
  const row = await thing({ budget: 123456, due: '2026-12-01', memo: '甲,乙', size: '-1.5', level: ['hi', 'lo'] });
  const bare = await thing(null);
  const csv = async (name, lang) => (await (await admin.fetch('GET', `${url}/export?format=csv&fields=name,custom,count&q=${enc(name)}`, { headers: { 'accept-language': lang } })).text()).replace(/^\ufeff/, '').split('\r\n');
  const [head, line] = await csv(row.name, 'zh-CN');
  assert.match(head, /^名称,预算,到期,备忘,尺寸,级别,.*数量$/);
  assert.match(line, new RegExp(`^${row.name},1234\\.56,2026-12-01,"甲,乙",-1\\.50,高; 低,`));
  assert.match((await csv(row.name, 'en'))[0], /^Name,Budget,Due,Memo,Size,Levels,/);
  assert.match((await csv(bare.name, 'en'))[1], new RegExp(`^${bare.name},,,,,,`));
});

test('the OpenAPI document has them as they are in this tenant', async () => {
  const doc = (await admin.get('/api/openapi.json')).body;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(doc, 'doc');
  const fits = ajv.compile({ $ref: 'doc#/components/schemas/kit.thing.create' });
  const custom = { budget: 5, due: '2026-12-01', memo: '好', size: '1.5', level: ['hi'] };
  assert.ok(fits({ name: 'x', custom }), ajv.errorsText(fits.errors));
  for (const wrong of [{ budget: -1 }, { memo: 'x'.repeat(11) }, { level: ['no'] }, { nope: 1 }])
    assert.ok(!fits({ name: 'x', custom: wrong }), JSON.stringify(wrong));
  const shown = ajv.compile({ $ref: 'doc#/components/schemas/kit.thing' });
  assert.ok(shown(await thing(custom)), ajv.errorsText(shown.errors));
  const theirs = (await other.get('/api/openapi.json')).body.components.schemas['kit.thing.create'].properties.custom;
  assert.deepEqual(theirs.properties, {});
});

test('a role that may not see one sees it nowhere, another tenant knows none', async () => {
  const row = await thing({ budget: 777, memo: 'seen' });
  const role = (await admin.get('/api/core/role?filter=' + enc('code = "kit.maker"'))).body.items[0];
  const grants = structuredClone(role.grants);
  grants['kit.thing'].fields = { ...(grants['kit.thing'].fields ?? {}), 'custom.budget': 'hidden', 'custom.memo': 'read_only' };
  assert.equal((await admin.patch(`/api/core/role/${role.id}`, { grants })).status, 200);
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'maker', name: '做', admin: false });
  const staff = (await admin.get('/api/core/staff?filter=' + enc('name = "做"'))).body.items[0];
  assert.equal((await admin.patch(`/api/core/staff/${staff.id}`, { roles: [{ role: role.id }] })).status, 200);
  const maker = admin.anonymous();
  await maker.login('maker', made.body.password);
  assert.deepEqual((await maker.get(`${url}/${row.id}`)).body.custom, { memo: 'seen' });
  assert.ok((await maker.get(`${url}?limit=200`)).body.items.every((x) => x.custom?.budget === undefined));
  assert.equal((await maker.get(`${url}?filter=${enc('custom.budget = 777')}`)).status, 403);
  assert.ok(!(await maker.get('/api/console/schema/kit/thing')).body.fields.some((f) => f.name === 'custom.budget'));
  assert.ok((await maker.get(`${url}/${row.id}/history`)).body.items.every((h) => h.changes.every((c) => c.field !== 'custom.budget')));
  assert.equal((await maker.get('/api/openapi.json')).body.components.schemas['kit.thing'].properties.custom.properties.budget, undefined);
  assert.ok(!/777|预算/.test(await (await maker.fetch('GET', `${url}/export?format=csv&q=${enc(row.name)}`)).text()));
  const mine = await thing({ size: '1' }, maker);
  assert.equal((await maker.patch(`${url}/${mine.id}`, { custom: { budget: 1 } })).body.fields['custom.budget'] !== undefined, true);
  assert.equal((await maker.patch(`${url}/${mine.id}`, { custom: { memo: 'x' } })).body.fields['custom.memo'] !== undefined, true);
  assert.equal((await admin.get('/api/core/custom_field')).status, 200);
  assert.equal((await maker.get('/api/core/custom_field')).status, 403);

  assert.ok(!(await other.get('/api/console/schema/kit/thing')).body.fields.some((f) => f.name.startsWith('custom.')));
  assert.equal((await other.post(url, { name: 'x', custom: { budget: 1 } })).status, 422);
});
