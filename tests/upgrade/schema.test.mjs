// The life of a schema: renamed, widened, retired, with the data kept.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api, Atrium, prefix } from '../lib/atrium.mjs';

const dir = mkdtempSync(path.join(tmpdir(), 'plugins-'));
const plugin = (version, fields, more = '') => {
  mkdirSync(path.join(dir, 'stock/resources'), { recursive: true });
  writeFileSync(path.join(dir, 'stock/plugin.yaml'),
    `manifest: 1\nplugin: {id: stock, version: ${version}, abi: 1, title: {zh: 库存, en: Stock}}\n`);
  writeFileSync(path.join(dir, 'stock/resources/item.yaml'),
    `title: {zh: 货品, en: Item}\nlabel: id\ntraits: [versioned, audited]\nfields:\n${fields.map((f) => `  ${f}\n`).join('')}${more}`);
};
const title = 'title: {zh: 字段, en: Field}';

let atrium, admin, password;
before(async () => {
  plugin('1.0.0', [`name: {type: text, max: 20, required: true, unique: true, ${title}}`, `place: {type: text, max: 40, ${title}}`, `size: {type: percent, ${title}}`]);
  atrium = await Atrium.start({ keep: true, settings: `plugin_dirs: [${dir}, ${path.join(prefix, 'share/atrium/plugins')}]\n` });
  admin = await atrium.tenant('shop', { plugins: ['stock'] });
  password = admin.password;
});
after(async () => {
  await atrium?.stop().catch(() => {});
  rmSync(dir, { recursive: true, force: true });
  if (atrium) rmSync(atrium.state, { recursive: true, force: true });
});

const sql = (text) => execFileSync('mariadb', ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium', '-N', '-B', 'atrium_t_shop', '-e', text],
  { encoding: 'utf8', env: { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() } }).trim();
const ctl = (...args) => execFileSync(path.join(prefix, 'bin/atriumctl'), ['--state', atrium.state, ...args], { encoding: 'utf8' });

test('E-P70 a field is renamed, another widened, a third retired: the rows keep everything', async () => {
  const made = await admin.post('/api/stock/item', { name: '甲', place: '一号库', size: 1250 });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await atrium.stop();
  plugin('1.1.0', [`name: {type: text, max: 120, required: true, unique: true, ${title}}`, `shelf: {type: text, max: 40, was: place, ${title}}`, `colour: {type: color, ${title}}`],
    'retire: [size]\n');
  await atrium.launch();
  const again = new Api(admin.base);
  await again.login('admin', password);
  admin = again;
  const row = (await admin.get(`/api/stock/item/${made.body.id}`)).body;
  assert.equal(row.shelf, '一号库');
  assert.equal(row.colour, null);
  assert.ok(!('size' in row) && !('place' in row));
  assert.equal(sql('SELECT size FROM stock_item'), '1250', 'retired, not lost');
  assert.equal((await admin.post('/api/stock/item', { name: '乙'.repeat(100), shelf: '二号库' })).status, 201);
});

test('a plan says what each statement does and costs; what is retired goes only when an operator says so, twice', async () => {
  const plan = (await atrium.operator('GET', '/operator/tenants/shop/plan')).body;
  assert.equal(plan.length, 1);
  assert.match(plan[0].sql, /DROP COLUMN `size`/);
  assert.equal(plan[0].destructive, true);
  assert.ok(['instant', 'online', 'copy'].includes(plan[0].how));
  assert.ok(plan[0].bytes > 0);
  const refused = await atrium.operator('POST', '/operator/tenants/shop/drop-retired', {});
  assert.equal(refused.status, 422);
  assert.ok(refused.body.fields.sure);
  assert.match(ctl('plan', 'shop'), /how: /);
  assert.match(ctl('drop-retired', 'shop', '--sure', 'shop'), /dropped: 1/);
  assert.deepEqual((await atrium.operator('GET', '/operator/tenants/shop/plan')).body, []);
  assert.equal(sql("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'atrium_t_shop' AND TABLE_NAME = 'stock_item' AND COLUMN_NAME = 'size'"), '0');
  assert.equal((await admin.get('/api/stock/item')).body.count, 2);
});

test('a manifest that would lose data is refused by name and the tenant serves on with its tables', async () => {
  await atrium.stop();
  plugin('1.2.0', [`name: {type: text, max: 10, required: true, unique: true, ${title}}`, `shelf: {type: text, max: 40, was: place, ${title}}`, `colour: {type: color, ${title}}`]);
  await atrium.launch();
  assert.match(atrium.log(), /schema of tenant shop: stock_item\.name: /);
  const plan = await atrium.operator('GET', '/operator/tenants/shop/plan');
  assert.equal(plan.status, 409);
  assert.equal(plan.body.code, 'schema_conflict');
  const api = new Api(admin.base);
  await api.login('admin', password);
  assert.equal((await api.get('/api/stock/item')).body.items.length, 2);
});

test('a slip in retire is told with its place', async () => {
  plugin('1.3.0', [`name: {type: text, max: 120, ${title}}`], 'retire: [name]\n');
  const r = (() => { try { return execFileSync(path.join(prefix, 'bin/atriumd'), ['--check', '--config', atrium.config], { encoding: 'utf8', stdio: 'pipe' }); } catch (e) { return `${e.stdout}${e.stderr}`; } })();
  assert.match(r, /resources\/item\.yaml:6:\d+: 'name' is still a field/);
});
