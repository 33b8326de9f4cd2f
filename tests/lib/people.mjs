// Members of staff with roles, and the test's own way into a tenant's tables (to let
// time pass, which the API cannot).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Api } from './atrium.mjs';

const PASSWORD = 'Correct-horse-7';

/** Runs SQL in the tenant's database; rows as arrays of texts. */
export function sql(atrium, slug, text) {
  const run = (db, q) => execFileSync('mariadb', ['--no-defaults', '--batch', '--skip-column-names',
    `--socket=${path.join(atrium.state, 'db.sock')}`, '--user=atrium', db, '-e', q], { encoding: 'utf8',
    env: { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() } });
  const name = run('atrium', `SELECT db_name FROM tenant WHERE slug='${slug}'`).trim();
  return run(name, text).trim().split('\n').filter(Boolean).map((l) => l.split('\t'));
}

/** Makes somebody and logs him in; roles by code. Resolves an Api with `id`. */
export async function person(admin, login, roles = [], more = {}) {
  const rows = (await admin.get('/api/core/role?limit=200')).body.items;
  const made = await admin.post('/api/core/staff', { login, name: more.name ?? login,
    roles: roles.map((code) => ({ role: rows.find((r) => r.code === code).id })), ...more });
  if (made.status !== 201) throw new Error(`${login}: ${made.status} ${JSON.stringify(made.body)}`);
  const set = await admin.post(`/api/auth/staff/${made.body.id}/password`, { password: PASSWORD });
  if (set.status !== 200) throw new Error(`${login}: ${set.status} ${JSON.stringify(set.body)}`);
  const api = new Api(admin.base);
  await api.login(login, PASSWORD);
  api.id = made.body.id;
  api.password = PASSWORD;
  return api;
}
