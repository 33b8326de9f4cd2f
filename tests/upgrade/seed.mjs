// Makes the seed of an upgrade test from the Atrium that is installed now: run it
// before a change of the schema is made, once for each version that people have.
//
//   node tests/upgrade/seed.mjs NAME     writes tests/upgrade/NAME.sql and NAME.json
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Api, Atrium, png, publishedPoll, pollBody } from '../lib/atrium.mjs';

const name = process.argv[2];
if (!name) throw new Error('usage: seed.mjs NAME');
const atrium = await Atrium.start();
const must = (r, ...ok) => { if (!ok.includes(r.status)) throw new Error(`${r.status} ${JSON.stringify(r.body)}`); return r.body; };
const env = { ...process.env, MYSQL_PWD: readFileSync(path.join(atrium.state, 'db-password'), 'utf8').trim() };
const access = ['--no-defaults', '-S', path.join(atrium.state, 'db.sock'), '-u', 'atrium'];
const sql = (text) => execFileSync('mariadb', [...access, '-N', '-B', '-r', '-e', text], { encoding: 'utf8', env });
try {
  const admin = await atrium.tenant('old', { plugins: ['vote'] });
  const head = must(await admin.post('/api/core/dept', { name: '总部' }), 201).id;
  const below = must(await admin.post('/api/core/dept', { name: '分部', parent: head }), 201).id;
  const role = must(await admin.post('/api/core/role', { code: 'polls', name: '投票专员', grants: { 'vote.poll': { read: ['department'], create: true, update: ['own'], do: ['publish'], fields: { intro: 'hidden' } } } }), 201).id;
  const staff = must(await admin.post('/api/core/staff', { login: 'wang', name: '王经办', phone: '13900000002', email: 'wang@example.com', department: below, roles: [{ role }] }), 201).id;
  const { password } = must(await admin.post(`/api/auth/staff/${staff}/password`), 200, 201);
  must(await admin.post('/api/core/dictionary', { code: 'industry', name: '行业', items: [{ code: 'it', title: '信息技术' }, { code: 'bio', title: '生物医药' }] }), 201);
  const cover = must(await admin.upload('cover.png', 'image/png', png, 'vote.poll.cover'), 201).id;
  const poll = await publishedPoll(admin, { name: '旧版投票', cover });
  const draft = must(await admin.post('/api/vote/poll', pollBody({ name: '旧版草稿' })), 201);
  must(await admin.patch(`/api/vote/poll/${draft.id}`, { title: '改过的标题' }), 200);
  const gone = must(await admin.post('/api/vote/poll', pollBody({ name: '旧版已删' })), 201);
  must(await admin.delete(`/api/vote/poll/${gone.id}`), 204);
  const member = new Api(admin.base);
  must(await member.post('/api/auth/code', { phone: '13700000003', purpose: 'member' }), 202);
  must(await member.post('/api/auth/member/login', { phone: '13700000003', code: atrium.codes('13700000003')[0].code }), 200);
  must(await member.post(`/api/vote/public/poll/${poll.id}/ballots`, { options: [poll.options[0].id] }, { 'idempotency-key': 'upgrade-seed-1' }), 201);
  const audit = must(await admin.get('/api/core/audit?limit=1'), 200).count;
  const facts = {
    made_with: name, admin_password: admin.password, staff, staff_password: password, head, below, role, poll: poll.id, option: poll.options[0].id,
    draft: draft.id, gone: gone.id, cover, audit, master_key: readFileSync(path.join(atrium.state, 'master.key')).toString('base64'),
    file_path: sql(`SELECT path FROM atrium_t_old.core_file WHERE id = ${cover}`).trim(),
  };
  let text = execFileSync('mariadb-dump', [...access, '--databases', 'atrium', 'atrium_t_old', '--skip-comments', '--skip-dump-date', '--hex-blob', '--single-transaction'], { encoding: 'utf8', env, maxBuffer: 1 << 28 });
  for (const who of sql("SELECT CONCAT(User, ' ', Host) FROM mysql.global_priv WHERE User LIKE 'atrium\\_%'").trim().split('\n')) {
    const [user, host] = who.split(' ');
    text += `${sql(`SHOW CREATE USER '${user}'@'${host}'`).trim()};\n`;
    for (const g of sql(`SHOW GRANTS FOR '${user}'@'${host}'`).trim().split('\n')) text += `${g};\n`;
  }
  writeFileSync(path.join(import.meta.dirname, `${name}.sql`), text);
  writeFileSync(path.join(import.meta.dirname, `${name}.json`), `${JSON.stringify(facts, null, 2)}\n`);
} finally {
  await atrium.stop();
}
