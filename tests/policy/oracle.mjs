// Who may see and do what, said a second time: slowly, over plain objects, from
// the documents (docs/manifest.md, docs/http-api.md) and not from the engine.

/** What the resources of plugins/pol are, as far as rights go. */
export const resources = {
  'pol.area': {
    path: '/api/pol/area',
    traits: ['owned', 'dept', 'versioned', 'audited'],
    fields: ['name', 'budget'],
    search: ['name'],
    filters: ['name', 'budget', 'owner', 'dept'],
    sorts: ['name', 'budget'],
    label: 'name',
  },
  'pol.doc': {
    path: '/api/pol/doc',
    traits: ['owned', 'dept', 'versioned', 'audited', 'soft_delete', 'state'],
    fields: ['code', 'title', 'note', 'amount', 'grade', 'due', 'area', 'phone', 'remark', 'picture'],
    children: { lines: 'pol.line' },
    search: ['code', 'title'],
    filters: ['title', 'amount', 'grade', 'due', 'area', 'state', 'owner', 'dept', 'phone', 'remark'],
    exact: ['phone'],
    masked: ['phone'],
    sorts: ['title', 'amount', 'due'],
    label: 'title',
  },
  'pol.line': {
    path: '/api/pol/line',
    traits: [],
    fields: ['doc', 'item', 'price', 'proof'],
    parent: { resource: 'pol.doc', field: 'lines', by: 'doc' },
    search: [],
    filters: ['doc'],
    sorts: [],
    label: 'item',
  },
  'pol.entry': {
    path: '/api/pol/entry',
    traits: ['append_only', 'dept'],
    fields: ['doc', 'what', 'cents'],
    search: ['what'],
    filters: ['doc', 'cents', 'dept'],
    sorts: ['cents'],
    label: 'what',
  },
};

const traitColumns = { owned: ['owner'], dept: ['dept'], versioned: ['version'], state: ['state'] };

/** Every member that a row has for one who may see all. */
export function members(name) {
  const r = resources[name];
  return ['id', 'created_at', 'updated_at', 'created_by', ...r.traits.flatMap((t) => traitColumns[t] ?? []), ...r.fields,
    ...Object.keys(r.children ?? {})];
}

/** The scopes of the manifests, as predicates. */
const scopes = {
  'pol.area': {
    mine: (p, row) => row.owner === p.id,
    below: (p, row) => row.dept !== null && p.depts.includes(row.dept),
  },
  'pol.doc': {
    mine: (p, row) => row.owner === p.id,
    below: (p, row) => row.dept !== null && p.depts.includes(row.dept),
    here: (p, row) => row.dept !== null && row.dept === p.dept,
    live: (p, row) => row.state === 'open',
    big: (p, row) =>
      ((row.amount !== null && row.amount >= 500000) || row.grade === 'high') &&
      row.dept !== null && p.depts.includes(row.dept),
  },
  'pol.line': {},
  'pol.entry': {
    here: (p, row) => row.dept !== null && row.dept === p.dept,
  },
};

const empty = () => ({ read: [], update: [], delete: [], do: [], create: false, export: false, import: false, hidden: null, fixed: null, masked: null, unmasked: [] });

/** What several roles allow together on one resource. */
export function grantOf(p, name) {
  if (p.admin) {
    const all = ['all'];
    return { read: all, update: all, delete: all, do: all, create: true, export: true, import: true, hidden: [], fixed: [], masked: [], unmasked: resources[name].fields };
  }
  const out = empty();
  let any = false;
  for (const role of p.roles) {
    const g = role.grants[name];
    if (!g) continue;
    any = true;
    const marks = Object.entries(g.fields ?? {});
    const hidden = marks.filter(([, m]) => m === 'hidden').map(([f]) => f);
    const fixed = marks.filter(([, m]) => m === 'hidden' || m === 'read_only').map(([f]) => f);
    // `hidden` in one role and `masked` in the other leave the milder of the two.
    const masked = marks.filter(([, m]) => m === 'hidden' || m === 'masked').map(([f]) => f);
    if (g.read?.length) out.unmasked.push(...marks.filter(([, m]) => m === 'unmasked').map(([f]) => f));
    for (const k of ['read', 'update', 'delete', 'do']) out[k].push(...(g[k] ?? []));
    out.create ||= g.create === true;
    out.export ||= g.export === true;
    out.import ||= g.import === true;
    if (g.read?.length) out.hidden = out.hidden === null ? hidden : out.hidden.filter((f) => hidden.includes(f));
    if (g.read?.length) out.masked = out.masked === null ? masked : out.masked.filter((f) => masked.includes(f));
    if (g.create || g.update?.length) out.fixed = out.fixed === null ? fixed : out.fixed.filter((f) => fixed.includes(f));
  }
  if (!any) return null;
  out.hidden ??= [];
  out.fixed ??= [];
  out.masked ??= [];
  return out;
}

