// Organisation, posts, roles and their bounds, partners, delegations, seats, menus.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Api, Atrium, top } from '../lib/atrium.mjs';

let atrium, admin;
const people = {};   // name -> Api
const ids = {};      // of rows by name

before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
  people.admin = admin;
});
after(() => atrium?.stop());

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
const make = async (who, url, body) => (ids[body.code ?? body.login ?? body.name] = ok(await who.post(`/api/core/${url}`, body), 201).id);
const role = (code, grants, who = admin) => make(who, 'role', { code, name: code, grants });
const refused = (r, status, code, field) => {
  assert.equal(r.status, status, JSON.stringify(r.body));
  if (code) assert.equal(r.body.code, code, JSON.stringify(r.body));
  if (field) assert.ok(r.body.fields?.[field], JSON.stringify(r.body));
};
async function person(login, { roles = [], dept, partner, by = admin } = {}) {
  await make(by, 'staff', { login, name: login, department: dept ? ids[dept] : null,
    ...(partner ? { partner: ids[partner] } : {}), roles: roles.map((r) => ({ role: ids[r] })) });
  const { password } = ok(await by.post(`/api/auth/staff/${ids[login]}/password`));
  const api = new Api(admin.base);
  await api.login(login, password);
  return (people[login] = api);
}
const names = async (who, url, key = 'name') => ok(await who.get(`${url}${url.includes('?') ? '&' : '?'}limit=200`)).items.map((x) => x[key]).sort().join(' ');
const item = (who, body) => who.post('/api/kit/thing', body);

test('E-P71 organisation tree: kinds, moving a branch, no circles, no deletion under people', async () => {
  for (const [name, kind, parent] of [['head', 'head_office'], ['north', 'branch', 'head'], ['south', 'branch', 'head'],
    ['north1', 'sub_branch', 'north'], ['north1a', 'outlet', 'north1'], ['teamx', 'team', 'north1a']])
    await make(admin, 'dept', { name, kind, parent: parent ? ids[parent] : null });
  const under = (n) => names(admin, `/api/core/dept?filter=${encodeURIComponent(`id under "${ids[n]}"`)}`);
  assert.equal(await under('north'), 'north north1 north1a teamx');
  ok(await admin.patch(`/api/core/dept/${ids.north1}`, { parent: ids.south }));
  assert.equal(await under('north'), 'north');
  assert.equal(await under('south'), 'north1 north1a south teamx');
  refused(await admin.patch(`/api/core/dept/${ids.south}`, { parent: ids.teamx }), 422, null, 'parent');
  ok(await admin.patch(`/api/core/dept/${ids.north1}`, { parent: ids.north }));
  refused(await admin.post('/api/core/dept', { name: 'x', kind: 'castle' }), 422, null, 'kind');
  await role('r.reader', { 'core.dept': { read: ['all'] } });
  const reader = await person('reader', { roles: ['r.reader'], dept: 'teamx' });
  refused(await reader.patch(`/api/core/dept/${ids.north}`, { name: 'y' }), 403);
  refused(await admin.delete(`/api/core/dept/${ids.teamx}`), 409);
});

test('C-role a role document is checked: what there is not is named', async () => {
  const bad = async (grants, field) => refused(await admin.post('/api/core/role', { code: 'r.bad', name: 'x', grants }), 422, null, field);
  await bad({ 'kit.nothing': { read: ['all'] } }, 'grants.kit.nothing');
  await bad({ 'kit.place': { reed: ['all'] } }, 'grants.kit.place.reed');
  await bad({ 'kit.place': { read: ['own'] } }, 'grants.kit.place.read');
  await bad({ 'core.staff': { read: ['galaxy'] } }, 'grants.core.staff.read');
  await bad({ 'core.staff': { read: ['all'], do: ['fly'] } }, 'grants.core.staff.do');
  await bad({ 'core.staff': { read: ['all'], fields: { nose: 'hidden' } } }, 'grants.core.staff.fields');
  await bad({ 'core.staff': { read: ['all'], fields: { phone: 'gone' } } }, 'grants.core.staff.fields');
  await bad({ 'core.staff': { read: ['custom'] } }, 'grants.core.staff.depts');
  await bad({ 'core.session': { read: ['all'] } }, 'grants.core.session');
  await bad({ menus: ['nowhere'] }, 'grants.menus');
  await bad({ 'core.staff': { read: 'all' } }, 'grants.core.staff.read');
});

