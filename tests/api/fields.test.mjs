// Every type of field over HTTP: what is taken, how it is kept, what is refused and how it
// is told, what can be asked for, what an export and the history say.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import { Atrium, png, top } from '../lib/atrium.mjs';

const url = '/api/kit/thing';
let atrium, admin, place, otherPlace, picture, count = 0;

const enc = encodeURIComponent;
const make = async (where, body) => {
  const r = await admin.post(where, body);
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body;
};
const thing = (body = {}) => make(url, { name: `t${++count}`, ...body });
const list = async (filter, more = '') => {
  const r = await admin.get(`${url}?filter=${enc(filter)}${more}`);
  assert.equal(r.status, 200, `${filter}: ${JSON.stringify(r.body)}`);
  return r.body.items;
};
const ids = async (filter, more) => (await list(filter, more)).map((x) => x.id);
const csv = async (query) => (await admin.fetch('GET', `${url}/export?format=csv&${query}`)).text();

before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
  place = (await make('/api/kit/place', { name: '园区' })).id;
  otherPlace = (await make('/api/kit/place', { name: '一号楼', parent: place })).id;
  picture = (await admin.upload('a.png', 'image/png', png, 'kit.thing.picture')).body.id;
  await make('/api/core/dictionary', { code: 'kit.source', name: '来源',
    items: [{ code: 'web', title: '网站' }, { code: 'walk', title: '到访', color: '#112233' }, { code: 'old', title: '旧渠道', is_off: true }] });
  await make('/api/core/dictionary', { code: 'kit.trait', name: '特点',
    items: [{ code: 'near', title: '近地铁' }, { code: 'quiet', title: '安静' }] });
});
after(() => atrium?.stop());

