// Two tenants with the same organisation, roles and kinds of rows. What is put
// in is remembered: that is the truth the oracle works on.
import { randomBytes } from 'node:crypto';
import { Api, png } from '../lib/atrium.mjs';

/** A small generator with a seed, so that a mismatch can be found again. */
export function random(seed) {
  let s = seed >>> 0 || 1;
  const next = () => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s / 4294967296; };
  return {
    int: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
    some: (list, share) => list.filter(() => next() < share),
    chance: (x) => next() < x,
  };
}

export function must(r, what, ...ok) {
  if (!ok.includes(r.status)) throw new Error(`${what}: ${r.status} ${JSON.stringify(r.body)}`);
  return r.body;
}

/** [name, name of the one above] */
const departments = [
  ['总部', null], ['北区', '总部'], ['南区', '总部'], ['北一', '北区'], ['北二', '北区'], ['北一甲', '北一'], ['南一', '南区'],
];

const read = [[], ['mine'], ['below'], ['here'], ['all'], ['live'], ['big'], ['mine', 'live'], ['here', 'big']];
const marked = ['code', 'title', 'note', 'amount', 'grade', 'due', 'area', 'picture', 'lines', 'owner', 'dept', 'state', 'phone'];

/** A role's grants, drawn at random. */
function drawGrants(r) {
  const marks = (names, share) => {
    const out = {};
    for (const f of r.some(names, share)) out[f] = r.chance(0.6) ? 'hidden' : 'read_only';
    if (names.includes('phone')) {
      if (r.chance(0.3)) out.phone = 'unmasked';
      if (r.chance(0.25)) out.remark = r.pick(['masked', 'masked', 'hidden']);
      if (r.chance(0.1)) out.note = 'masked';
    }
    return out;
  };
  const grants = {};
  const scopes = r.pick(read);
  const doc = { read: scopes, fields: marks(marked, r.pick([0, 0.1, 0.3])) };
  if (scopes.length) {
    doc.create = r.chance(0.5);
    doc.export = r.chance(0.6);
    if (r.chance(0.6)) doc.update = r.pick([['mine'], ['below'], ['all'], ['here', 'mine'], ['live']]);
    if (r.chance(0.4)) doc.delete = r.pick([['mine'], ['all'], ['below']]);
    doc.import = r.chance(0.4);
    doc.do = r.some(['open', 'shut'], 0.5);
  } else if (r.chance(0.3)) {
    doc.create = true;
  }
  grants['pol.doc'] = doc;
  if (r.chance(0.7)) {
    const area = r.pick([['mine'], ['below'], ['all']]);
    grants['pol.area'] = { read: area, fields: marks(['name', 'budget', 'owner'], 0.2), export: r.chance(0.5) };
    if (r.chance(0.5)) grants['pol.area'].update = r.pick([['mine'], ['all']]);
  }
  if (r.chance(0.3)) grants['pol.line'] = { read: ['all'], fields: marks(['item', 'price', 'proof'], 0.5) };
  if (r.chance(0.6)) {
    grants['pol.entry'] = { read: r.pick([['all'], ['here']]), create: r.chance(0.4), export: r.chance(0.5), fields: marks(['what', 'cents'], 0.3) };
  }
  return grants;
}

export class World {
  constructor(atrium, slug, options) {
    Object.assign(this, { atrium, slug, r: random(options.seed), options });
    this.mark = `印${slug}${randomBytes(6).toString('hex')}`;
    this.truth = { 'pol.area': [], 'pol.doc': [], 'pol.line': [], 'pol.entry': [] };
    this.principals = [];
    this.files = [];
  }

  static async build(atrium, slug, options) {
    const w = new World(atrium, slug, options);
    w.admin = await atrium.tenant(slug, { plugins: ['pol'] });
    await w.organisation();
    await w.people();
    await w.rows();
    return w;
  }

  async organisation() {
    this.depts = new Map();
    for (const [name, up] of departments) {
      const body = must(await this.admin.post('/api/core/dept', { name: `${name} ${this.mark}`, parent: up ? this.depts.get(up).id : null }), 'dept', 201);
      this.depts.set(name, { id: body.id, up });
    }
  }

  /** A department with everything below it. */
  below(name) {
    const out = [];
    for (const [n, d] of this.depts) {
      let at = n;
      while (at && at !== name) at = this.depts.get(at).up;
      if (at) out.push(d.id);
    }
    return out;
  }

  async role(code, grants) {
    const body = must(await this.admin.post('/api/core/role', { code, name: `${code} ${this.mark}`, grants }), `role ${code} ${JSON.stringify(grants)}`, 201);
    return { id: body.id, code, grants };
  }

  async person(login, dept, roles) {
    const body = must(await this.admin.post('/api/core/staff', {
      login, name: `${login} ${this.mark}`, department: dept ? this.depts.get(dept).id : null,
      roles: roles.map((r) => ({ role: r.id })) }), `staff ${login}`, 201);
    const made = must(await this.admin.post(`/api/auth/staff/${body.id}/password`), 'password', 200, 201);
    const api = new Api(this.admin.base);
    await api.login(login, made.password);
    const p = { id: body.id, name: login, dept: dept ? this.depts.get(dept).id : null, depts: dept ? this.below(dept) : [], roles, api };
    this.principals.push(p);
    return p;
  }

