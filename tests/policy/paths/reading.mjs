// get, list, count, filter, sort, search, chosen fields, expand, history, export.
import { grantOf, members, resources } from '../oracle.mjs';

const sorted = (list) => [...list].sort();
const ids = (rows) => sorted(rows.map((r) => r.id));
const query = (o) => `?${new URLSearchParams(o)}`;

/** All rows of a list, page by page. */
export async function pages(api, path, params = {}) {
  const items = [];
  let after = null, first = null;
  do {
    const r = await api.get(path + query({ limit: 17, ...params, ...(after ? { after } : {}) }));
    if (r.status !== 200) return { refused: r };
    first ??= r.body;
    items.push(...r.body.items);
    after = r.body.next;
  } while (after && items.length < 2000);
  return { items, first };
}

/** The row as the person must see it, member by member. */
export function compareRow(check, path, o, p, name, got, truth, { children }) {
  const want = o.fields(p, name).filter((f) => children || !(f in (resources[name].children ?? {})));
  check.equal(path, `${p.name} ${name}/${truth.id}: members`, sorted(Object.keys(got)), sorted(want));
  for (const f of resources[name].fields.concat(['owner', 'dept', 'state'])) {
    if (!(f in got) || truth[f] === undefined) continue;
    check.equal(path, `${p.name} ${name}/${truth.id}.${f}`, got[f], o.value(p, name, f, truth));
  }
}

export async function get({ check, o, world }, p) {
  for (const name of Object.keys(resources)) {
    const { path } = resources[name];
    const rows = o.rows(name);
    // All of some, some of many: what must not be there weighs as much as what must.
    for (const row of rows.length > 45 ? world.r.some(rows, 45 / rows.length) : rows) {
      const r = await p.api.get(`${path}/${row.id}`);
      const want = !o.reads(p, name) ? 403 : o.sees(p, name, row) ? 200 : 404;
      check.status('get', `${p.name} ${name}/${row.id}`, r, want);
      if (r.status !== 200 || want !== 200) continue;
      compareRow(check, 'get', o, p, name, r.body, row, { children: true });
      if (name === 'pol.doc' && r.body.lines) {
        const lines = o.rows('pol.line').filter((l) => l.doc === row.id);
        check.equal('get', `${p.name} lines of ${row.id}`, ids(r.body.lines), ids(lines));
        for (const l of r.body.lines) compareRow(check, 'children', o, p, 'pol.line', l, o.row('pol.line', l.id) ?? {}, { children: true });
      }
    }
  }
}

export async function list({ check, o }, p) {
  for (const name of Object.keys(resources)) {
    const { path } = resources[name];
    const { items, first, refused } = await pages(p.api, path);
    if (refused) { check.status('list', `${p.name} ${name}`, refused, o.reads(p, name) ? 200 : 403); continue; }
    const want = o.visible(p, name);
    check.equal('list', `${p.name} ${name}: rows`, ids(items), ids(want));
    check.equal('count', `${p.name} ${name}`, first.count, want.length);
    for (const it of items) {
      const row = o.row(name, it.id);
      if (row) compareRow(check, 'list', o, p, name, it, row, { children: false });
    }
  }
}

const conditions = {
  amount: [['amount >= 500000', (r) => r.amount !== null && r.amount >= 500000], ['amount null', (r) => r.amount === null], ['amount between (100000,300000)', (r) => r.amount !== null && r.amount >= 100000 && r.amount <= 300000]],
  grade: [['grade = "high"', (r) => r.grade === 'high'], ['grade in (low,mid)', (r) => r.grade === 'low' || r.grade === 'mid'], ['grade != "low"', (r) => r.grade !== 'low', (r) => r.grade !== null && r.grade !== 'low']],
  due: [['due < 2026-11-05', (r) => r.due !== null && r.due < '2026-11-05']],
  state: [['state = "open"', (r) => r.state === 'open']],
  budget: [['budget > 50000', (r) => r.budget !== null && r.budget > 50000]],
  cents: [['cents >= 300', (r) => r.cents !== null && r.cents >= 300]],
};