test('B-4b E-P68 scopes own, department, subtree, custom, all without being declared', async () => {
  // Everybody sees the whole address book by the template: this tenant narrows it.
  const everyone = ok(await admin.get('/api/core/role?filter=' + encodeURIComponent('code = "core.everyone"'))).items[0];
  const grants = structuredClone(everyone.grants);
  grants['core.staff'] = { ...grants['core.staff'], read: ['own'] };
  ok(await admin.patch(`/api/core/role/${everyone.id}`, { grants }));
  for (const [code, read, more] of [['s.dept', ['department']], ['s.tree', ['subtree']], ['s.all', ['all']],
    ['s.custom', ['custom'], { depts: [ids.south] }], ['s.below', ['custom'], { depts: [ids.north1], below: true }]])
    await role(code, { 'core.staff': { read, ...more } });
  await person('nn', { dept: 'north' });
  await person('n1', { dept: 'north1' });
  await person('ss', { dept: 'south' });
  const own = await person('own', { dept: 'north' });
  const dept = await person('indept', { dept: 'north', roles: ['s.dept'] });
  const tree = await person('intree', { dept: 'north', roles: ['s.tree'] });
  const all = await person('inall', { dept: 'north', roles: ['s.all'] });
  const custom = await person('custom', { dept: 'north', roles: ['s.custom'] });
  const below = await person('below', { dept: 'north', roles: ['s.below'] });
  assert.equal(await names(own, '/api/core/staff', 'login'), 'own');
  assert.equal(await names(dept, '/api/core/staff', 'login'), 'below custom inall indept intree nn own');
  assert.equal(await names(tree, '/api/core/staff', 'login'), 'below custom inall indept intree n1 nn own reader');
  assert.match(await names(all, '/api/core/staff', 'login'), /admin.* ss$/);
  assert.equal(await names(custom, '/api/core/staff', 'login'), 'custom ss');
  assert.equal(await names(below, '/api/core/staff', 'login'), 'below n1 reader');
  refused(await own.get(`/api/core/staff/${ids.ss}`), 404);
  refused(await own.patch(`/api/core/staff/${ids.own}`, { name: 'me' }), 403);
});

