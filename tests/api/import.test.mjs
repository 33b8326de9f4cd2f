// Files brought in: CSV and XLSX, preview, errors, commit as a task, resumption.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

async function ended(api, id, ms = 30_000) {
  for (const until = Date.now() + ms; Date.now() < until; await sleep(100)) {
    const t = (await api.get(`/api/core/task/${id}`).catch(() => ({ body: {} }))).body;
    if (['done', 'failed', 'cancelled'].includes(t?.state)) return t;
  }
  throw new Error('the task does not end: ' + JSON.stringify((await api.get(`/api/core/task/${id}`)).body) + atrium.log().slice(-1500));
}
async function upload(api, resource, name, bytes) {
  const form = new FormData();
  form.append('file', new Blob([bytes]), name);
  const res = await api.fetch('POST', `/api/${resource}/import`, { raw: form });
  return { status: res.status, body: await res.json() };
}
async function checked(api, resource, up, body = {}) {
  const r = await api.post(`/api/${resource}/import/${up.id}/check`, body);
  assert.equal(r.status, 202, JSON.stringify(r.body));
  const task = await ended(api, r.body.task);
  assert.equal(task.state, 'done', JSON.stringify(task));
  return (await api.get(`/api/${resource}/import/${up.id}`)).body;
}
async function committed(api, resource, up, body = {}) {
  const r = await api.post(`/api/${resource}/import/${up.id}/commit`, body);
  assert.equal(r.status, 202, JSON.stringify(r.body));
  return ended(api, r.body.task);
}

test('E-P66 staff from CSV: headings, departments by path, roles by name, errors by row, error file', async () => {
  const head = (await admin.post('/api/core/dept', { name: '总部' })).body;
  const sales = (await admin.post('/api/core/dept', { name: '销售部', parent: head.id })).body;
  await admin.post('/api/core/dept', { name: '销售部' });
  const csv = '登录名*,姓名 （必填）,手机号,部门,角色,备注\r\n' +
    'zhang,张三,138 0000-1001,总部/销售部,全体员工,a\r\n' +
    'li,李四,13800001002,销售部,,b\r\n' +
    ',王五,123,没有的部,没有的角色,c\r\n' +
    'zhang,张三二,13800001003,总部,,d\r\n' +
    'zhao,赵六,13800001004,总部,审计员;全体员工,"e ""q"", x"\r\n,,,,,\r\n';
  const up = await upload(admin, 'core/staff', '员工.csv', '\ufeff' + csv);
  assert.equal(up.status, 201, JSON.stringify(up.body));
  assert.deepEqual(up.body.mapping, ['login', 'name', 'phone', 'department', 'roles', null]);
  assert.equal(up.body.columns[0].heading, '登录名*');
  const im = await checked(admin, 'core/staff', up.body);
  assert.equal(im.state, 'checked');
  assert.deepEqual([im.counts.rows, im.counts.create, im.counts.skip, im.counts.errors], [5, 2, 1, 2], JSON.stringify(im.counts));
  const rows = (await admin.get(`/api/core/staff/import/${im.id}/rows?only=errors`)).body.items;
  assert.deepEqual(rows.map((r) => r.line), [3, 4]);
  assert.equal(rows[0].errors[0].code, 'ref_ambiguous');
  assert.deepEqual(new Set(rows[1].errors.map((e) => e.field)), new Set(['login', 'phone', 'department', 'roles']));
  assert.equal((await admin.post(`/api/core/staff/import/${im.id}/commit`)).body.code, 'import_has_errors');
  const task = await committed(admin, 'core/staff', im, { skip_errors: true });
  assert.equal(task.state, 'done', JSON.stringify(task));
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 2, updated: 0, skipped: 1, failed: 2 });
  const zhang = (await admin.get('/api/core/staff?filter=login="zhang"&expand=department,roles&reveal=phone')).body.items[0];
  assert.equal(zhang.phone, '13800001001');
  assert.equal(zhang.department.id, sales.id);
  assert.equal(zhang.roles.length, 1);
  const file = await (await admin.fetch('GET', `/api/core/staff/import/${im.id}/failed`)).text();
  assert.match(file, /原因 Reason/);
  assert.match(file, /没有的部[^\n]*找不到“没有的部”/);
  assert.match(file, /There is no “没有的部”/);
  const again = await upload(admin, 'core/staff', 'x.csv', file);
  assert.equal(again.body.mapping.at(-1), null);
});

