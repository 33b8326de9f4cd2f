// Statistics: the same rows and fields, counted and summed.
import { resources } from '../oracle.mjs';

const query = (o) => `?${new URLSearchParams(o)}`;

const month = (d) => (d === null ? null : `${d.slice(0, 7)}-01`);
const keyOf = (by, row) => (by === 'due:month' ? month(row.due) : row[by.split(':')[0]]);

/** {key: [count, sum]} of rows. */
function groups(rows, by, sum) {
  const out = new Map();
  for (const row of rows) {
    const key = JSON.stringify(keyOf(by, row) ?? null);
    const g = out.get(key) ?? [0, null];
    g[0]++;
    if (sum && row[sum] !== null && row[sum] !== undefined) g[1] = (g[1] ?? 0) + row[sum];
    out.set(key, g);
  }
  return Object.fromEntries([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function group({ check, o }, p) {
  const asked = { 'pol.doc': ['grade', 'state', 'area', 'due:month', 'owner', 'dept'], 'pol.entry': ['doc'], 'pol.area': ['dept'] };
  const sums = { 'pol.doc': 'amount', 'pol.entry': 'cents', 'pol.area': 'budget' };
  for (const [name, list] of Object.entries(asked)) {
    const { path } = resources[name], sum = sums[name];
    for (const by of list) {
      for (const what of [null, sum]) {
        const r = await p.api.get(`${path}/group${query({ by, ...(what ? { sum: what } : {}) })}`);
        const text = `${p.name} ${name} by ${by}${what ? ` sum ${what}` : ''}`;
        const f = by.split(':')[0];
        if (!o.reads(p, name)) { check.status('group', text, r, 403); continue; }
        const blocked = [f, what].find((x) => x && !o.plain(p, name, x));
        if (blocked) { check.status('group hidden', text, r, 403, blocked); continue; }
        check.status('group', text, r, 200);
        if (r.status !== 200) continue;
        const got = {};
        for (const it of r.body.items) {
          const v = it[f] === undefined ? it[by] : it[f];
          const s = what ? it[`sum_${what}`] : null;
          got[JSON.stringify(v ?? null)] = [Number(it.count), s === null || s === undefined ? null : Number(s)];
        }
        const want = groups(o.visible(p, name), by, what);
        check.equal('group', text, Object.fromEntries(Object.entries(got).sort(([a], [b]) => (a < b ? -1 : 1))), want);
      }
    }
  }
  // A filter on what is hidden does not become allowed by being grouped.
  if (o.reads(p, 'pol.doc') && !o.plain(p, 'pol.doc', 'amount') && o.plain(p, 'pol.doc', 'state'))
    check.status('group hidden', `${p.name} filter amount`, await p.api.get(`/api/pol/doc/group${query({ by: 'state', filter: 'amount > 1' })}`), 403, 'amount');
}