test('B-34 A-2.4.2 delegated administration: within one\'s own rights, branch, and never upwards', async () => {
  await role('hr', { 'core.staff': { read: ['subtree'], create: true, update: ['subtree'], delete: ['subtree'], do: ['suspend', 'resume', 'leave'] },
    'core.role': { read: ['all'], create: true, update: ['all'] }, 'core.dept': { read: ['all'] }, 'kit.place': { read: ['all'], create: true } });
  await role('place.reader', { 'kit.place': { read: ['all'] } });
  await role('place.boss', { 'kit.place': { read: ['all'], create: true, update: ['all'], delete: ['all'] } });
  const hr = await person('hr1', { roles: ['hr'], dept: 'north' });
  await person('boss', { roles: ['place.boss'], dept: 'north' });
  // what he has he may give, in his branch
  const made = await person('hired', { roles: ['place.reader'], dept: 'north1', by: hr });
  assert.equal((await made.get('/api/kit/place')).status, 200);
  // more than he has, elsewhere, to himself, the administrator's role: no
  const staff = (body) => hr.post('/api/core/staff', { login: 'nope', name: 'nope', department: ids.north, ...body });
  const adminRole = ok(await admin.get('/api/core/role?filter=' + encodeURIComponent('code = "admin"'))).items[0].id;
  refused(await staff({ roles: [{ role: ids['place.boss'] }] }), 403, 'role_beyond_yours', 'roles');
  refused(await staff({ roles: [{ role: adminRole }] }), 403, 'role_beyond_yours', 'roles');
  refused(await staff({ department: ids.south }), 403, 'department_not_yours', 'department');
  refused(await staff({ department: null }), 403, 'department_not_yours', 'department');
  refused(await hr.patch(`/api/core/staff/${ids.hr1}`, { name: 'me' }), 403, 'not_oneself');
  refused(await hr.patch(`/api/core/staff/${ids.hired}`, { department: ids.south }), 403, 'department_not_yours');
  refused(await hr.patch(`/api/core/staff/${ids.boss}`, { phone: '13900000001' }), 403, 'person_beyond_you');
  refused(await hr.post(`/api/auth/staff/${ids.boss}/password`), 403, 'person_beyond_you');
  refused(await hr.post(`/api/auth/staff/${ids.ss}/password`), 404);
  refused(await hr.post(`/api/core/staff/${ids.boss}/do/suspend`), 403, 'person_beyond_you');
  refused(await hr.delete(`/api/core/staff/${ids.boss}`), 403, 'person_beyond_you');
  refused(await hr.post('/api/core/staff_role', { staff: ids.hr1, role: adminRole }), 405);
  // roles: only within his own, none of a plugin's, none for partners
  refused(await hr.post('/api/core/role', { code: 'x.y', name: 'x', grants: { 'kit.place': { read: ['all'], delete: ['all'] } } }), 403, 'role_beyond_yours', 'grants');
  refused(await hr.post('/api/core/role', { code: 'x.y', name: 'x', grants: { 'core.audit': { read: ['all'] } } }), 403, 'role_beyond_yours');
  refused(await hr.patch(`/api/core/role/${ids['place.boss']}`, { grants: {} }), 403, 'role_beyond_yours');
  refused(await hr.patch(`/api/core/role/${ids.hr}`, { grants: { 'core.staff': { update: ['all'] } } }), 403, 'role_beyond_yours');
  refused(await hr.patch(`/api/core/role/${adminRole}`, { name: 'x' }), 403);
  refused(await hr.post('/api/core/role', { code: 'x.p', name: 'x', grants: { 'kit.place': { read: ['all'], partners: true } } }), 403);
  // who sees a field masked, or may not unmask it, lets nobody else see it
  const staffRole = (fields) => hr.post('/api/core/role', { code: 'x.m', name: 'x', grants: { 'core.staff': { read: ['subtree'], fields } } });
  refused(await staffRole({ phone: 'unmasked' }), 403, 'role_beyond_yours', 'grants');
  ok(await admin.patch(`/api/core/role/${ids.hr}`, { grants: { 'core.staff': { read: ['subtree'], create: true, update: ['subtree'], delete: ['subtree'],
    do: ['suspend', 'resume', 'leave'], fields: { email: 'masked' } }, 'core.role': { read: ['all'], create: true, update: ['all'] },
    'core.dept': { read: ['all'] }, 'kit.place': { read: ['all'], create: true }, 'core.api_key': { read: ['all'], create: true } } }));
  const key = (grants) => hr.post('/api/core/api_key', { name: 'k', grants });
  refused(await key({ 'core.staff': { read: ['own'], fields: { phone: 'unmasked' } } }), 422, null, 'grants');
  refused(await key({ 'kit.place': { read: ['all'], delete: ['all'] } }), 422, null, 'grants');
  ok(await key({ 'kit.place': { read: ['all'] } }), 201);
  await role('made.by.hr', { 'kit.place': { read: ['all'] } }, hr);
  // an administrator in his branch stays out of his reach
  const chief = await make(admin, 'staff', { login: 'chief', name: 'chief', department: ids.north1, roles: [{ role: adminRole }] });
  refused(await hr.patch(`/api/core/staff/${chief}`, { name: 'x' }), 403, 'administrators_only');
  refused(await hr.post(`/api/core/staff/${chief}/do/suspend`), 403, 'administrators_only');
  refused(await hr.post(`/api/auth/staff/${chief}/password`), 403, 'administrators_only');
  // his own people he may change, suspend and take leave of
  ok(await hr.patch(`/api/core/staff/${ids.hired}`, { name: 'hired 2' }));
  ok(await hr.post(`/api/core/staff/${ids.hired}/do/suspend`));
  refused(await made.get('/api/kit/place'), 401);
  ok(await hr.post(`/api/core/staff/${ids.hired}/do/resume`));
});

test('A-2.4.1c D-42 posts bring roles; a person moves between posts, with history; who leaves has none', async () => {
  await make(admin, 'post', { name: 'keeper', department: ids.north, roles: [{ role: ids['place.boss'] }] });
  const who = await person('mover', { dept: 'north' });
  refused(await who.get('/api/kit/place'), 403);
  const since = new Date(Date.now() - 1000).toISOString();
  const posting = ok(await admin.post('/api/core/staff_post', { staff: ids.mover, post: ids.keeper, since }), 201);
  ok(await who.get('/api/kit/place'));
  ok(await who.post('/api/kit/place', { name: 'by post' }), 201);
  refused(await people.hr1.post('/api/core/staff_post', { staff: ids.hr1, post: ids.keeper, since }), 403);
  ok(await admin.patch(`/api/core/staff_post/${posting.id}`, { until: new Date().toISOString() }));
  refused(await who.get('/api/kit/place'), 403);
  ok(await admin.post('/api/core/staff_post', { staff: ids.mover, post: ids.keeper, since }), 201);
  ok(await who.get('/api/kit/place'));
  ok(await admin.post(`/api/core/staff/${ids.mover}/do/leave`));
  refused(await who.get('/api/kit/place'), 401);
  const rows = ok(await admin.get(`/api/core/staff_post?filter=${encodeURIComponent(`staff = "${ids.mover}"`)}`)).items;
  assert.equal(rows.length, 2);
  assert.ok(rows.every((r) => r.until && Date.parse(r.until) <= Date.now() + 1000));
});

