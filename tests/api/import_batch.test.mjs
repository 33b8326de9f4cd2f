// Imports of many rows at once: what is gathered and written together must come out as if
// each row had been written by itself, also when some of them are refused by the tables.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, top } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
});
after(() => atrium?.stop());

const must = (r, ...ok) => { assert.ok(ok.includes(r.status), `${r.status} ${JSON.stringify(r.body)}`); return r.body; };
async function ended(id) {
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(100)) {
    const t = (await admin.get(`/api/core/task/${id}`)).body;
    if (['done', 'failed', 'cancelled'].includes(t?.state)) return t;
  }
  throw new Error('the task does not end' + atrium.log().slice(-1500));
}
/** Uploads, checks and commits; the import and its task. */
async function bring(resource, csv, on_match) {
  const form = new FormData();
  form.append('file', new Blob([csv]), 'a.csv');
  const res = await admin.fetch('POST', `/api/${resource}/import`, { raw: form });
  const up = await res.json();
  assert.equal(res.status, 201, JSON.stringify(up));
  const check = await ended(must(await admin.post(`/api/${resource}/import/${up.id}/check`, { on_match }), 202).task);
  assert.equal(check.state, 'done', JSON.stringify(check));
  const im = must(await admin.get(`/api/${resource}/import/${up.id}`), 200);
  const task = await ended(must(await admin.post(`/api/${resource}/import/${up.id}/commit`, { skip_errors: true }), 202).task);
  assert.equal(task.state, 'done', JSON.stringify(task));
  return { im, task };
}
const all = async (resource, query) => {
  const out = [];
  for (let after = ''; after !== null;) {
    const page = must(await admin.get(`/api/${resource}?limit=200&${query}${after && `&after=${encodeURIComponent(after)}`}`), 200);
    out.push(...page.items);
    after = page.next ?? null;
  }
  return out;
};

test('E-P66 1,300 rows in batches: references, sets, numbers without gaps, history, one line of the log per batch; rows that the tables refuse are named and sink no other', async () => {
  for (const name of ['园区', '一号楼', '二号楼']) must(await admin.post('/api/kit/place', { name }), 201);
  must(await admin.post('/api/kit/thing', { name: '原有', phone: '13900000007' }), 201);
  const first = must(await admin.post('/api/kit/thing', { name: '又有', phone: '13900001007' }), 201);
  // Lines 9 and 1009 bring a telephone that a record has already, which only the tables know.
  const rows = Array.from({ length: 1300 }, (_, i) => [`批${i}`, ['园区', '一号楼', '二号楼'][i % 3], '园区;二号楼', `标${i % 7}；x`,
    i === 7 || i === 1007 ? `1390000${String(i).padStart(4, '0')}` : `13811${String(i).padStart(6, '0')}`, '3.50', i % 2 ? '甲' : 'b']);
  const { im, task } = await bring('kit/thing', ['名称,地点,相关地点,标签,电话,单价,等级', ...rows.map((r) => r.join(','))].join('\n'));
  assert.deepEqual([im.counts.create, im.counts.errors], [1300, 0], JSON.stringify(im.counts));
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 1298, updated: 0, skipped: 0, failed: 2 });
  const bad = must(await admin.get(`/api/kit/thing/import/${im.id}/rows?only=errors`), 200).items;
  assert.deepEqual(bad.map((r) => [r.line, r.errors[0].field, r.errors[0].code]), [[9, 'phone', 'not_unique'], [1009, 'phone', 'not_unique']]);

  const made = await all('kit/thing', 'filter=' + encodeURIComponent('name starts "批"') + '&expand=place,places&fields=name,place,places,words,phone,price,grade,serial,ticket,version');
  assert.equal(made.length, 1298);
  assert.equal(new Set(made.map((x) => x.name)).size, 1298);
  const year = new Date().getFullYear();
  const numbers = made.map((x) => Number(x.serial.replace(`K${year}-`, ''))).sort((a, b) => a - b);
  const own = Number(first.serial.replace(`K${year}-`, ''));
  assert.deepEqual(numbers, Array.from({ length: 1298 }, (_, i) => own + 1 + i), 'gapless, one for each');
  assert.equal(new Set(made.map((x) => x.ticket)).size, 1298);
  const one = made.find((x) => x.name === '批100');
  assert.equal(one.place.label, '一号楼');
  assert.deepEqual(one.places.map((x) => x.label), ['园区', '二号楼']);
  assert.deepEqual([one.words, one.price, one.grade, one.version], [['标2', 'x'], 350, 'b', 1]);
  const next = must(await admin.post('/api/kit/thing', { name: '其后' }), 201);
  assert.equal(Number(next.serial.replace(`K${year}-`, '')), own + 1299);

  const tagged = await all('kit/thing', 'fields=name&filter=' + encodeURIComponent('words has ("标3")'));
  assert.equal(tagged.length, rows.filter((_, i) => i % 7 === 3 && i !== 7 && i !== 1007).length);
  const history = must(await admin.get(`/api/kit/thing/${one.id}/history`), 200).items;
  assert.equal(history.length, 1);
  assert.equal(history[0].action, 'create');
  assert.ok(history[0].changes.some((c) => c.field === 'phone' && c.after === '13811000100'));

  const lines = (await all('core/audit', 'filter=' + encodeURIComponent('action="import.rows"')));
  assert.ok(lines.length >= 3 && lines.length <= 4, `${lines.length} lines`);
  const told = lines.map((l) => (typeof l.detail === 'string' ? JSON.parse(l.detail) : l.detail));
  assert.equal(told.reduce((n, d) => n + d.created, 0), 1298);
  assert.ok(told.every((d) => d.import === im.id));
});

test('E-P66 updates in batches: only what differs, versions, history; a row named twice in the file is changed in its order', async () => {
  await bring('kit/booth', ['名称', ...Array.from({ length: 600 }, (_, i) => `位${i}`)].join('\n'));
  const csv = ['name,备注', ...Array.from({ length: 600 }, (_, i) => `位${i},第${i}号`), '新位,甲', '位3,又改', '新位,乙'].join('\n');
  const { im, task } = await bring('kit/booth', csv, 'update');
  assert.deepEqual([im.counts.create, im.counts.update], [1, 602]);
  assert.deepEqual({ ...task.result, import: 0 }, { import: 0, created: 1, updated: 602, skipped: 0, failed: 0 });
  const rows = await all('kit/booth', 'fields=name,note,version');
  assert.equal(rows.length, 601);
  const named = (list, name) => list.find((r) => r.name === name);
  assert.deepEqual([named(rows, '位5').note, named(rows, '位5').version], ['第5号', 2]);
  assert.deepEqual([named(rows, '位3').note, named(rows, '位3').version], ['又改', 3]);
  assert.deepEqual([named(rows, '新位').note, named(rows, '新位').version], ['乙', 2]);
  const history = must(await admin.get(`/api/kit/booth/${named(rows, '位3').id}/history`), 200).items;
  assert.deepEqual(history.map((h) => h.changes.find((c) => c.field === 'note')?.after ?? null).sort(), ['又改', '第3号', null].sort());
  const plain = csv.split('\n').slice(0, 601).join('\n').replace('位3,第3号', '位3,又改');
  const same = await bring('kit/booth', plain, 'update');
  assert.equal(same.task.result.updated, 600);
  const again = await all('kit/booth', 'fields=name,version');
  assert.ok(again.every((r) => r.version === named(rows, r.name).version), 'nothing differed: no new version');
});
