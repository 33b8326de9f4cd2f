// Many rows at once go through the same gate, row by row.
import { resources } from '../oracle.mjs';

const { path } = resources['pol.doc'];
let count = 0;

export async function bulk({ check, o, world }, p) {
  const rows = world.r.some(o.rows('pol.doc'), 15 / o.rows('pol.doc').length);
  const note = `批改 ${p.name} ${count++} ${world.mark}`;
  const r = await p.api.post(`${path}/bulk`, { action: 'update', ids: rows.map((x) => x.id), set: { note } });
  const any = rows.some((x) => o.changes(p, 'pol.doc', x, 'update') !== 403 || o.sees(p, 'pol.doc', x));
  if (r.status !== 200) {
    check.status('bulk', `${p.name} update`, r, any && o.reads(p, 'pol.doc') ? [200, 403, 422] : [403, 404, 422]);
  } else {
    for (const x of rows) {
      const res = r.body.items.find((k) => k.id === x.id);
      const may = o.changes(p, 'pol.doc', x, 'update') === 200 && o.writes(p, 'pol.doc', 'note');
      check.equal('bulk', `${p.name} update ${x.id}`, res?.ok === true, may);
      if (may && res?.ok) x.note = note;
    }
  }
  for (const x of rows.filter((y) => !y.deleted)) {
    const now = await world.admin.get(`${path}/${x.id}`);
    check.equal('bulk', `${x.id} after ${p.name}`, now.body.note, x.note);
  }
  const gone = await p.api.post(`${path}/bulk`, { action: 'delete', ids: rows.map((x) => x.id) });
  for (const x of gone.body?.items ?? []) {
    const row = o.row('pol.doc', x.id);
    if (!x.ok) continue;
    check.ok('bulk', `${p.name} delete ${x.id}`, o.changes(p, 'pol.doc', row, 'delete') === 200, x);
    await world.admin.post(`${path}/${x.id}/restore`);
  }
}