const square = (x, y, s) => [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
const polygon = (...rings) => ({ type: 'Polygon', coordinates: rings });

/* field: values taken [given, kept], values refused [given, path, code's words in zh, en]. */
const types = {
  area: { good: [['12.5', '12.50'], ['0.01', '0.01'], ['7', '7.00'], ['100000.00', '100000.00']],
    bad: [['12.345', 'area', /2 位小数/, /at most 2 decimals/], [12.5, 'area', /数字文本/, /as text/], ['0', 'area', /不能小于 0\.01/, /0\.01 or more/],
      ['100000.01', 'area', /不能大于/, /or less/], ['1e3', 'area', /小数/, /decimals/], ['.5', 'area', /小数/, /decimals/]] },
  weight: { good: [['0.000001', '0.000001'], ['-123456789012', '-123456789012.000000']],
    bad: [['1234567890123', 'weight', /小数/, /decimals/]] },
  opens: { good: [['08:30', '08:30:00'], ['23:59:59', '23:59:59']],
    bad: [['24:00', 'opens', /时刻/, /time of day/], ['8:30', 'opens', /时刻/, /time of day/], [830, 'opens', /时刻/, /time of day/]] },
  id_number: { good: [['11010519491231002x', '11010519491231002X'], ['440524188001010014', '440524188001010014']],
    bad: [['110105194912310021', 'id_number', /身份证/, /identity number/], ['11010519490231002X', 'id_number', /身份证/, /identity number/],
      ['110105491231002', 'id_number', /身份证/, /identity number/]] },
  phone: { good: [['+86 138-0013-8000', '13800138000'], ['(852) 1', null], ['+852 2123 4567', '+85221234567'], ['0086 13900139000', '13900139000']].filter((x) => x[1]),
    bad: [['12345', 'phone', /手机号/, /phone/], ['+86 12345', 'phone', /手机号/, /phone/]] },
  address: {
    good: [[{ region: '440305', text: '科技园路 1 号', point: { lng: 113.9412345, lat: 22.54 } }, { region: '440305', text: '科技园路 1 号', point: { lng: 113.941235, lat: 22.54 } }],
      [{ text: '某处' }, { region: '', text: '某处' }], [{ region: '', text: ' ' }, null]],
    bad: [['深圳', 'address', /JSON 对象/, /JSON object/], [{ region: '990000' }, 'address.region', /区划/, /region/], [{ region: 44 }, 'address.region', /区划/, /region/],
      [{ text: 'x'.repeat(201) }, 'address.text', /格式/, /format/], [{ point: { lng: 181, lat: 0 } }, 'address.point', /坐标/, /place/], [{ street: 'x' }, 'address.street', /没有这个字段/, /no such field/]] },
  spot: { good: [[{ lng: 114.06, lat: 22.54 }, { lng: 114.06, lat: 22.54 }], [{ lng: -180, lat: 90 }, { lng: -180, lat: 90 }]],
    bad: [[{ lng: 114.06 }, 'spot', /坐标/, /place/], [{ lng: '1', lat: 2 }, 'spot', /坐标/, /place/], [[1, 2], 'spot', /坐标/, /place/]] },
  ground: { good: [[polygon(square(0, 0, 10)), polygon(square(0, 0, 10))], [polygon(square(0, 0, 10), square(2, 2, 2)), polygon(square(0, 0, 10), square(2, 2, 2))]],
    bad: [[polygon([[0, 0], [1, 0], [1, 1], [0, 1]]), 'ground', /没有闭合/, /not closed/], [polygon([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]), 'ground', /交叉/, /cross/],
      [polygon(square(0, 0, 10), square(20, 20, 2)), 'ground', /交叉/, /cross/], [{ type: 'Point', coordinates: [0, 0] }, 'ground', /多边形/, /polygon/],
      [polygon([[0, 0], [200, 0], [1, 1], [0, 0]]), 'ground', /经纬度/, /longitude/], [polygon([[0, 0], [1, 1], [0, 0]]), 'ground', /至少 4 个点/, /at least 4/]] },
  words: { good: [[[' 好 ', 'b'], ['好', 'b']], [[], null]],
    bad: [[['a', 'A'], 'words.1', /重复/, /more than once/], [['x'.repeat(41)], 'words.0', /40/, /40/], ['a', 'words', /数组/, /array/], [['1', '2', '3', '4', '5', '6'], 'words', /最多 5/, /At most 5/]] },
  uses: { good: [[['home', 'shop'], ['home', 'shop']]], bad: [[['nowhere'], 'uses', /home/, /home/], [['home', 'home'], 'uses', /重复/, /more than once/]] },
  source: { good: [['web', 'web']], bad: [['mars', 'source', /web, walk/, /web, walk/], ['old', 'source', /web, walk/, /web, walk/]] },
  traits: { good: [[['near', 'quiet'], ['near', 'quiet']]], bad: [[['far'], 'traits', /near, quiet/, /near, quiet/]] },
  extra: { good: [[{ size: 3, names: ['ab'], kind: 'x' }, { size: 3, names: ['ab'], kind: 'x' }]],
    bad: [[{}, 'extra.size', /必填/, /required/], [{ size: 10 }, 'extra.size', /不能大于 9/, /9 or less/], [{ size: 1, names: ['ab', 'C'] }, 'extra.names.1', /格式/, /format/],
      [{ size: 1, more: 1 }, 'extra.more', /没有这个字段/, /no such field/], [{ size: 1, kind: 'z' }, 'extra.kind', /"x", "y"/, /"x", "y"/], [[1], 'extra', /JSON 对象/, /JSON object/]] },
};

for (const [field, { good, bad }] of Object.entries(types))
  test(`the type of ${field}: kept in one form, complaints at their place in both languages`, async () => {
    for (const [given, kept] of good) {
      const row = await thing({ [field]: given });
      assert.deepEqual(row[field], kept);
      assert.deepEqual((await admin.get(`${url}/${row.id}`)).body[field], kept);
      const same = await admin.patch(`${url}/${row.id}`, { [field]: kept });
      assert.equal(same.status, 200, JSON.stringify(same.body));
      assert.equal(same.body.version, 1, 'the kept form is no change');
      if (kept !== null) await admin.patch(`${url}/${row.id}`, { [field]: null });
    }
    for (const [given, at, zh, en] of bad)
      for (const [lang, words] of [['zh-CN', zh], ['en', en]]) {
        const r = await admin.fetch('POST', url, { body: { name: `t${++count}`, [field]: given }, headers: { 'accept-language': lang } });
        const body = await r.json();
        assert.equal(r.status, 422, `${JSON.stringify(given)} → ${JSON.stringify(body)}`);
        assert.match(body.fields[at] ?? '', words, `${JSON.stringify(given)} → ${JSON.stringify(body.fields)}`);
      }
  });

test('one phone in two spellings is one, also in filters', async () => {
  const row = await thing({ phone: '+86 137 1234 5678' });
  const r = await admin.post(url, { name: 'twin', phone: '137-1234-5678' });
  assert.equal(r.status, 422);
  assert.ok(r.body.fields.phone);
  assert.deepEqual(await ids('phone = "+86 137 1234 5678"'), [row.id]);
});

test('decimals and times of day compare and sort by value, pages follow each other', async () => {
  const made = [];
  for (const [area, opens] of [['9.5', '10:00'], ['10.25', '09:00'], ['100', '08:00'], ['9.49', '23:00']])
    made.push((await thing({ area, opens, note: 'sorting' })).id);
  const [a, b, c, d] = made;
  const mine = (all) => all.filter((id) => made.includes(id));
  assert.deepEqual(mine(await ids('area between (9.49, 10.25)', '&sort=area')), [d, a, b]);
  assert.deepEqual(mine(await ids('area > 9.5', '&sort=-area')), [c, b]);
  assert.deepEqual(mine(await ids('area in (9.50, 100)')).sort(), [a, c].sort());
  assert.deepEqual(mine(await ids('opens < 09:30', '&sort=opens')), [c, b]);
  for (const sort of ['area', '-area', 'opens', '-opens']) {
    const seen = [];
    for (let next = ''; next !== null;) {
      const r = await admin.get(`${url}?sort=${sort}&limit=1${next && `&after=${next}`}`);
      assert.equal(r.status, 200, JSON.stringify(r.body));
      seen.push(...r.body.items.map((x) => x.id));
      next = r.body.next;
    }
    const whole = await admin.get(`${url}?sort=${sort}&limit=200`);
    assert.deepEqual(seen, whole.body.items.map((x) => x.id), sort);
  }
  const bad = await admin.post(url, { name: 'x', opens: '09:00', closes: '09:00' });
  assert.ok(bad.body.fields.closes);
});

test('regions are asked for by branch, places by their box', async () => {
  const shenzhen = await thing({ address: { region: '440305', text: '南山' } });
  const beijing = await thing({ address: { region: '110105', text: '朝阳' }, spot: { lng: 116.4, lat: 39.9 } });
  assert.ok((await ids('address_region under "440300"')).includes(shenzhen.id));
  assert.ok((await ids('address_region under "440000"')).includes(shenzhen.id));
  assert.ok(!(await ids('address_region under "440000"')).includes(beijing.id));
  assert.deepEqual(await ids('spot_lng between (116, 117) and spot_lng > 116.399999'), [beijing.id]);
  assert.equal((await admin.get(`${url}?filter=${enc('address_region under "4x"')}`)).status, 400);
  const shown = await list(`address_region = "110105"`, '&fields=name,address_region,spot_lat');
  assert.deepEqual(shown.map((x) => [x.address_region, x.spot_lat]), [['110105', '39.900000']]);
  assert.equal(beijing.spot_lng, undefined, 'not shown unless asked for');
});

test('sets: has, links, references that hold', async () => {
  const x = await thing({ words: ['红', '蓝'], places: [place, otherPlace], uses: ['home'] });
  const y = await thing({ words: ['蓝'], places: [otherPlace], friends: [x.id] });
  assert.deepEqual((await ids('words has ("红", "绿")')), [x.id]);
  assert.deepEqual((await ids('words has ("蓝")')).sort(), [x.id, y.id].sort());
  assert.deepEqual((await ids(`places has ("${place}")`)), [x.id]);
  assert.deepEqual((await ids(`places under "${place}"`)).sort(), [x.id, y.id].sort());
  assert.deepEqual((await ids('uses has (home) and words has ("红")')), [x.id]);
  assert.equal((await admin.get(`${url}?filter=${enc('uses has (nowhere)')}`)).status, 400);
  assert.equal((await admin.get(`${url}?filter=${enc('name has (a)')}`)).status, 400);

  const shown = (await admin.get(`${url}/${x.id}?expand=places`)).body;
  assert.deepEqual(shown.places, [{ id: place, label: '园区' }, { id: otherPlace, label: '一号楼' }]);
  assert.equal((await admin.patch(`${url}/${x.id}`, { words: ['绿'] })).status, 200);
  assert.deepEqual((await ids('words has ("红")')), []);
  assert.deepEqual((await ids('words has ("绿")')), [x.id]);

  const gone = await admin.post(url, { name: 'n', places: [place, '999'] });
  assert.equal(gone.status, 422);
  assert.ok(gone.body.fields['places.1']);
  assert.equal((await admin.delete(`/api/kit/place/${otherPlace}`)).body.code, 'in_use', 'restrict holds over links');

  // `clear` takes the reference out of the set (of rows that go for good).
  const spare = await make('/api/kit/place', { name: '临时' });
  const z = await thing({ places: [spare.id] });
  assert.equal((await admin.delete(`/api/kit/place/${spare.id}`)).status, 409);
  assert.equal((await admin.patch(`${url}/${z.id}`, { places: [] })).status, 200);
  const near = await thing({ near: [spare.id, place] });
  const alone = await thing({ near: [spare.id] });
  assert.equal((await admin.delete(`/api/kit/place/${spare.id}`)).status, 204);
  assert.deepEqual((await admin.get(`${url}/${near.id}`)).body.near, [place]);
  assert.deepEqual((await admin.get(`${url}/${alone.id}`)).body.near, null);
  assert.deepEqual(await ids(`near has ("${spare.id}")`), []);
  assert.deepEqual(await ids(`near has ("${place}")`), [near.id]);
});

test('pictures and files of a field are files that are there, of the right kind', async () => {
  const row = await thing({ pictures: [picture], papers: [picture] });
  assert.deepEqual(row.pictures, [picture]);
  const shown = (await admin.get(`${url}/${row.id}?expand=pictures`)).body.pictures;
  assert.equal(shown[0].type, 'image/png');
  assert.match(shown[0].url, /^\/files\//);
  const bad = await admin.post(url, { name: 'x', pictures: ['12345'] });
  assert.ok(bad.body.fields['pictures.0']);
  assert.deepEqual(await ids(`pictures has ("${picture}")`), [row.id]);
});

test('E-P70 options of a dictionary are the rows of the moment', async () => {
  const dictionary = (await admin.get('/api/core/dictionary?filter=' + enc('code = "kit.source"'))).body.items[0];
  const row = await thing({ source: 'walk' });
  const options = async () => (await admin.get('/api/console/schema/kit/thing')).body.fields.find((f) => f.name === 'source').options;
  assert.deepEqual((await options()).map((o) => [o.value, o.title.zh, !!o.is_off]), [['web', '网站', false], ['walk', '到访', false], ['old', '旧渠道', true]]);
  assert.match(await csv(`filter=${enc('source = "walk"')}&fields=name,source`), /到访/);
  const items = (await admin.get(`/api/core/dictionary/${dictionary.id}`)).body.items;
  const changed = items.filter((i) => i.code !== 'walk').map(({ id, code, title }) => ({ id, code, title }));
  assert.equal((await admin.patch(`/api/core/dictionary/${dictionary.id}`, { items: [...changed, { code: 'ad', title: '广告' }] })).status, 200);
  assert.equal((await admin.post(url, { name: 'late', source: 'walk' })).status, 422, 'at once');
  assert.equal((await thing({ source: 'ad' })).source, 'ad');
  assert.equal((await admin.patch(`${url}/${row.id}`, { note: 'still walk' })).status, 200, 'what is there may stay');
});

test('export and history say each type as people read it', async () => {
  const row = await thing({ note: 'export me', area: '12.5', opens: '08:30', id_number: '110101199003070134', words: ['新', '旧'], uses: ['home', 'shop'],
    traits: ['near'], places: [place], address: { region: '440305', text: '科技园' }, spot: { lng: 114.06, lat: 22.54 }, parts: [{ name: '腿', length: '0.5', marks: ['左'] }] });
  const text = await csv(`q=${enc(row.name)}&fields=area,opens,id_number,words,uses,traits,places,address,spot`);
  assert.match(text, /12\.50,08:30:00,110101199003070134,新; 旧,家用; 商铺,近地铁,园区,科技园,"114\.060000,22\.540000"/);
  assert.equal(row.parts[0].length, '0.500');
  const xlsx = await admin.fetch('GET', `${url}/export?format=xlsx&q=${enc(row.name)}`);
  assert.equal(xlsx.status, 200);
  assert.equal((await admin.patch(`${url}/${row.id}`, { area: '13', words: ['新'], address: null })).status, 200);
  const [last] = (await admin.get(`${url}/${row.id}/history`)).body.items;
  const changes = Object.fromEntries(last.changes.filter((c) => c.field !== 'caption').map((c) => [c.field, [c.before, c.after]]));
  assert.deepEqual(changes, { area: ['12.50', '13.00'], words: [['新', '旧'], ['新']], address: [{ region: '440305', text: '科技园' }, null] });
});

test('what a role may not see it cannot ask for by the columns beside it', async () => {
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'looker', name: '看', admin: false });
  const role = (await admin.get('/api/core/role?filter=' + enc('code = "kit.looker"'))).body.items[0];
  const staff = (await admin.get('/api/core/staff?filter=' + enc('name = "看"'))).body.items[0];
  assert.equal((await admin.patch(`/api/core/staff/${staff.id}`, { roles: [{ role: role.id }] })).status, 200);
  const looker = admin.anonymous();
  await looker.login('looker', made.body.password);
  for (const filter of ['address_region = "440305"', `places has ("${place}")`, 'address_lng > 1'])
    assert.equal((await looker.get(`${url}?filter=${enc(filter)}`)).status, 403, filter);
  assert.equal((await looker.get(`${url}?fields=address_region`)).status, 403);
  const excuse = async (who) => (await who.get('/api/console/schema/kit/thing')).body.fields.find((f) => f.name === 'excuse');
  assert.deepEqual((await excuse(admin)).required_if, ['>', 'price', 100000000]);
  assert.equal((await excuse(looker)).required_if, undefined, 'only the server judges by a price that is not shown');
  const dear = await admin.post(url, { name: 'dear', price: 100000001 });
  assert.deepEqual([dear.status, Object.keys(dear.body.fields)], [422, ['excuse']]);
});