/** Conditions on a field, with what they mean. */
function conditionsOn(o, world, name, f) {
  if (conditions[f]) return conditions[f];
  const some = world.r.pick(o.rows(name));
  const v = some[f];
  if (v === null || v === undefined) return [[`${f} null`, (r) => r[f] === null]];
  return [[`${f} = "${v}"`, (r) => r[f] === v]];
}

async function filtered(ctx, p, path, name, text, holds, also, reading = 'filter') {
  const { check, o } = ctx;
  const { items, first, refused } = await pages(p.api, path, { filter: text });
  if (refused) return check.status(reading, `${p.name} ${name} ${text}`, refused, 200);
  const want = ids(o.visible(p, name).filter(holds));
  const other = also && ids(o.visible(p, name).filter(also));
  const got = ids(items);
  const meant = other && JSON.stringify(got) === JSON.stringify(other) ? other : want;
  check.equal(reading, `${p.name} ${name} ${text}`, got, meant);
  check.equal('count', `${p.name} ${name} ${text}`, first.count, meant.length);
}

export async function filter(ctx, p) {
  const { check, o, world } = ctx;
  for (const name of Object.keys(resources)) {
    const { path, filters } = resources[name];
    if (!o.reads(p, name)) continue;
    for (const f of filters) {
      for (const [text, holds, also] of conditionsOn(o, world, name, f)) {
        // A mask shows whether there is something under it.
        const exact = text.endsWith(' null') || (resources[name].exact?.includes(f) && text.includes(' = '));
        if (o.plain(p, name, f) || (exact && o.shows(p, name, f))) {
          await filtered(ctx, p, path, name, text, holds, also);
        } else {
          // Hidden alone, behind an `or`, in parentheses, in an export, in a count.
          for (const t of [text, `id != "1" and (${text})`, `${text} or id = "1"`]) {
            check.status('filter hidden', `${p.name} ${name} ${t}`, await p.api.get(path + query({ filter: t })), 403, f);
          }
          if (o.exports(p, name)) check.status('filter hidden', `${p.name} ${name} export ${text}`, await p.api.get(`${path}/export${query({ filter: text, format: 'csv' })}`), 403, f);
        }
      }
    }
    // A mask must not be guessed away: no parts, no ranges, no order.
    for (const f of filters.filter((x) => o.shows(p, name, x) && o.masks(p, name, x))) {
      for (const t of [`${f} >= "1380"`, `${f} starts "138"`, `${f} ~ "138"`, `id != "1" and (${f} < "2")`])
        check.status('filter masked', `${p.name} ${name} ${t}`, await p.api.get(path + query({ filter: t })), 403, f);
      check.status('sort masked', `${p.name} ${name} ${f}`, await p.api.get(path + query({ sort: f })), [403, 400], f);
      check.status('group masked', `${p.name} ${name} ${f}`, await p.api.get(`${path}/group${query({ by: f })}`), [403, 400], f);
    }
    const both = filters.filter((f) => conditions[f] && o.plain(p, name, f)).slice(0, 2);
    if (both.length === 2) {
      const [a, b] = both.map((f) => conditions[f][0]);
      await filtered(ctx, p, path, name, `(${a[0]}) or (${b[0]})`, (r) => a[1](r) || b[1](r));
      await filtered(ctx, p, path, name, `(${a[0]}) and (${b[0]})`, (r) => a[1](r) && b[1](r));
    }
  }
}

const order = (f) => (a, b) => {
  const x = a[f], y = b[f];
  if (x === y) return BigInt(a.id) < BigInt(b.id) ? -1 : 1;
  if (x === null) return -1;
  if (y === null) return 1;
  return x < y ? -1 : 1;
};

