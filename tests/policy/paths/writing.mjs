// create, update, delete, restore, transitions: who may, which rows, which fields.
import { resources } from '../oracle.mjs';

const doc = resources['pol.doc'];
let count = 0;

export async function create({ check, o, world }, p) {
  const whole = { code: `C${process.pid % 1000}${count++}`, title: `新 ${world.mark}` };
  const may = o.creates(p, 'pol.doc');
  const blocked = Object.keys(whole).filter((f) => !o.writes(p, 'pol.doc', f));
  const r = await p.api.post(doc.path, whole);
  if (!may) check.status('create', p.name, r, 403);
  else if (blocked.length) check.status('create', `${p.name} without ${blocked}`, r, 422, blocked[0]);
  else check.status('create', p.name, r, 201);
  if (r.status === 201) {
    const back = await world.admin.get(`${doc.path}/${r.body.id}`);
    check.equal('create', `${p.name} owns what he makes`, back.body.owner, p.id);
    await world.admin.delete(`${doc.path}/${r.body.id}`);
  }
  if (!may || blocked.length) return;
  for (const [f, v] of [['note', 'x'], ['amount', 5], ['grade', 'low'], ['owner', world.principals.find((x) => x.id).id]]) {
    if (o.writes(p, 'pol.doc', f)) continue;
    check.status('create field', `${p.name} sets ${f}`, await p.api.post(doc.path, { ...whole, code: `C${process.pid % 1000}${count++}`, [f]: v }), 422, f);
  }
}

export async function update({ check, o, world }, p) {
  const rows = world.r.some(o.rows('pol.doc'), 12 / o.rows('pol.doc').length);
  for (const row of rows) {
    const want = o.changes(p, 'pol.doc', row, 'update');
    for (const [f, v] of [['note', `由 ${p.name} 改 ${count++} ${world.mark}`], ['amount', (row.amount ?? 0) + 1]]) {
      const r = await p.api.patch(`${doc.path}/${row.id}`, { [f]: v });
      if (want === 200 && !o.writes(p, 'pol.doc', f)) { check.status('update field', `${p.name} ${row.id} ${f}`, r, 422, f); continue; }
      check.status('update', `${p.name} ${row.id} ${f}`, r, want);
      if (r.status === 200) row[f] = v;
      if (r.status === 200) for (const k of Object.keys(r.body)) check.ok('update', `${p.name} answer shows ${k}`, o.shows(p, 'pol.doc', k), k);
    }
    // What was refused has changed nothing.
    const now = await world.admin.get(`${doc.path}/${row.id}`);
    if (!row.deleted) check.equal('update', `${row.id} is as it should be after ${p.name}`, [now.body.note, now.body.amount], [row.note, row.amount]);
  }
  const taken = o.rows('pol.doc').find((x) => !x.deleted && o.changes(p, 'pol.doc', x, 'update') === 200);
  const lineless = taken && o.writes(p, 'pol.doc', 'lines') && o.shows(p, 'pol.doc', 'lines');
  if (lineless && !o.writes(p, 'pol.line', 'price')) {
    const have = (await world.admin.get(`${doc.path}/${taken.id}`)).body.lines;
    const r = await p.api.patch(`${doc.path}/${taken.id}`, { lines: [...have.map((l) => ({ id: l.id })), { item: 'x', price: 7 }] });
    check.status('update child field', `${p.name} ${taken.id} lines.price`, r, 422, `lines.${have.length}.price`);
  }
}

export async function bin({ check, o, world }, p) {
  for (const row of world.r.some(o.rows('pol.doc'), 5 / o.rows('pol.doc').length)) {
    const want = o.changes(p, 'pol.doc', row, 'delete');
    const r = await p.api.delete(`${doc.path}/${row.id}`);
    const used = o.rows('pol.entry').some((e) => e.doc === row.id);
    check.status('delete', `${p.name} ${row.id}`, r, want === 200 ? (used ? 409 : 204) : want);
    if (r.status !== 204) continue;
    row.deleted = true;
    check.status('delete', `${p.name} ${row.id} is gone`, await world.admin.get(`${doc.path}/${row.id}`), 404);
    const back = await world.admin.post(`${doc.path}/${row.id}/restore`);
    check.status('restore', `${row.id}`, back, 200);
    if (back.status === 200) row.deleted = false;
  }
  const gone = world.r.some(o.rows('pol.doc').filter((x) => x.deleted), 0.3);
  for (const row of gone) {
    const want = o.changes(p, 'pol.doc', { ...row, deleted: false }, 'delete');
    const r = await p.api.post(`${doc.path}/${row.id}/restore`);
    check.status('restore', `${p.name} ${row.id}`, r, want);
    if (r.status === 200) await world.admin.delete(`${doc.path}/${row.id}`);
  }
}

export async function transitions({ check, o, world }, p) {
  const owners = [p.id, world.r.pick(world.principals).id].filter(Boolean);
  for (const owner of owners) {
    const row = await world.add('pol.doc', { code: `T${process.pid % 1000}${count++}`, title: `试 ${world.mark}`, owner, dept: world.r.pick([...world.depts.values()]).id,
      note: null, amount: world.r.pick([null, 600000]), grade: 'mid', due: null, area: null, phone: null, remark: null, picture: null }, true);
    for (const t of ['open', 'shut']) {
      const r = await p.api.post(`${doc.path}/${row.id}/do/${t}`);
      const want = o.does(p, 'pol.doc', row, t);
      const from = t === 'open' ? 'draft' : 'open';
      check.status('transition', `${p.name} ${t} ${row.id}`, r, want === 200 && row.state !== from ? 409 : want);
      if (r.status === 200) row.state = t;
    }
    await world.admin.delete(`${doc.path}/${row.id}`);
  }
}

export async function appendOnly({ check, o, world }, p) {
  const row = world.r.pick(o.rows('pol.entry'));
  for (const method of ['PATCH', 'DELETE'])
    check.status('append only', `${p.name} ${method}`, await p.api.call(method, `/api/pol/entry/${row.id}`, { what: 'x' }), [403, 404, 405]);
  const r = await p.api.post('/api/pol/entry', { doc: row.doc, what: `新 ${world.mark}`, cents: 100 });
  const blocked = ['what', 'cents'].filter((f) => !o.writes(p, 'pol.entry', f));
  if (!o.creates(p, 'pol.entry')) check.status('create', `${p.name} entry`, r, 403);
  else if (blocked.length) check.status('create field', `${p.name} entry ${blocked}`, r, 422, blocked[0]);
  else if (r.status === 201) o.rows('pol.entry').push({ id: r.body.id, doc: row.doc, what: `新 ${world.mark}`, cents: 100, dept: p.dept });
}