test('the OpenAPI document describes each type exactly', async () => {
  const doc = (await admin.get('/api/openapi.json')).body;
  assert.equal((await new Validator().validate(structuredClone(doc))).valid, true);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(doc, 'doc');
  const fits = ajv.compile({ $ref: 'doc#/components/schemas/kit.thing.create' });
  for (const [field, { good, bad }] of Object.entries(types)) {
    for (const [given] of good)
      if (!/ |^00/.test(String(given))) assert.ok(fits({ name: 'x', [field]: given }), `${field} ${JSON.stringify(given)}: ${ajv.errorsText(fits.errors)}`);
    const told = bad.filter(([given]) => !fits({ name: 'x', [field]: given })).length;
    assert.ok(told > 0 || ['phone', 'id_number', 'source', 'traits'].includes(field), `${field}: the document refuses nothing`);
  }
  const row = await thing({ address: { text: 'x' }, places: [place] });
  const whole = (await admin.get(`${url}/${row.id}?expand=places`)).body;
  const shown = ajv.compile({ $ref: 'doc#/components/schemas/kit.thing' });
  assert.ok(shown(whole), ajv.errorsText(shown.errors));
});

test('sequences: without gaps, or without waiting', async () => {
  const number = (s) => Number(s.split('-').at(-1));
  const first = await thing();
  for (let i = 0; i < 3; i++) assert.equal((await admin.post(url, { name: `gap${i}`, area: 'x' })).status, 422);
  const made = await Promise.all(Array.from({ length: 20 }, () => thing()));
  const serials = made.map((r) => number(r.serial)).sort((a, b) => a - b);
  assert.deepEqual(serials, serials.map((_, i) => number(first.serial) + 1 + i), 'no gap, none twice');
  const tickets = made.map((r) => number(r.ticket));
  assert.equal(new Set(tickets).size, 20);
  assert.ok(Math.min(...tickets) >= number(first.ticket) + 4, 'the numbers of refused writes are gone');
  assert.match(first.ticket, /^T-\d{5}$/);
});

