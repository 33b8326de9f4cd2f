// Another tenant's ids, tokens and addresses: nothing of it may come through.
import { Api } from '../../lib/atrium.mjs';
import { resources } from '../oracle.mjs';

/** Asks as `mine` for what is `theirs`; counts requests and bytes that bear their mark. */
export async function foreign({ count, r }, mine, theirs) {
  const their = theirs.principals.at(-1);  // the administrator
  const look = async (api, method, url, body, headers) => {
    const res = await api.fetch(method, url, { body, headers, redirect: 'manual' });
    const bytes = Buffer.from(await res.arrayBuffer());
    count.requests++;
    const text = bytes.toString('utf8');
    if (text.includes(theirs.mark) || bytes.includes(theirs.mark)) {
      count.bytes += text.split(theirs.mark).length * Buffer.byteLength(theirs.mark);
      console.error(`LEAK ${method} ${url} (${res.status}): ${text.slice(0, 300)}`);
    }
    return res.status;
  };
  for (const p of mine.principals) {
    // Their ids under our address and our token.
    for (const [name, { path }] of Object.entries(resources)) {
      for (const row of r.some(theirs.truth[name], 0.35)) {
        await look(p.api, 'GET', `${path}/${row.id}`);
        await look(p.api, 'GET', `${path}?filter=${encodeURIComponent(`id = "${row.id}"`)}`);
      }
      const row = r.pick(theirs.truth[name]);
      await look(p.api, 'GET', `${path}/${row.id}/history`);
      await look(p.api, 'PATCH', `${path}/${row.id}`, { title: '改', name: '改' });
      await look(p.api, 'DELETE', `${path}/${row.id}`);
      await look(p.api, 'POST', `${path}/${row.id}/do/open`);
      await look(p.api, 'POST', `${path}/${row.id}/restore`);
    }
    for (const f of theirs.files) await look(p.api, 'GET', `/files/${f.id}/x.png`);
    await look(p.api, 'POST', '/api/pol/doc', { code: `X${Math.random()}`.slice(0, 12), title: '借', area: theirs.truth['pol.area'][0].id });
    await look(p.api, 'GET', `/api/core/staff/${their.id}`);
    // Our token under their address.
    const there = new Api(theirs.admin.base);
    there.token = p.api.token;
    for (const { path } of Object.values(resources)) {
      await look(there, 'GET', path);
      await look(there, 'GET', `${path}/export?format=csv`);
    }
    for (const url of ['/api/core/session', '/api/core/staff', '/api/core/audit', '/api/core/role', '/api/core/dept', '/api/console/bootstrap', '/api/openapi.json'])
      await look(there, 'GET', url);
    // Names of the other tenant in every place where one might be believed.
    for (const headers of [
      { host: `${theirs.slug}.example.com` }, { 'x-forwarded-host': `${theirs.slug}.example.com` },
      { 'x-tenant': theirs.slug, 'x-tenant-id': theirs.slug }, { 'x-original-url': `/t/${theirs.slug}/api/pol/doc` },
      { cookie: `atrium_s=${their.api.token}; tenant=${theirs.slug}` },
    ]) await look(p.api, 'GET', '/api/pol/doc?limit=50', undefined, headers);
    for (const q of [`tenant=${theirs.slug}`, `tenant_id=${theirs.slug}`, `t=${theirs.slug}`]) await look(p.api, 'GET', `/api/pol/doc?limit=50&${q}`);
    await look(p.api, 'POST', '/api/pol/doc', { code: `Y${Math.random()}`.slice(0, 12), title: '借', tenant: theirs.slug, tenant_id: 1 });
  }
}