test('B-34 delegation: the delegate has the rights, the log says whose, and it ends at once', async () => {
  const boss = people.boss, deputy = await person('deputy', { dept: 'south' });
  refused(await deputy.get('/api/kit/place'), 403);
  const span = (from, to) => ({ starts: new Date(Date.now() + from).toISOString(), ends: new Date(Date.now() + to).toISOString() });
  const give = (who, body) => who.post('/api/core/delegation', { to_staff: ids.deputy, reason: 'leave', ...span(-1000, 60_000), ...body });
  refused(await give(boss, { owner: ids.hr1 }), 403);
  refused(await give(boss, { to_staff: ids.boss }), 422, null, 'to_staff');
  refused(await give(boss, span(-5000, -1000)), 422, null, 'ends');
  refused(await give(boss, { all_roles: false, roles: [{ role: ids.hr }] }), 422, null, 'roles');
  const d = ok(await give(boss, {}), 201);
  const place = ok(await deputy.post('/api/kit/place', { name: 'for the boss' }), 201);
  const line = async (target) => ok(await admin.get('/api/core/audit?limit=1&filter=' + encodeURIComponent(`target = "${target}"`))).items[0];
  let audit;
  for (let i = 0; i < 50 && !(audit = await line(`kit.place/${place.id}`)); i++) await new Promise((r) => setTimeout(r, 50));
  assert.equal(audit.who_name, 'deputy');
  assert.equal(String(audit.on_behalf), ids.boss);
  // not to be handed on
  const third = await person('third', { dept: 'south' });
  ok(await give(deputy, { to_staff: ids.third }), 201);
  refused(await third.get('/api/kit/place'), 403);
  refused(await third.post(`/api/core/delegation/${d.id}/do/revoke`), 404);
  ok(await boss.post(`/api/core/delegation/${d.id}/do/revoke`));
  refused(await deputy.get('/api/kit/place'), 403);
  // it begins and ends by itself, within the five seconds that a session is remembered
  ok(await give(boss, span(-1000, 1500)), 201);
  ok(await deputy.get('/api/kit/place'));
  const until = Date.now() + 8000;
  while ((await deputy.get('/api/kit/place')).status === 200 && Date.now() < until) await new Promise((r) => setTimeout(r, 200));
  refused(await deputy.get('/api/kit/place'), 403);
});

test('B-34 a delegated scope speaks of the person it comes from', async () => {
  await role('branch.people', { 'core.staff': { read: ['subtree'] } });
  const north = await person('northboss', { dept: 'north1', roles: ['branch.people'] });
  const south = await person('southdep', { dept: 'south' });
  assert.equal(await names(south, '/api/core/staff', 'login'), 'southdep');
  ok(await north.post('/api/core/delegation', { to_staff: ids.southdep, reason: 'away', all_roles: false,
    roles: [{ role: ids['branch.people'] }], starts: new Date(Date.now() - 1000).toISOString(), ends: new Date(Date.now() + 60_000).toISOString() }), 201);
  const seen = await names(south, '/api/core/staff', 'login');
  assert.match(seen, /northboss/);
  assert.match(seen, /southdep/);
  assert.doesNotMatch(seen, /\bss\b|deputy/, 'his own branch is not in the delegated role');
});