test('computed fields: exact, stored, filtered and sorted, not taken', async () => {
  const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
  const later = new Date(Date.now() + (8 + 24 * 5) * 3600_000).toISOString().slice(0, 10);
  const row = await thing({ price: 335, area: '1.50', count: 3, grade: 'a', ends_on: later });
  assert.equal(row.made_on, today, 'default: $today');
  assert.equal(row.total, 503, '335 * 1.5 = 502.5, half away from zero');
  assert.equal(row.rate, '1.6767', 'of the stored total');
  assert.equal(row.caption, `${row.name} / a / 1.5`);
  assert.equal(row.nights, 5);
  assert.equal(row.big, false);
  assert.equal((await admin.post(url, { name: 'x', total: 1 })).body.fields.total !== undefined, true, 'read-only');
  const same = await admin.patch(`${url}/${row.id}`, { price: 1000, total: 503 });
  assert.equal(same.status, 200, 'as it was read it may be sent back');
  assert.equal(same.body.total, 1500);
  assert.equal((await admin.patch(`${url}/${row.id}`, { price: null })).body.total, null);
  assert.equal((await admin.patch(`${url}/${row.id}`, { price: 7, area: '100', count: 10 })).body.big, true);
  assert.deepEqual((await ids('total between (699, 701)', '&sort=-total')), [row.id]);
  const huge = await admin.post(url, { name: 'huge', price: 9007199254740991, area: '100000' });
  assert.equal(huge.status, 422);
  assert.ok(huge.body.fields.total);
  const [last] = (await admin.get(`${url}/${row.id}/history`)).body.items;
  assert.ok(last.changes.some((c) => c.field === 'total'));
});