export async function sort({ check, o }, p) {
  for (const name of Object.keys(resources)) {
    const { path, sorts } = resources[name];
    if (!o.reads(p, name)) continue;
    for (const f of sorts) {
      for (const sign of ['', '-']) {
        const { items, refused } = await pages(p.api, path, { sort: sign + f });
        if (!o.shows(p, name, f)) { check.status('sort hidden', `${p.name} ${name} ${sign}${f}`, refused ?? { status: 200 }, 403, f); continue; }
        if (refused) { check.status('sort', `${p.name} ${name} ${f}`, refused, 200); continue; }
        const numbers = ['amount', 'due', 'budget', 'cents'].includes(f);
        if (!numbers) { check.equal('sort', `${p.name} ${name} ${sign}${f}`, ids(items), ids(o.visible(p, name))); continue; }
        const want = o.visible(p, name).sort(order(f));
        if (sign) want.reverse();
        check.equal('sort', `${p.name} ${name} ${sign}${f}`, items.map((x) => x.id), want.map((x) => x.id));
      }
    }
  }
}

export async function search({ check, o, world }, p) {
  for (const name of Object.keys(resources)) {
    const r = resources[name];
    if (!o.reads(p, name) || !r.search.length) continue;
    const word = name === 'pol.doc' ? world.r.pick(['D000', '甲1', '乙']) : world.r.pick(['1', '2']);
    const looked = r.search.filter((f) => o.shows(p, name, f));
    const { items, refused } = await pages(p.api, r.path, { q: word });
    if (!looked.length) { check.status('search', `${p.name} ${name}: nothing to look into`, refused ?? { status: 200 }, [400, 403]); continue; }
    if (refused) { check.status('search', `${p.name} ${name} ${word}`, refused, 200); continue; }
    const want = o.visible(p, name).filter((row) => looked.some((f) => String(row[f] ?? '').includes(word)));
    check.equal('search', `${p.name} ${name} ${word} in ${looked}`, ids(items), ids(want));
  }
}

export async function fields({ check, o }, p) {
  for (const name of Object.keys(resources)) {
    const { path } = resources[name];
    if (!o.reads(p, name)) continue;
    for (const f of members(name)) {
      const r = await p.api.get(path + query({ fields: `id,${f}`, limit: 3 }));
      if (!o.shows(p, name, f)) { check.status('fields hidden', `${p.name} ${name} ${f}`, r, [403, 400], f); continue; }
      check.status('fields', `${p.name} ${name} ${f}`, r, 200);
      for (const it of r.body?.items ?? []) check.ok('fields', `${p.name} ${name} only id and ${f}`, Object.keys(it).every((k) => k === 'id' || k === f), Object.keys(it));
    }
  }
}

export async function expand({ check, o }, p) {
  if (!o.reads(p, 'pol.doc')) return;
  const { path } = resources['pol.doc'];
  const { items, refused } = await pages(p.api, path, { expand: 'area' });
  if (!o.shows(p, 'pol.doc', 'area')) {
    check.status('expand hidden', `${p.name} area`, refused ?? { status: 200 }, 403, 'area');
  } else if (refused) {
    check.status('expand', `${p.name} area`, refused, 200);
  } else {
    for (const it of items) {
      const row = o.row('pol.doc', it.id);
      if (!row?.area) { check.equal('expand', `${p.name} ${it.id} no area`, it.area, null); continue; }
      const area = o.row('pol.area', row.area);
      const may = o.reads(p, 'pol.area') && o.sees(p, 'pol.area', area) && o.shows(p, 'pol.area', 'name');
      check.equal('expand', `${p.name} ${it.id} area's label`, it.area?.label ?? null, may ? area.name : null);
      check.ok('expand', `${p.name} ${it.id} area shows no more than id and label`, Object.keys(it.area ?? {}).every((k) => ['id', 'label'].includes(k)), it.area);
    }
  }
  const lines = await pages(p.api, path, { expand: 'lines' });
  if (!o.shows(p, 'pol.doc', 'lines')) return check.status('expand hidden', `${p.name} lines`, lines.refused ?? { status: 200 }, 403, 'lines');
  for (const it of lines.items ?? []) {
    check.equal('expand', `${p.name} lines of ${it.id}`, ids(it.lines), ids(o.rows('pol.line').filter((l) => l.doc === it.id)));
    for (const l of it.lines) compareRow(check, 'expand', o, p, 'pol.line', l, o.row('pol.line', l.id) ?? {}, { children: true });
  }
}