test('A-2.4.2 E-P71 partners: own roles and people, never another row, on every path', async () => {
  await role('expo.booth', { 'kit.booth': { read: ['all'], create: true, update: ['all'], delete: ['all'], export: true } });
  const manager = ok(await admin.get('/api/core/role?filter=' + encodeURIComponent('code = "core.partner_manager"'))).items[0].id;
  ids['core.partner_manager'] = manager;
  for (const name of ['acme', 'bolt'])
    await make(admin, 'partner', { name, kind: 'exhibitor', limits: [{ role: manager }, { role: ids['expo.booth'] }] });
  const acme = await person('acme.boss', { partner: 'acme', roles: ['core.partner_manager', 'expo.booth'] });
  const bolt = await person('bolt.boss', { partner: 'bolt', roles: ['core.partner_manager', 'expo.booth'] });
  refused(await acme.post('/api/kit/booth', { name: 'acme booth', partner: ids.bolt }), 422, null, 'partner');
  const hers = ok(await acme.post('/api/kit/booth', { name: 'acme booth' }), 201);
  assert.equal(hers.partner, ids.acme);
  const his = ok(await bolt.post('/api/kit/booth', { name: 'bolt booth' }), 201);
  const host = ok(await admin.post('/api/kit/booth', { name: 'host booth' }), 201);
  for (const id of [his.id, host.id]) {
    refused(await acme.get(`/api/kit/booth/${id}`), 404);
    refused(await acme.patch(`/api/kit/booth/${id}`, { name: 'x' }), 404);
    refused(await acme.delete(`/api/kit/booth/${id}`), 404);
    refused(await acme.get(`/api/kit/booth/${id}/history`), 404);
  }
  assert.equal(await names(acme, '/api/kit/booth'), 'acme booth');
  assert.equal(await names(acme, '/api/kit/booth?filter=' + encodeURIComponent('name ~ "booth"')), 'acme booth');
  assert.equal(ok(await acme.get('/api/kit/booth?q=booth')).count, 1);
  const csv = await (await acme.fetch('GET', '/api/kit/booth/export?format=csv')).text();
  assert.match(csv, /acme booth/);
  assert.doesNotMatch(csv, /bolt|host/);
  refused(await acme.patch(`/api/kit/booth/${hers.id}`, { partner: ids.bolt }), 422, null, 'partner');
  assert.equal(await names(admin, '/api/kit/booth'), 'acme booth bolt booth host booth');
  // what knows no partner is closed, and so are the host's people
  refused(await acme.get('/api/kit/place'), 403);
  refused(await acme.get('/api/core/audit'), 403);
  refused(await acme.get('/api/core/member'), 403);
  assert.equal(await names(acme, '/api/core/staff', 'login'), 'acme.boss');
  assert.equal(await names(acme, '/api/core/partner'), 'acme');
  assert.equal(await names(acme, '/api/core/dept'), '');
  refused(await acme.post('/api/core/dept', { name: 'd', parent: ids.head }), 422, null, 'parent');
  refused(await acme.post('/api/core/dept', { name: 'd', manager: ids.boss }), 422, null, 'manager');
  // files
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  const file = (await bolt.upload('b.png', 'image/png', png)).body;
  assert.equal((await bolt.fetch('GET', file.url)).status, 200);
  assert.equal((await acme.fetch('GET', file.url)).status, 404);
  // her own people and roles, within the limit
  await role('acme.helper', { 'kit.booth': { read: ['all'] } }, acme);
  refused(await acme.post('/api/core/role', { code: 'acme.more', name: 'x', grants: { 'kit.place': { read: ['all'] } } }), 403, 'role_beyond_yours', 'grants');
  refused(await acme.post('/api/core/role', { code: 'acme.aud', name: 'x', grants: { 'core.audit': { read: ['all'] } } }), 403, 'role_beyond_yours');
  assert.equal(await names(acme, '/api/core/role', 'code'), 'acme.helper');
  assert.equal(await names(bolt, '/api/core/role', 'code'), '');
  await make(acme, 'dept', { name: 'acme sales', kind: 'team' });
  const helper = await person('acme.help', { by: acme, dept: 'acme sales', roles: ['acme.helper'] });
  assert.equal(await names(helper, '/api/kit/booth'), 'acme booth');
  refused(await helper.post('/api/kit/booth', { name: 'x' }), 403);
  refused(await bolt.post('/api/core/staff', { login: 'x1', name: 'x', roles: [{ role: ids['acme.helper'] }] }), 422);
  refused(await bolt.post(`/api/auth/staff/${ids['acme.help']}/password`), 404);
  refused(await admin.post('/api/core/staff', { login: 'x2', name: 'x', roles: [{ role: ids['acme.helper'] }] }), 422, null, 'roles');
  // the limit narrows: what lies beyond it is gone, also from roles that were made before
  ok(await admin.patch(`/api/core/partner/${ids.acme}`, { limits: [{ role: manager }] }));
  refused(await helper.get('/api/kit/booth'), 403);
  ok(await admin.patch(`/api/core/partner/${ids.acme}`, { limits: [{ role: manager }, { role: ids['expo.booth'] }] }));
  ok(await helper.get('/api/kit/booth'));
  // frozen: out at once, and not in again
  ok(await admin.post(`/api/core/partner/${ids.acme}/do/freeze`));
  refused(await helper.get('/api/kit/booth'), 401);
  refused(await acme.get('/api/core/staff'), 401);
  ok(await bolt.get('/api/kit/booth'));
  ok(await admin.post(`/api/core/partner/${ids.acme}/do/thaw`));
});

test('A-2.4.2 rows without a partner only by a named scope that the host means for partners', async () => {
  await role('expo.news', { 'kit.place': { read: ['all'], partners: true } });
  await role('expo.dict', { 'core.dictionary': { read: ['any', 'all'], partners: true } });
  const bolt = people['bolt.boss'];
  ok(await admin.patch(`/api/core/partner/${ids.bolt}`, { limits: [{ role: ids['core.partner_manager'] }, { role: ids['expo.booth'] }, { role: ids['expo.news'] }] }));
  ok(await admin.patch(`/api/core/staff/${ids['bolt.boss']}`, { roles: [{ role: ids['core.partner_manager'] }, { role: ids['expo.news'] }] }));
  refused(await bolt.get('/api/kit/place'), 403);
  ok(await bolt.get('/api/core/dictionary'));
});