test('rules between fields, in both languages, on children too; read-only when filled', async () => {
  for (const [lang, words] of [['zh-CN', /最低不能高于最高/], ['en', /low may not be above/]]) {
    const r = await admin.fetch('POST', url, { body: { name: `r${++count}`, low: '9.50', high: '9.49' }, headers: { 'accept-language': lang } });
    const { fields } = await r.json();
    assert.match(fields.low, words);
    assert.match(fields.high, words);
  }
  const day = (n) => new Date(Date.now() + (8 + 24 * n) * 3600_000).toISOString().slice(0, 10);
  for (const [n, status] of [[-1, 422], [0, 201], [365, 201], [366, 422]])
    assert.equal((await admin.post(url, { name: `d${++count}`, ends_on: day(n) })).status, status, `${n} days`);
  const row = await thing({ low: '9.50', high: '10.00', locked: 'once', parts: [{ name: 'a', code: 'X1', length: '2', price: 250 }] });
  assert.equal(row.parts[0].cost, 500);
  assert.equal((await admin.patch(`${url}/${row.id}`, { high: '9' })).status, 422, 'the stored low counts');
  assert.equal((await admin.patch(`${url}/${row.id}`, { locked: 'twice' })).body.fields.locked !== undefined, true);
  assert.equal((await admin.patch(`${url}/${row.id}`, { locked: 'once', note: 'n' })).status, 200);
  const [part] = row.parts;
  const wrong = await admin.patch(`${url}/${row.id}`, { parts: [{ id: part.id, name: 'b', code: 'X2' }] });
  assert.ok(wrong.body.fields['parts.0.code'], JSON.stringify(wrong.body));
  assert.equal((await admin.patch(`${url}/${row.id}`, { parts: [{ id: part.id, name: 'b', code: 'X1' }] })).status, 200);
  const negative = await admin.patch(`${url}/${row.id}`, { parts: [{ id: part.id, length: '-1' }] });
  assert.match(negative.body.fields['parts.0.length'], /长度/);
});