  /** A program with the rights of one role, said as grants of its own. */
  async key(name, role) {
    const row = must(await this.admin.post('/api/core/api_key', { name: `${name} ${this.mark}`, grants: role.grants, rate: 60000 }), 'key', 201);
    const { secret } = must(await this.admin.post(`/api/core/api_key/${row.id}/secret`), 'secret of a key', 200);
    const api = new Api(this.admin.base);
    api.token = secret;
    this.principals.push({ id: null, kind: 'key', name, dept: null, depts: [], roles: [role], api });
  }

  async people() {
    const { r } = this;
    const names = [...this.depts.keys()];
    const roles = (this.roles = []);
    for (let i = 0; i < this.options.roles; i++) roles.push(await this.role(`trial_${i}`, drawGrants(r)));
    for (let i = 0; i < this.options.people; i++) {
      const mine = [roles[i % roles.length]];
      while (mine.length < 3 && r.chance(0.35)) {
        const more = r.pick(roles);
        if (!mine.includes(more)) mine.push(more);
      }
      await this.person(`someone${i}`, r.chance(0.9) ? r.pick(names) : null, mine);
    }
    for (let i = 0; i < this.options.keys; i++) await this.key(`key${i}`, r.pick(roles));
    await this.person('nobody', '北一', []);
    const me = must(await this.admin.get('/api/core/session'), 'session', 200);
    this.principals.push({ id: me.user.id, name: 'admin', admin: true, dept: null, depts: [], roles: [], api: this.admin });
  }

  async picture(name) {
    const r = await this.admin.upload(`${name}.png`, 'image/png', png);
    return must(r, 'upload', 201).id;
  }

  async rows() {
    const { r, mark } = this;
    const owners = this.principals.map((p) => p.id).filter(Boolean);
    const depts = [...this.depts.values()].map((d) => d.id);
    const where = () => ({ owner: r.pick(owners), dept: r.chance(0.9) ? r.pick(depts) : null });
    for (let i = 0; i < 12; i++) await this.add('pol.area', { name: `片区${i} ${mark}`, budget: r.chance(0.8) ? r.int(20) * 10000 : null, ...where() });
    for (let i = 0; i < this.options.rows; i++) {
      const lines = Array.from({ length: r.int(3) }, (_, k) => ({ item: `明细${i}.${k} ${mark}`, price: r.int(1000) }));
      const doc = await this.add('pol.doc', {
        code: `D${String(i).padStart(4, '0')}`, title: `${r.pick(['甲', '乙', '丙'])}${i % 17} ${mark}`, note: r.chance(0.7) ? `备注${i} ${mark}` : null,
        amount: r.chance(0.85) ? r.int(12) * 100000 : null, grade: r.chance(0.9) ? r.pick(['low', 'mid', 'high']) : null,
        due: r.chance(0.8) ? `2026-1${r.int(3)}-0${1 + r.int(9)}` : null,
        area: r.chance(0.8) ? r.pick(this.truth['pol.area']).id : null,
        phone: r.chance(0.8) ? `138${String(10000000 + r.int(40) * 1234).slice(0, 8)}` : null, remark: r.chance(0.6) ? `甲乙丙丁${r.int(9)} ${mark}` : null,
        picture: r.chance(0.3) ? await this.picture(`p${i}`) : null, lines, ...where() });
      if (r.chance(0.6)) await this.move(doc, 'open');
      if (doc.state === 'open' && r.chance(0.3)) await this.move(doc, 'shut');
      if (r.chance(0.4)) await this.change(doc, { amount: r.int(12) * 100000, note: `改过${i} ${mark}` });
      if (r.chance(0.12)) { must(await this.admin.delete(`/api/pol/doc/${doc.id}`), 'delete', 204); doc.deleted = true; }
    }
    const docs = this.truth['pol.doc'].filter((d) => !d.deleted);
    for (let i = 0; i < 40; i++) await this.add('pol.entry', { doc: r.pick(docs).id, what: `事项${i} ${mark}`, cents: r.int(9) * 100, dept: r.chance(0.8) ? r.pick(depts) : null });
  }

  /** Adds a row as the administrator; the truth is what was sent. */
  async add(name, row, forget = false) {
    const body = must(await this.admin.post(`/api/${name.replace('.', '/')}`, row), `${name} ${JSON.stringify(row)}`, 201);
    const { lines, ...rest } = row;
    const kept = { id: body.id, created_at: body.created_at, ...rest };
    if (name === 'pol.doc') kept.state = 'draft';
    if (forget) return kept;
    this.truth[name].push(kept);
    if (row.picture) this.files.push({ id: row.picture, resource: name, row: kept, field: 'picture' });
    for (const [k, line] of (body.lines ?? []).entries()) this.truth['pol.line'].push({ id: line.id, doc: body.id, item: lines[k].item, price: lines[k].price, proof: null });
    return kept;
  }

  async move(row, transition) {
    must(await this.admin.post(`/api/pol/doc/${row.id}/do/${transition}`), transition, 200);
    row.state = transition;
  }

  async change(row, fields) {
    must(await this.admin.patch(`/api/pol/doc/${row.id}`, fields), 'change', 200);
    Object.assign(row, fields);
  }
}