export async function history({ check, o, world }, p) {
  const name = 'pol.doc', { path } = resources[name];
  for (const row of world.r.some(o.rows(name), 0.3)) {
    const r = await p.api.get(`${path}/${row.id}/history`);
    // Of a row in the bin: for those who see the bin.
    const want = !o.reads(p, name) ? 403 : o.sees(p, name, row) || o.seesBin(p, name, row) ? 200 : 404;
    check.status('history', `${p.name} ${row.id}`, r, want);
    for (const h of r.body?.items ?? [])
      for (const c of h.changes ?? []) {
        const f = c.field.split('.')[0].replace(/\[.*$/, '');
        check.ok('history', `${p.name} ${row.id} shows ${c.field}`, o.shows(p, name, f), c);
        if (o.masks(p, name, f)) for (const v of [c.before, c.after])
          check.ok('history', `${p.name} ${row.id} masks ${f}`, v === null || (typeof v === 'string' && v.includes('*')), c);
        if (f === 'lines' && !o.shows(p, 'pol.line', 'price')) check.ok('history', `${p.name} ${row.id} price of lines`, !JSON.stringify(c).includes('"price"'), c);
      }
  }
}

/** Cells of a CSV by RFC 4180. */
export function csv(text) {
  const rows = [[]];
  let cell = '', quoted = false;
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') { cell += '"'; i++; } else if (c === '"') quoted = false; else cell += c;
    } else if (c === '"') quoted = true;
    else if (c === ',') { rows.at(-1).push(cell); cell = ''; }
    else if (c === '\n') { rows.at(-1).push(cell); cell = ''; rows.push([]); }
    else if (c !== '\r') cell += c;
  }
  rows.at(-1).push(cell);
  if (rows.at(-1).length === 1 && rows.at(-1)[0] === '') rows.pop();
  return rows;
}

const titles = { code: '单号', title: '标题', note: '备注', amount: '金额', grade: '等级', due: '期限', area: '片区', phone: '电话', remark: '备忘', picture: '图片', name: '名称', budget: '预算', what: '事项', cents: '金额' };

export async function exported({ check, o }, p) {
  for (const name of ['pol.doc', 'pol.area', 'pol.entry']) {
    const { path } = resources[name];
    const res = await p.api.fetch('GET', `${path}/export?format=csv`);
    const text = await res.text();
    check.status('export', `${p.name} ${name}`, { status: res.status, body: text.slice(0, 200) }, o.exports(p, name) ? 200 : 403);
    if (res.status !== 200 || !o.exports(p, name)) continue;
    const [head, ...rows] = csv(text);
    const seen = o.visible(p, name);
    check.equal('export', `${p.name} ${name}: number of rows`, rows.length, seen.length);
    for (const f of resources[name].fields) {
      if (!titles[f] || !o.shows(p, name, f)) { if (titles[f]) check.ok('export', `${p.name} ${name}: no column ${f}`, !head.includes(titles[f]), head); continue; }
      check.ok('export', `${p.name} ${name}: column ${f}`, head.includes(titles[f]), head);
    }
    const label = resources[name].label;
    if (o.shows(p, name, label)) {
      const at = head.indexOf(titles[label]);
      check.equal('export', `${p.name} ${name}: which rows`, sorted(rows.map((x) => x[at])), sorted(seen.map((x) => x[label])));
    }
    for (const f of ['phone', 'remark', 'note']) {
      if (!titles[f] || !head.includes(titles[f]) || !o.masks(p, name, f)) continue;
      for (const x of rows) { const cell = x[head.indexOf(titles[f])]; check.ok('export', `${p.name} masks ${f}`, cell === '' || cell.includes('*'), cell); }
    }
    // What may not be seen of a referenced row does not show in its name either.
    if (name === 'pol.doc' && o.shows(p, name, 'area')) {
      const at = head.indexOf(titles.area);
      const may = o.reads(p, 'pol.area') && o.shows(p, 'pol.area', 'name') ? new Set(o.visible(p, 'pol.area').map((a) => a.name)) : new Set();
      for (const x of rows) check.ok('export', `${p.name} area ${x[at]}`, !x[at].includes('片区') || may.has(x[at]), x[at]);
    }
  }
}

export const grants = grantOf;