test('B-35 E-P69 menus by role: an allow-list, hidden ones, the union over roles', async () => {
  const menus = async (who) => ok(await who.get('/api/console/bootstrap')).menus.map((m) => m.id);
  await role('m.wide', { 'kit.place': { read: ['all'] }, 'core.member': { read: ['all'] } });
  await role('m.pick', { menus: ['kit', 'kit.place'] });
  await role('m.hide', { hide_menus: ['core.member'] });
  const wide = await person('mwide', { roles: ['m.wide'] });
  const pick = await person('mpick', { roles: ['m.wide', 'm.pick'] });
  const hide = await person('mhide', { roles: ['m.wide', 'm.hide'] });
  assert.ok((await menus(wide)).includes('core.member'));
  assert.deepEqual((await menus(pick)).sort(), ['kit', 'kit.place']);
  assert.ok(!(await menus(hide)).includes('core.member'));
  assert.ok((await menus(hide)).includes('kit.place'));
});

test('B-36 seats: a total, split over units, taken back, never passed by many at once', async () => {
  const seats = (n) => atrium.operator('PUT', '/operator/tenants/demo/seats', { seats: n });
  const active = ok(await admin.get('/api/core/staff?limit=1&filter=' + encodeURIComponent('state = "active"'))).count;
  assert.equal((await seats(-4)).status, 422);
  assert.equal((await seats(active + 3)).status, 200);
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => admin.post('/api/core/staff', { login: `seat${i}`, name: `seat${i}` })));
  assert.deepEqual(many.map((r) => r.status).filter((s) => s === 201).length, 3, JSON.stringify(many.map((r) => r.status)));
  refused(many.find((r) => r.status !== 201), 409, 'seats_exhausted');
  assert.match(many.find((r) => r.status !== 201).body.detail, /租户 demo/);
  const mine = many.filter((r) => r.status === 201).map((r) => r.body.id);
  // a suspended person leaves his seat; it may be gone when he comes back
  ok(await admin.post(`/api/core/staff/${mine[0]}/do/suspend`));
  const other = ok(await admin.post('/api/core/staff', { login: 'seat.other', name: 'o' }), 201);
  refused(await admin.post(`/api/core/staff/${mine[0]}/do/resume`), 409, 'seats_exhausted');
  ok(await admin.delete(`/api/core/staff/${other.id}`), 204);
  ok(await admin.post(`/api/core/staff/${mine[0]}/do/resume`));
  // split: south holds what it has and one more
  await seats(active + 20);
  const south = ok(await admin.get('/api/core/staff?limit=1&filter=' + encodeURIComponent(`state = "active" and department under "${ids.south}"`))).count;
  refused(await admin.post('/api/core/seat', { dept: ids.south, seats: south - 1 }), 422, null, 'seats');
  refused(await admin.post('/api/core/seat', { dept: ids.south, seats: active + 100 }), 422, null, 'seats');
  refused(await admin.post('/api/core/seat', { seats: 5 }), 422);
  const split = ok(await admin.post('/api/core/seat', { dept: ids.south, seats: south + 1 }), 201);
  ok(await admin.post('/api/core/staff', { login: 'south.last', name: 'l', department: ids.south }), 201);
  const full = await admin.post('/api/core/staff', { login: 'south.more', name: 'm', department: ids.south });
  refused(full, 409, 'seats_exhausted');
  assert.match(full.body.detail, /south/);
  refused(await admin.patch(`/api/core/staff/${ids.nn}`, { department: ids.south }), 409, 'seats_exhausted');
  refused(await people.hr1.post('/api/core/seat', { dept: ids.north, seats: 1 }), 403);
  ok(await admin.delete(`/api/core/seat/${split.id}`), 204);
  ok(await admin.post('/api/core/staff', { login: 'south.more', name: 'm', department: ids.south }), 201);
  await seats(null);
});

test('E-P66 people: changed, deleted, many at once; another tenant sees nobody', async () => {
  const id = ok(await admin.post('/api/core/staff', { login: 'tmp', name: 'tmp' }), 201).id;
  ok(await admin.patch(`/api/core/staff/${id}`, { name: 'tmp 2', email: 'a@example.com' }));
  refused(await admin.patch(`/api/core/staff/${id}`, { login: '1 bad' }), 422, null, 'login');
  ok(await admin.delete(`/api/core/staff/${id}`), 204);
  refused(await admin.get(`/api/core/staff/${id}`), 404);
  const other = await atrium.tenant('other');
  refused(await other.get(`/api/core/staff/${ids.boss}`), 404);
  refused(await other.get(`/api/core/partner/${ids.acme}`), 404);
  refused(await other.post(`/api/auth/staff/${ids.boss}/password`), 404);
});

