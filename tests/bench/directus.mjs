// Directus 11 from npm on the MariaDB of the running Atrium, with its caches and
// limits off as its own benchmarks have them, and a table of 10,000 rows.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, top } from '../lib/atrium.mjs';

const home = path.join(top, 'build/peers/directus');

function install() {
  if (existsSync(path.join(home, 'node_modules/directus'))) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(path.join(home, 'package.json'), '{"name": "peer", "private": true}\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', 'directus@11.3.5', 'mysql'],
    { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] });
}

export async function startDirectus({ socket, password, sql }) {
  install();
  const port = await freePort();
  const token = 'bench-token-of-this-run-only';
  const base = `http://127.0.0.1:${port}`;
  const env = { ...process.env, DB_CLIENT: 'mysql', DB_SOCKET_PATH: socket, DB_HOST: 'localhost', DB_PORT: '3306',
    DB_DATABASE: 'peer_directus', DB_USER: 'atrium', DB_PASSWORD: password, KEY: 'bench', SECRET: 'bench-secret-of-this-run-only',
    ADMIN_EMAIL: 'bench@example.com', ADMIN_PASSWORD: 'Bench-pass-1234', ADMIN_TOKEN: token, CACHE_ENABLED: 'false',
    RATE_LIMITER_ENABLED: 'false', TELEMETRY: 'false', HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' };
  sql('CREATE DATABASE peer_directus');
  const bin = path.join(home, 'node_modules/.bin/directus');
  execFileSync(bin, ['bootstrap'], { cwd: home, env, stdio: 'ignore' });
  const child = spawn(bin, ['start'], { cwd: home, env, stdio: 'ignore' });
  const stop = () => new Promise((ok) => { child.once('exit', ok); child.kill('SIGTERM'); });
  try {
    for (let i = 0; ; i++) {
      try { if ((await fetch(`${base}/server/ping`)).ok) break; } catch { /* not yet */ }
      if (i === 300) throw new Error('Directus does not answer');
      await sleep(200);
    }
    const made = await fetch(`${base}/collections`, { method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ collection: 'item', schema: {}, meta: {}, fields: [
        { field: 'id', type: 'integer', schema: { is_primary_key: true, has_auto_increment: true } },
        { field: 'name', type: 'string' }, { field: 'v', type: 'integer' }] }) });
    if (!made.ok) throw new Error(`Directus: ${made.status} ${await made.text()}`);
    sql("INSERT INTO peer_directus.item (id, name, v) SELECT 1000 + seq, CONCAT('item ', seq), seq FROM seq_1_to_10000");
    sql('CREATE INDEX v ON peer_directus.item (v)');
  } catch (e) {
    await stop();
    throw e;
  }
  return { base, token, stop };
}
