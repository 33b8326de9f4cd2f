// Masks come off one at a time, for whom a role lets it, and each time is noted.
import { resources } from '../oracle.mjs';

const { path } = resources['pol.doc'];

export async function reveal({ check, o, world }, p) {
  for (const row of world.r.some(o.rows('pol.doc'), 8 / o.rows('pol.doc').length)) {
    for (const f of ['phone', 'remark']) {
      const r = await p.api.post(`${path}/${row.id}/reveal`, { fields: [f], reason: '核对' });
      const may = o.reveals(p, 'pol.doc', f);
      const want = !o.reads(p, 'pol.doc') ? 403 : !o.sees(p, 'pol.doc', row) ? [403, 404] : may ? 200 : f === 'remark' && o.plain(p, 'pol.doc', f) ? [200, 403, 422] : 403;
      check.status('reveal', `${p.name} ${row.id} ${f}`, r, want);
      if (r.status === 200 && may && o.masks(p, 'pol.doc', f)) check.equal('reveal', `${p.name} ${row.id} ${f}`, r.body[f], row[f]);
    }
  }
  if (!o.reads(p, 'pol.doc')) return;
  const r = await p.api.get(`${path}?limit=50&reveal=phone`);
  check.status('reveal', `${p.name} in a list`, r, o.reveals(p, 'pol.doc', 'phone') ? 200 : 403);
  for (const it of r.status === 200 ? r.body.items : []) if (it.phone) check.equal('reveal', `${p.name} list ${it.id}`, it.phone, o.row('pol.doc', it.id)?.phone);
  // The mask sent back is no change, and no other value slips in with it.
  const row = o.visible(p, 'pol.doc').find((x) => x.phone && o.changes(p, 'pol.doc', x, 'update') === 200);
  if (row && o.shows(p, 'pol.doc', 'phone') && o.writes(p, 'pol.doc', 'phone') && o.writes(p, 'pol.doc', 'note')) {
    const note = `掩码 ${world.mark}`;
    const w = await p.api.patch(`${path}/${row.id}`, { phone: o.value(p, 'pol.doc', 'phone', row), note });
    check.status('mask sent back', `${p.name} ${row.id}`, w, 200);
    if (w.status === 200) row.note = note;
    const clear = await world.admin.post(`${path}/${row.id}/reveal`, { fields: ['phone'], reason: '核对' });
    check.equal('mask sent back', `${row.id}`, clear.body.phone, row.phone);
  }
}
