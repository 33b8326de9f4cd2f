// Comments and attachments belong to the record.
import { png } from '../../lib/atrium.mjs';
import { resources } from '../oracle.mjs';

const { path } = resources['pol.doc'];

export async function comments({ check, o, world }, p) {
  for (const row of world.r.some(o.rows('pol.doc'), 8 / o.rows('pol.doc').length)) {
    const want = !o.reads(p, 'pol.doc') ? 403 : o.sees(p, 'pol.doc', row) ? 200 : 404;
    check.status('comments', `${p.name} ${row.id}`, await p.api.get(`${path}/${row.id}/comments`), want);
    const said = await p.api.post(`${path}/${row.id}/comments`, { text: `说 ${world.mark}` });
    check.status('comments', `${p.name} says on ${row.id}`, said, want === 200 ? 201 : want);
    if (said.status === 201 && !p.admin) {
      // Another one who sees the record reads it, and may not take it back.
      const other = world.principals.find((x) => x !== p && !x.admin && o.sees(x, 'pol.doc', row));
      if (other) check.status('comments', `${other.name} takes back ${p.name}'s`, await other.api.delete(`${path}/${row.id}/comments/${said.body.id}`), [403, 404]);
    }
  }
}

export async function attachments({ check, o, world }, p) {
  for (const row of world.r.some(o.rows('pol.doc'), 5 / o.rows('pol.doc').length)) {
    const want = !o.reads(p, 'pol.doc') ? 403 : o.sees(p, 'pol.doc', row) ? 200 : 404;
    check.status('attachments', `${p.name} ${row.id}`, await p.api.get(`${path}/${row.id}/attachments`), want);
    const file = await p.api.upload('a.png', 'image/png', png);
    if (file.status !== 201) continue;
    const change = o.changes(p, 'pol.doc', row, 'update');
    const r = await p.api.post(`${path}/${row.id}/attachments`, { file: file.body.id });
    check.status('attachments', `${p.name} adds to ${row.id}`, r, change === 200 ? 201 : change);
    if (r.status !== 201) continue;
    const other = world.principals.find((x) => x !== p && !x.admin);
    const res = await other.api.fetch('GET', `/files/${file.body.id}/a.png`);
    await res.arrayBuffer();
    check.status('attachments', `${other.name} reads the file of ${row.id}`, { status: res.status }, o.sees(other, 'pol.doc', row) ? 200 : 404);
  }
}
