// The working-day calendar: a year, days, ranges, rights.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Atrium, Api } from '../lib/atrium.mjs';

let atrium, admin, other, clerk;
const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo');
  other = await atrium.tenant('other');
  const made = ok(await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'clerk', name: 'clerk', admin: false }), 201);
  clerk = new Api(admin.base);
  await clerk.login('clerk', made.password);
});
after(() => atrium?.stop());
const at = (date) => Math.round((Date.parse(date) - Date.parse(`${date.slice(0, 4)}-01-01`)) / 86400e3);

test('E-P65 a year without rows is Monday to Friday; initialising stores it and keeps what was adjusted', async () => {
  const plain = ok(await admin.get('/api/core/calendar/2028'));
  assert.equal(plain.days.length, 366);
  assert.equal(plain.initialised, false);
  let weekdays = 0;
  for (let i = 0; i < 366; i++) {
    const d = new Date(Date.UTC(2028, 0, 1 + i)).getUTCDay();
    assert.equal(plain.days[i], d === 0 || d === 6 ? 'h' : 'w', `day ${i}`);
    weekdays += d !== 0 && d !== 6;
  }
  assert.equal(plain.workdays, weekdays);
  ok(await admin.call('PUT', '/api/core/calendar/days', { from: '2028-05-01', kind: 'holiday', note: '劳动节' }));
  const init = ok(await admin.post('/api/core/calendar/2028/init'));
  assert.equal(init.initialised, true);
  assert.equal(init.days[at('2028-05-01')], 'H');
  assert.equal(init.notes['2028-05-01'], '劳动节');
  assert.equal(init.workdays, weekdays - 1);
  assert.equal(ok(await admin.get('/api/core/calendar_day?limit=1')).count, 366);
  assert.deepEqual(ok(await admin.post('/api/core/calendar/2028/init')), init);
  assert.equal(ok(await other.get('/api/core/calendar/2028')).initialised, false);
});

test('E-P65 days singly and by range, back to plain; also as ordinary records', async () => {
  const set = (body) => admin.call('PUT', '/api/core/calendar/days', body);
  const y = ok(await set({ from: '2026-10-01', to: '2026-10-07', kind: 'holiday', note: '国庆' }));
  for (let d = 1; d <= 7; d++) assert.equal(y.days[at(`2026-10-0${d}`)], 'H');
  assert.equal(y.days[at('2026-10-08')], 'w');
  assert.equal(ok(await set({ from: '2026-10-10', kind: 'adjusted' })).days[at('2026-10-10')], 'A');
  assert.equal(ok(await set({ from: '2026-10-01', to: '2026-10-02', kind: null })).days[at('2026-10-01')], 'W');
  const row = ok(await admin.get(`/api/core/calendar_day?filter=${encodeURIComponent('date = 2026-10-10')}`)).items[0];
  ok(await admin.patch(`/api/core/calendar_day/${row.id}`, { kind: 'holiday' }));
  assert.equal(ok(await admin.get('/api/core/calendar/2026')).days[at('2026-10-10')], 'H');
  assert.equal((await admin.post('/api/core/calendar_day', { date: '2026-10-10', kind: 'workday' })).status, 422);
});

test('E-P65 bad input names its field; who may only read cannot write', async () => {
  const field = async (body, name) => {
    const r = await admin.call('PUT', '/api/core/calendar/days', body);
    assert.equal(r.status, 422, JSON.stringify(body));
    assert.deepEqual(Object.keys(r.body.fields), [name]);
  };
  await field({ from: '2026-02-30', kind: 'holiday' }, 'from');
  await field({ kind: 'holiday' }, 'from');
  await field({ from: '2026-02-02', to: '2026-02-01', kind: 'holiday' }, 'to');
  await field({ from: '2026-01-01', to: '2028-01-01', kind: 'holiday' }, 'to');
  await field({ from: '2026-01-01', kind: 'sunday' }, 'kind');
  await field({ from: '2026-01-01', kind: 'holiday', note: 'x'.repeat(101) }, 'note');
  assert.equal((await admin.get('/api/core/calendar/1999')).status, 404);
  const seen = ok(await clerk.get('/api/core/calendar/2026'));
  assert.equal(seen.writable, false);
  assert.equal((await clerk.call('PUT', '/api/core/calendar/days', { from: '2026-01-01', kind: 'holiday' })).status, 403);
  assert.equal((await clerk.post('/api/core/calendar/2026/init')).status, 403);
  assert.equal((await new Api(admin.base).get('/api/core/calendar/2026')).status, 401);
});
