// What leaves by itself, and who comes without a name: webhooks see with the eyes
// of a role; the public and strangers see nothing of these resources.
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from '../../lib/atrium.mjs';
import { resources } from '../oracle.mjs';
import { must } from '../world.mjs';

/** For the whole world, not for one person. */
export async function webhooks({ check, o, world, receiver }) {
  const eyes = [];
  for (const role of world.roles.slice(0, 12)) {
    const path = `/${world.slug}/${role.code}`;
    const hook = must(await world.admin.post('/api/core/webhook', { name: role.code, url: receiver.base + path, events: 'pol.doc.updated', role: role.id }), 'webhook', 201);
    const { secret } = must(await world.admin.post(`/api/core/webhook/${hook.id}/secret`), 'secret', 200);
    receiver.secrets.set(path, secret);
    eyes.push({ path, p: { name: `webhook ${role.code}`, id: null, dept: null, depts: [], roles: [role] } });
  }
  const rows = world.r.some(o.rows('pol.doc').filter((d) => !d.deleted), 0.4);
  for (const row of rows) await world.change(row, { due: row.due === '2026-12-30' ? '2026-12-29' : '2026-12-30' });
  const wanted = eyes.map((e) => rows.filter((row) => o.sees(e.p, 'pol.doc', row)).length);
  for (let i = 0; i < 400 && eyes.some((e, k) => receiver.of(e.path).length < wanted[k]); i++) await sleep(50);
  await sleep(500);
  for (const { path, p } of eyes) {
    const got = receiver.of(path);
    check.equal('webhook', `${p.name}: which rows`, got.map((m) => m.body.row_id).sort(), rows.filter((row) => o.sees(p, 'pol.doc', row)).map((r) => r.id).sort());
    for (const m of got) {
      const row = o.row('pol.doc', m.body.row_id);
      check.equal('webhook', `${p.name} ${row.id}: members`, Object.keys(m.body.data).sort(), o.fields(p, 'pol.doc').sort());
      for (const f of resources['pol.doc'].fields) if (f in m.body.data) check.equal('webhook', `${p.name} ${row.id}.${f}`, m.body.data[f], o.value(p, 'pol.doc', f, row));
      for (const l of m.body.data.lines ?? []) check.equal('webhook', `${p.name} line ${l.id}`, Object.keys(l).sort(), o.fields(p, 'pol.line').sort());
    }
  }
}

/** The public and strangers. */
export async function strangers({ check, o, world }) {
  const nobody = new Api(world.admin.base);
  const member = new Api(world.admin.base);
  must(await member.post('/api/auth/code', { phone: '13712345678', purpose: 'member' }), 'code', 202);
  for (let i = 0; i < 100 && !world.atrium.codes('13712345678').length; i++) await sleep(25);
  must(await member.post('/api/auth/member/login', { phone: '13712345678', code: world.atrium.codes('13712345678')[0].code }), 'member', 200);
  for (const [who, api, want] of [['nobody', nobody, 401], ['a member', member, 403]]) {
    for (const [name, { path }] of Object.entries(resources)) {
      const row = o.rows(name)[0];
      for (const url of [path, `${path}/${row.id}`, `${path}/export?format=csv`, `${path}/group?by=created_at:day`])
        check.status('strangers', `${who} ${url}`, await api.get(url), want);
    }
    const row = o.rows('pol.doc')[0];
    for (const [method, url, body] of [['POST', '/api/pol/doc', { code: 'Z1', title: 'x' }], ['PATCH', `/api/pol/doc/${row.id}`, { title: 'x' }], ['DELETE', `/api/pol/doc/${row.id}`],
      ['POST', `/api/pol/doc/${row.id}/do/open`, {}], ['POST', '/api/pol/doc/bulk', { action: 'delete', ids: [row.id] }], ['GET', `/api/pol/doc/${row.id}/history`]])
      check.status('strangers', `${who} ${method} ${url}`, await api.call(method, url, body, { origin: new URL(api.base).origin }), want);
    for (const f of world.files.slice(0, 5)) {
      const res = await api.fetch('GET', `/files/${f.id}/x.png`);
      await res.arrayBuffer();
      check.status('strangers', `${who} file ${f.id}`, { status: res.status }, [401, 403, 404]);
    }
  }
}