test('E-P66 GB18030, semicolons, update of what is there, cells left blank stay', async () => {
  const { execFileSync } = await import('node:child_process');
  assert.equal((await admin.post('/api/core/staff', { login: 'gbzhang', name: '张三', phone: '13800002001' })).status, 201);
  const gb = execFileSync('iconv', ['-f', 'UTF-8', '-t', 'GB18030'], { input: '登录名;姓名;手机号\ngbzhang;张三丰;\n新人;x;\n' });
  const up = (await upload(admin, 'core/staff', 'gb.csv', gb)).body;
  assert.deepEqual([up.encoding, up.delimiter], ['gb18030', ';']);
  const im = await checked(admin, 'core/staff', up, { on_match: 'update' });
  assert.deepEqual([im.counts.update, im.counts.errors], [1, 1], JSON.stringify(im.counts));
  const task = await committed(admin, 'core/staff', im, { skip_errors: true });
  assert.equal(task.result.updated, 1, JSON.stringify(task));
  const row = (await admin.get('/api/core/staff?filter=login="gbzhang"&reveal=phone')).body.items[0];
  assert.equal(row.name, '张三丰');
  assert.equal(row.phone, '13800002001');
});

test('E-P66 the template is read back; formats; who may', async () => {
  const res = await admin.fetch('GET', '/api/core/staff/import/template?format=xlsx');
  assert.equal(res.status, 200);
  const bytes = Buffer.from(await res.arrayBuffer());
  assert.equal(bytes.subarray(0, 2).toString(), 'PK');
  const up = await upload(admin, 'core/staff', 't.xlsx', bytes);
  assert.equal(up.status, 422);
  assert.equal(up.body.fields.file !== undefined, true, JSON.stringify(up.body));
  const csv = await (await admin.fetch('GET', '/api/core/staff/import/template?format=csv', { headers: { 'accept-language': 'en' } })).text();
  assert.match(csv, /^\ufeff?Login,Name,/);
  assert.equal((await admin.get('/api/core/staff/import/template?format=pdf')).status, 422);
  assert.equal((await upload(admin, 'core/staff', 'x.xls', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0, 0, 0, 0]))).body.code, 'import_old_excel');
  assert.equal((await upload(admin, 'core/staff', 'x.xlsx', Buffer.from('PK\u0003\u0004 nothing of a zip'))).body.code, 'import_bad_file');
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'plain', name: '普通', admin: false });
  const plain = new Api(admin.base);
  await plain.login('plain', made.body.password);
  assert.equal((await upload(plain, 'core/staff', 'a.csv', '登录名,姓名\na1,b\n')).status, 403);
  const mine = (await upload(admin, 'core/staff', 'a.csv', '登录名,姓名\na1,b\n')).body;
  assert.equal((await plain.get(`/api/core/staff/import/${mine.id}`)).status, 403);
  const other = await atrium.tenant('other');
  assert.equal((await other.get(`/api/core/staff/import/${mine.id}`)).status, 404);
  assert.equal((await other.get(`/api/core/staff/import/${mine.id}/rows`)).status, 404);
  assert.equal((await admin.post(`/api/core/staff/import/${mine.id}/commit`)).body.code, 'import_not_checked');
  const bad = await admin.post(`/api/core/staff/import/${mine.id}/check`, { mapping: ['login', 'login'] });
  assert.equal(bad.status, 422);
  assert.ok(bad.body.fields['mapping.1']);
});

