// A file is many writes: no row of it may do what the person may not do by hand.
import { setTimeout as sleep } from 'node:timers/promises';
import { grantOf, resources } from '../oracle.mjs';

const { path } = resources['pol.doc'];
const headings = { code: '单号', title: '标题', amount: '金额', note: '备注' };
let count = 0;

async function ended(api, id) {
  for (let i = 0; i < 400; i++) {
    const t = (await api.get(`/api/core/task/${id}`)).body;
    if (['done', 'failed', 'cancelled'].includes(t?.state)) return t;
    await sleep(25);
  }
  throw new Error(`task ${id} does not end`);
}

export async function imported({ check, o, world }, p) {
  const form = new FormData();
  const columns = world.r.chance(0.5) ? ['code', 'title', 'amount'] : ['code', 'title', 'note'];
  const hit = world.r.pick(o.rows('pol.doc')), fresh = `I${process.pid % 1000}${count++}`;
  const title = `入 ${p.name} ${count} ${world.mark}`;
  const cell = (c, code) => ({ code, title, amount: '12.50', note: `注 ${world.mark}` })[c];
  const text = [columns.map((c) => headings[c]), ...[hit.code, fresh].map((code) => columns.map((c) => cell(c, code)))].map((l) => l.join(',')).join('\r\n');
  form.append('file', new Blob([text]), 'rows.csv');
  const res = await p.api.fetch('POST', `${path}/import`, { raw: form });
  const up = { status: res.status, body: await res.json() };
  const g = grantOf(p, 'pol.doc');
  const may = g !== null && g.import && (g.create || g.update.length > 0);
  check.status('import', `${p.name} sends a file`, up, may ? [201, 403] : 403);
  if (p.admin) check.status('import', `${p.name} sends a file`, up, 201);
  if (up.status !== 201 || !may || p.kind === 'key') return; // a program's long work has nobody to watch it
  for (const f of up.body.fields.filter((x) => columns.includes(x.name)))
    if (!o.writes(p, 'pol.doc', f.name)) check.ok('import', `${p.name}: ${f.name} is not offered`, f.allowed === false, f);
  const blocked = columns.filter((c) => !o.writes(p, 'pol.doc', c));
  const asked = await p.api.post(`${path}/import/${up.body.id}/check`, { mapping: columns, on_match: g.update.length ? 'update' : 'skip' });
  if (blocked.length) { check.status('import field', `${p.name} brings ${blocked}`, asked, g.create ? 422 : [422, 403]); return; }
  if (asked.status === 202) {
    await ended(p.api, asked.body.task);
    const rows = (await p.api.get(`${path}/import/${up.body.id}/rows?limit=10`)).body.items ?? [];
    // The preview shows what was sent, never what is there.
    const now = hit.note ?? '';
    if (now && !o.shows(p, 'pol.doc', 'note')) check.ok('import', `${p.name}: the preview keeps ${hit.id} to itself`, !JSON.stringify(rows).includes(now), rows);
    const go = await p.api.post(`${path}/import/${up.body.id}/commit`, { skip_errors: true });
    if (go.status === 202) await ended(p.api, go.body.task);
  }
  const change = o.changes(p, 'pol.doc', hit, 'update') === 200;
  if (!hit.deleted) {
    const now = (await world.admin.get(`${path}/${hit.id}`)).body;
    check.equal('import', `${p.name} ${hit.id} by import`, now.title, change ? title : hit.title);
    hit.title = now.title;
    hit.amount = now.amount;
    hit.note = now.note;
  }
  const made = (await world.admin.get(`${path}?filter=${encodeURIComponent(`code = "${fresh}"`)}`)).body.items ?? [];
  check.equal('import', `${p.name} makes a row by import`, made.length, o.creates(p, 'pol.doc') ? 1 : 0);
  for (const row of made) await world.admin.delete(`${path}/${row.id}`);
}
