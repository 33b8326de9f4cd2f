// The operator's side: who gets what, plugins that do not stand, reloads that fail.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, freePort, prefix } from '../lib/atrium.mjs';

let atrium, admin, operatorPort, plugins;
before(async () => {
  operatorPort = await freePort();
  plugins = path.join((await import('node:os')).tmpdir(), `atrium-plugins-${process.pid}`);
  mkdirSync(path.join(plugins, 'broken/resources'), { recursive: true });
  writeFileSync(path.join(plugins, 'broken/plugin.yaml'),
    'manifest: 1\nplugin: {id: broken, version: 1.0.0, abi: 1, title: {zh: 坏, en: Broken}}\n');
  // Filters by a field that no index covers: reads well, does not stand.
  writeFileSync(path.join(plugins, 'broken/resources/thing.yaml'),
    'title: {zh: 物, en: Thing}\nlabel: name\nfields:\n  name: {type: text, title: {zh: 名, en: Name}}\n' +
    'views:\n  list: {columns: [name], filters: [name], sort: [-created_at]}\n');
  mkdirSync(path.join(plugins, 'unread'), { recursive: true });
  writeFileSync(path.join(plugins, 'unread/plugin.yaml'), 'manifest: 1\nplugin: {id: unread, colour: red}\n');
  atrium = await Atrium.start({
    settings: `  - {address: 127.0.0.1, port: ${operatorPort}, operator: true}\n` +
      `plugin_dirs: [${plugins}, ${path.join(prefix, 'share/atrium/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

test('a bad manifest is told with file, line and column; the others serve', async () => {
  const list = (await admin.get('/api/core/plugins')).body;
  const state = Object.fromEntries(list.map((p) => [p.id, p.state]));
  assert.equal(state.vote, 'on');
  assert.equal(state.broken, 'failed');
  assert.equal(state.unread, 'failed');
  const { body } = await atrium.operator('GET', '/operator/status');
  assert.match(body.plugins.find((p) => p.id === 'unread').error, /unread\/plugin\.yaml:2:\d+: /);
  assert.match(body.plugins.find((p) => p.id === 'broken').error, /thing/);
  assert.equal((await admin.post('/api/core/plugins/broken/enable')).status, 409);
});

test('atriumctl: status, tenants, users, plugins, plan, migrate, doctor; errors name the field', async () => {
  const ctl = (...args) => execFileSync(path.join(prefix, 'bin/atriumctl'), ['--state', atrium.state, '--json', ...args], { encoding: 'utf8' });
  assert.equal(JSON.parse(ctl('status')).database, 'private MariaDB');
  const made = JSON.parse(ctl('tenant', 'create', 'second', '--name', '第二个'));
  assert.ok(made.password.length >= 12);
  assert.deepEqual(JSON.parse(ctl('tenant', 'list')).map((t) => t.slug).sort(), ['demo', 'second']);
  assert.equal(JSON.parse(ctl('plugin', 'enable', 'second', 'vote')).state, 'on');
  assert.equal(JSON.parse(ctl('plugin', 'list', 'second')).find((p) => p.id === 'vote').state, 'on');
  assert.deepEqual(JSON.parse(ctl('plan', 'second')), [], 'nothing is left to do');
  assert.equal(JSON.parse(ctl('migrate', 'second')).migrated, true);
  assert.equal(JSON.parse(ctl('plugin', 'disable', 'second', 'vote')).state, 'off');
  assert.ok(JSON.parse(ctl('user', 'create', 'second', 'li', '--name', '李')).password);
  assert.ok(JSON.parse(ctl('doctor')).some((c) => c.check.includes('second') && c.ok));
  const bad = spawnSync(path.join(prefix, 'bin/atriumctl'), ['--state', atrium.state, 'tenant', 'create', 'Bad-Slug!', '--name', 'x'], { encoding: 'utf8' });
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /slug: /);
  assert.equal(spawnSync(path.join(prefix, 'bin/atriumctl'), ['nonsense']).status, 2);
});

test("a TCP listener of the operator's side has health and metrics, and nothing that rules", async () => {
  const get = (p) => fetch(`http://127.0.0.1:${operatorPort}${p}`);
  assert.equal((await get('/readyz')).status, 200);
  assert.match(await (await get('/metrics')).text(), /^atrium_http_requests_total \d+$/m);
  for (const p of ['/operator/status', '/operator/tenants', '/operator/doctor'])
    assert.equal((await get(p)).status, 403, p);
  const made = await fetch(`http://127.0.0.1:${operatorPort}/operator/tenants/demo/users`, { method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': 'local' }, body: '{"login":"thief","name":"x","admin":true}' });
  assert.equal(made.status, 403);
  for (const p of ['/metrics', '/readyz', '/operator/status'])
    assert.notEqual((await admin.fetch('GET', p)).status, 200, `${p} on a public listener`);
});

test('a reload with bad settings changes nothing; a reload that cannot start leaves no open port', async () => {
  const good = readFileSync(atrium.config, 'utf8');
  const [was] = atrium.workers();
  appendFileSync(atrium.config, 'nonsense: 1\n');
  process.kill(atrium.child.pid, 'SIGHUP');
  await sleep(500);
  assert.match(atrium.log(), /unknown key 'nonsense'/);
  assert.deepEqual(atrium.workers(), [was]);
  const port = await freePort();
  // A certificate that is not there: settings read well, the worker cannot serve.
  writeFileSync(atrium.config, good.replace('listen:\n', `listen:\n  - {address: 127.0.0.1, port: ${port}, tls: {cert: /nowhere.pem, key: /nowhere.pem}}\n`));
  process.kill(atrium.child.pid, 'SIGHUP');
  const until = Date.now() + 10_000;
  while (!/the old one goes on/.test(atrium.log()) && Date.now() < until) await sleep(50);
  assert.match(atrium.log(), /the old one goes on/);
  assert.deepEqual(atrium.workers(), [was]);
  assert.equal((await admin.get('/api/vote/poll')).status, 200);
  const refused = await new Promise((ok) => {
    const s = net.connect(port, '127.0.0.1', () => { s.destroy(); ok(false); });
    s.on('error', () => ok(true));
  });
  assert.ok(refused, 'the new port is closed again');
  writeFileSync(atrium.config, good);
  process.kill(atrium.child.pid, 'SIGHUP');
  while (atrium.workers().includes(was) && Date.now() < until + 10_000) await sleep(50);
  assert.equal((await admin.get('/api/vote/poll')).status, 200);
});