test('E-P66 20,000 rows, a tenth of them twice; kill -9 of the worker in the middle: no row lost, none doubled', async () => {
  const dept = await admin.post('/api/core/dept', { name: '批量部' });
  assert.equal(dept.status, 201, JSON.stringify(dept.body));
  const lines = ['登录名,姓名,部门'];
  for (let i = 0; i < 20000; i++) {
    const n = i % 10 === 9 ? i - 9 : i; /* the key of a row above */
    lines.push(`bulk${n},员工${n},批量部`);
  }
  const up = (await upload(admin, 'core/staff', 'bulk.csv', lines.join('\n'))).body;
  const im = await checked(admin, 'core/staff', up);
  assert.deepEqual([im.counts.create, im.counts.skip, im.counts.errors], [18000, 2000, 0]);
  const page = (await admin.get(`/api/core/staff/import/${im.id}/rows?limit=100`)).body;
  assert.equal(page.items.length, 100);
  assert.equal((await admin.get(`/api/core/staff/import/${im.id}/rows?after=${page.next}&limit=1`)).body.items[0].line, 102);
  const r = await admin.post(`/api/core/staff/import/${im.id}/commit`);
  assert.equal((await admin.post(`/api/core/staff/import/${im.id}/commit`)).body.code, 'import_busy');
  let killed = false;
  for (const until = Date.now() + 30_000; Date.now() < until && !killed; await sleep(5)) {
    const t = (await admin.get(`/api/core/task/${r.body.task}`)).body;
    assert.notEqual(t.state, 'done', 'done before it could be killed');
    if (t.done >= 1000) {
      process.kill(atrium.workers()[0], 'SIGKILL');
      killed = true;
    }
  }
  assert.ok(killed);
  await atrium.ready();
  const task = await ended(admin, r.body.task);
  assert.equal(task.state, 'done', JSON.stringify(task));
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 18000, updated: 0, skipped: 2000, failed: 0 });
  const all = (await admin.get('/api/core/staff?filter=name ~ "员工"&limit=1')).body;
  assert.ok(all.count_capped || all.count === 18000);
  let n = 0;
  const csv = await (await admin.fetch('GET', `/api/core/staff/export?format=csv&fields=login&filter=${encodeURIComponent('name ~ "员工"')}`)).text();
  const logins = csv.split('\r\n').filter((l) => l.startsWith('bulk'));
  n = new Set(logins).size;
  assert.equal(logins.length, 18000);
  assert.equal(n, 18000);
});

test('E-P66 a cancelled import keeps what is done and may go on', async () => {
  const lines = ['登录名,姓名'];
  for (let i = 0; i < 8000; i++) lines.push(`stop${i},停${i}`);
  const up = (await upload(admin, 'core/staff', 'stop.csv', lines.join('\n'))).body;
  const im = await checked(admin, 'core/staff', up);
  const r = await admin.post(`/api/core/staff/import/${im.id}/commit`);
  for (let i = 0; i < 1000; i++) {
    if ((await admin.get(`/api/core/task/${r.body.task}`)).body.done >= 500) break;
    await sleep(5);
  }
  assert.equal((await admin.post(`/api/core/task/${r.body.task}/do/cancel`)).status, 200);
  const half = (await ended(admin, r.body.task));
  assert.equal(half.state, 'cancelled');
  const task = await committed(admin, 'core/staff', im);
  assert.equal(task.state, 'done');
  assert.equal(task.result.created, 8000, 'both halves together');
  assert.equal(task.result.failed, 0);
});

test('E-P66 export as a task: a signed link for who asked alone, GB18030, rights at run time', async () => {
  assert.equal((await admin.post('/api/core/staff', { login: 'out', name: '出口' })).status, 201);
  const r = await admin.post('/api/core/staff/export', { format: 'csv', encoding: 'gb18030', fields: 'login,name', filter: 'login = "out"' });
  assert.equal(r.status, 202, JSON.stringify(r.body));
  const task = await ended(admin, r.body.task);
  assert.equal(task.state, 'done', JSON.stringify(task));
  assert.equal(task.result.rows, 1);
  const res = await admin.fetch('GET', task.result.url);
  assert.equal(res.status, 200);
  const text = new TextDecoder('gb18030').decode(await res.arrayBuffer());
  assert.equal(text, '登录名,姓名\r\nout,出口\r\n');
  assert.equal((await admin.get(task.result.url.replace(/sig=./, 'sig=z'))).status, 404);
  assert.equal((await admin.anonymous().get(task.result.url)).status, 404);
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'plain2', name: '普通', admin: false });
  const plain = new Api(admin.base);
  await plain.login('plain2', made.body.password);
  assert.equal((await plain.get(task.result.url)).status, 404);
  assert.equal((await plain.post('/api/core/staff/export', {})).status, 403);
  assert.equal((await admin.post('/api/core/staff/export', { format: 'pdf' })).status, 422);
  assert.equal((await admin.post('/api/core/staff/export', { format: 'xlsx', encoding: 'gb18030' })).status, 422);
  const log = (await admin.get('/api/core/audit?filter=action="download"')).body.items;
  assert.ok(log.length >= 1);
});