test('E-P70 dictionaries: edited online, read by everybody, written by who may', async () => {
  const d = ok(await admin.post('/api/core/dictionary', { code: 'colours', name: '颜色', items: [{ code: 'r', title: '红' }, { code: 'g', title: '绿' }] }), 201);
  const read = ok(await people.own.get(`/api/core/dictionary/${d.id}`));
  assert.deepEqual(read.items.map((i) => i.title), ['红', '绿']);
  refused(await people.own.patch(`/api/core/dictionary/${d.id}`, { name: 'x' }), 403);
  ok(await admin.patch(`/api/core/dictionary/${d.id}`, { items: [...read.items.slice(1).map((i) => ({ id: i.id, code: i.code, title: i.title })), { code: 'b', title: '蓝' }] }));
  assert.deepEqual(ok(await people.own.get(`/api/core/dictionary/${d.id}`)).items.map((i) => i.title), ['绿', '蓝']);
  refused(await admin.post('/api/core/dictionary', { code: 'Bad Code', name: 'x' }), 422, null, 'code');
});

test('D-42 A-2.4.1c one call moves a person: department, post, and the posting before it ends', async () => {
  await make(admin, 'post', { name: 'clerk', roles: [{ role: ids['place.reader'] }] });
  const who = await person('walker', { dept: 'north' });
  const move = (by, body) => by.post(`/api/core/staff/${ids.walker}/move`, body);
  assert.equal(ok(await move(admin, { department: ids.south, post: ids.clerk, reason: 'a' })).department, ids.south);
  ok(await who.get('/api/kit/place'));
  ok(await move(admin, { department: ids.north, post: ids.keeper, reason: 'b' }));
  const rows = ok(await admin.get(`/api/core/staff_post?sort=created_at&filter=${encodeURIComponent(`staff = "${ids.walker}"`)}`)).items;
  assert.deepEqual(rows.map((r) => [r.post, Boolean(r.until)]), [[ids.clerk, true], [ids.keeper, false]]);
  refused(await move(admin, {}), 422, null, 'department');
  refused(await move(who, { department: ids.south }), 403);
  refused(await move(people.hr1, { department: ids.south }), 403);
  refused(await move(admin, { department: ids.south, post: '1' }), 422, null, 'post');
  assert.equal(ok(await admin.get(`/api/core/staff/${ids.walker}`)).department, ids.north, 'all or nothing');
});

test('B-35 menus of several roles are set at once, all or none', async () => {
  const set = (by, body) => by.post('/api/core/roles/menus', body);
  ok(await set(admin, { roles: [ids['m.wide'], ids['m.hide']], menus: ['kit.place', 'kit'] }), 204);
  const grants = async (code) => ok(await admin.get(`/api/core/role/${ids[code]}`)).grants;
  assert.deepEqual((await grants('m.wide')).menus, ['kit.place', 'kit']);
  assert.ok((await grants('m.wide'))['core.member']);
  refused(await set(admin, { roles: [ids['m.wide'], ids['m.hide']], menus: ['nowhere'] }), 422);
  refused(await set(admin, { roles: [ids['m.wide'], '1'], menus: null }), 404);
  assert.deepEqual((await grants('m.wide')).menus, ['kit.place', 'kit']);
  refused(await set(people.own, { roles: [ids['m.wide']], menus: null }), 403);
  ok(await set(admin, { roles: [ids['m.wide'], ids['m.hide']], menus: null }), 204);
  assert.equal((await grants('m.wide')).menus, undefined);
});

test('B-34 explain says which role, post, scope or delegation allows what', async () => {
  const ask = async (staff, resource, id) => Object.fromEntries(ok(await admin.get(`/api/core/explain?staff=${ids[staff]}&resource=${resource}${id ? `&id=${id}` : ''}`)).actions.map((a) => [a.action, a]));
  const branch = await ask('intree', 'core.staff', ids.n1);
  assert.equal(branch.read.allowed, true);
  assert.ok(branch.read.reasons.some((r) => r.code === 's.tree' && r.scope === 'subtree' && r.holds === true));
  assert.ok(branch.read.reasons.some((r) => r.scope === 'own' && r.holds === false));
  const far = await ask('intree', 'core.staff', ids.ss);
  assert.equal(far.read.allowed, false);
  assert.match(far.read.reasons.find((r) => r.code === 's.tree').text, /s\.tree.*本部门及下级.*不在范围内/);
  const place = await ask('walker', 'kit.place');
  assert.equal(place.delete.allowed, true);
  assert.ok(place.delete.reasons.some((r) => r.via === 'post' && r.via_name === 'keeper'));
  const away = await ask('southdep', 'core.staff', ids.northboss);
  assert.ok(away.read.reasons.some((r) => r.via === 'delegation' && r.holds === true));
  refused(await people.own.get(`/api/core/explain?staff=${ids.own}&resource=core.staff`), 403);
  refused(await admin.get(`/api/core/explain?staff=1&resource=core.staff`), 404);
  const whole = ok(await admin.get(`/api/core/explain?staff=${ids.nn}`));
  assert.equal(whole.admin, false);
  assert.ok(whole.roles.some((r) => r.via === 'everyone'), JSON.stringify(whole.roles));
  assert.ok(whole.grants['core.dept'].read.length, JSON.stringify(whole.grants));
  refused(await people.nn.get(`/api/core/explain?staff=${ids.nn}`), 403);
});

