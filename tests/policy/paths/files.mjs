// The bytes of a file are seen with the field of the record that names it.
export async function files({ check, o, world }, p) {
  for (const f of world.r.some(world.files, Math.min(1, 15 / world.files.length))) {
    const res = await p.api.fetch('GET', `/files/${f.id}/x.png`);
    await res.arrayBuffer();
    const may = p.admin || (o.sees(p, f.resource, f.row) && o.shows(p, f.resource, f.field));
    check.status('file', `${p.name} ${f.resource}/${f.row.id}.${f.field}`, { status: res.status }, may ? 200 : 404);
  }
}