const within = (list, p, name, row) => list.some((s) => s === 'all' || scopes[name][s]?.(p, row));

export class Oracle {
  /** @param truth {resource: [rows]}, rows with `deleted` when they are in the bin. */
  constructor(truth) { this.truth = truth; }

  rows(name) { return this.truth[name]; }
  row(name, id) { return this.truth[name].find((r) => r.id === id); }

  /** Has the person any right to look at the resource? */
  reads(p, name) {
    const r = resources[name];
    const g = grantOf(p, name);
    if (g) return g.read.length > 0;
    if (!r.parent) return false;
    return this.reads(p, r.parent.resource) && this.shows(p, r.parent.resource, r.parent.field);
  }

  sees(p, name, row) {
    const r = resources[name];
    if (row.deleted) return false;
    const g = grantOf(p, name);
    if (r.parent && (!g || p.admin)) {
      const up = this.row(r.parent.resource, row[r.parent.by]);
      return up !== undefined && (p.admin || (this.sees(p, r.parent.resource, up) && this.shows(p, r.parent.resource, r.parent.field)));
    }
    // A right of its own is one of its own: it does not ask for the parent's.
    return g !== null && within(g.read, p, name, row);
  }

  /** A deleted row is there for those who might have deleted it. */
  seesBin(p, name, row) {
    return row.deleted === true && grantOf(p, name)?.delete.length > 0 && this.sees(p, name, { ...row, deleted: false });
  }

  visible(p, name) { return this.truth[name].filter((row) => this.sees(p, name, row)); }

  /** Is the field one that the person is shown? */
  shows(p, name, field) {
    const g = grantOf(p, name);
    if (field === 'id') return true;
    if (!members(name).includes(field)) return false;
    return !(g?.hidden.includes(field) ?? false);
  }

  /** Shown as it is, not masked: what one may sort, group and compare by. */
  plain(p, name, field) { return this.shows(p, name, field) && !this.masks(p, name, field); }

  /** Shown as a mask: by the manifest for everybody, or by the roles unless one lifts it. */
  masks(p, name, field) {
    if (resources[name].masked?.includes(field)) return true;
    const g = grantOf(p, name);
    return (g?.masked.includes(field) ?? false) && !g.unmasked.includes(field);
  }

  /** May have the clear value shown, with a line in the log. */
  reveals(p, name, field) {
    return this.shows(p, name, field) && (p.admin || (grantOf(p, name)?.unmasked.includes(field) ?? false));
  }

  /** The value as this person gets it. */
  value(p, name, field, row) {
    const v = row[field];
    if (v === null || v === undefined || !this.masks(p, name, field)) return v;
    if (field === 'phone') return `${v.slice(0, 3)}****${v.slice(-4)}`;
    const c = [...v];
    return c.length > 4 ? `${c[0]}****${c.at(-1)}` : c.length > 1 ? c[0] + '*'.repeat(c.length - 1) : '*';
  }

  fields(p, name) { return members(name).filter((f) => this.shows(p, name, f)); }

  creates(p, name) { return grantOf(p, name)?.create === true; }
  exports(p, name) { const g = grantOf(p, name); return g !== null && g.export && g.read.length > 0; }

  /** 200, 403 or 404 for a change of a row. */
  changes(p, name, row, action) {
    const g = grantOf(p, name);
    if (!g || resources[name].traits.includes('append_only')) return 403;
    const list = g[action];
    if (!g.read.length || !list.length) return 403;
    if (!this.sees(p, name, row)) return 404;
    return within(list, p, name, row) ? 200 : 403;
  }

  does(p, name, row, transition) {
    const g = grantOf(p, name);
    if (!g || !g.read.length) return 403;
    if (!g.do.includes(transition) && !g.do.includes('all')) return 403;
    return this.sees(p, name, row) ? 200 : 404;
  }

  /** May the person write the field? */
  writes(p, name, field) {
    const g = grantOf(p, name);
    return !(g?.fixed.includes(field) ?? false) && !(g?.hidden.includes(field) ?? false);
  }
}