test('B-36 seats and their use; C-role what a role may speak of', async () => {
  const s = ok(await admin.get('/api/core/seats'));
  assert.equal(s.total, null);
  assert.ok(s.used > 10);
  refused(await people.own.get('/api/core/seats'), 403);
  const catalog = ok(await admin.get('/api/core/grants/catalog'));
  const kit = catalog.find((p) => p.plugin === 'kit');
  const booth = kit.resources.find((r) => r.name === 'kit.booth');
  assert.deepEqual(booth.scopes.map((x) => x.name), ['all', 'own', 'department', 'subtree', 'custom']);
  assert.ok(kit.menus.some((m) => m.id === 'kit.place'));
  const theirs = ok(await people['bolt.boss'].get('/api/core/grants/catalog'));
  assert.ok(!theirs.flatMap((p) => p.resources).some((r) => r.name === 'core.audit'));
  refused(await people.own.get('/api/core/grants/catalog'), 403);
});

test('E-P66 what somebody owns is handed over when he leaves: all resources, by the ordinary path', async () => {
  await role('thing.maker', { 'kit.thing': { read: ['all'], create: true, update: ['all'] }, 'kit.booth': { read: ['all'], create: true, update: ['all'] } });
  const leaver = await person('leaver', { roles: ['thing.maker'], dept: 'north' });
  const heir = await person('heir', { roles: ['thing.maker'], dept: 'north' });
  for (let i = 0; i < 30; i++) ok(await leaver.post('/api/kit/booth', { name: `booth ${i}` }), 201);
  const mine = async (who) => ok(await admin.get(`/api/kit/booth?limit=100&filter=${encodeURIComponent(`owner = "${ids[who]}"`)}`)).items;
  assert.equal((await mine('leaver')).length, 30);
  const give = (by, to) => by.post(`/api/core/staff/${ids.leaver}/hand-over`, { to });
  refused(await give(heir, ids.heir), 403);
  refused(await give(admin, ids.leaver), 422, null, 'to');
  refused(await give(admin, '1'), 422, null, 'to');
  refused(await give(admin, undefined), 422, null, 'to');
  refused(await admin.post('/api/core/staff/1/hand-over', { to: ids.heir }), 404);
  await make(admin, 'staff', { login: 'goner', name: 'goner' });
  ok(await admin.post(`/api/core/staff/${ids.goner}/do/leave`));
  refused(await give(admin, ids.goner), 422, null, 'to');
  const { task } = ok(await give(admin, ids.heir), 202);
  let state;
  for (let i = 0; i < 200; i++) {
    state = ok(await admin.get(`/api/core/task/${task}`));
    if (!['queued', 'running'].includes(state.state)) break;
    await new Promise((r) => setTimeout(r, 50));
  }
  assert.equal(state.state, 'done', JSON.stringify(state));
  assert.equal(state.result.done, 30);
  assert.equal((await mine('leaver')).length, 0);
  const theirs = await mine('heir');
  assert.equal(theirs.length, 30);
  const history = ok(await admin.get(`/api/kit/booth/${theirs[0].id}/history`));
  assert.ok(JSON.stringify(history).includes('owner'), JSON.stringify(history));
});

test('B-34 E-P66 many people at once: what may not be done to one is refused of that row', async () => {
  const hr = people.hr1;
  const plain = await person('plain', { dept: 'north1' });
  const bulk = (action, more) => hr.post('/api/core/staff/bulk', { action, ids: [ids.plain, ids.boss, ids.ss, ids.hr1], ...more });
  const suspended = ok(await bulk('do', { transition: 'suspend' }));
  assert.deepEqual(suspended.items.map((i) => i.ok), [true, false, false, false], JSON.stringify(suspended));
  refused(await plain.get('/api/kit/place'), 401);
  assert.equal(ok(await admin.get(`/api/core/staff/${ids.boss}`)).state, 'active');
  const gone = ok(await bulk('delete'));
  assert.deepEqual(gone.items.map((i) => i.ok), [true, false, false, false], JSON.stringify(gone));
});
