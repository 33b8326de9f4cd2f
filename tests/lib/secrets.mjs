// What an operator could find out on the server itself: with master.key and the
// database's root, a captcha's answer. This is how tests answer captchas; the product
// has no door for it.
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

function open(key, about, text) {
  const box = Buffer.from(text, 'base64url');
  const d = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12));
  d.setAAD(Buffer.from(about));
  d.setAuthTag(box.subarray(-16));
  return Buffer.concat([d.update(box.subarray(12, -16)), d.final()]);
}

/** Rows of a statement on the private MariaDB, as arrays of texts. */
export function sql(atrium, statement, database = 'atrium') {
  const out = execFileSync('mariadb', ['--no-defaults', `--socket=${socketOf(atrium)}`, '-N', '-B', '-r', database, '-e', statement],
    { encoding: 'utf8' });
  return out.split('\n').filter(Boolean).map((l) => l.split('\t'));
}

function socketOf(atrium) {
  const find = (dir, depth) => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      const full = path.join(dir, e.name);
      if (e.isSocket() && /sql|maria|db/.test(full.slice(atrium.state.length))) return full;
      if (e.isDirectory() && depth) { const s = find(full, depth - 1); if (s) return s; }
    }
    return null;
  };
  return find(atrium.state, 2);
}

/** The answer of the captcha with this id. */
export function captchaAnswer(atrium, slug, id) {
  const master = Buffer.from(readFileSync(path.join(atrium.state, 'master.key'), 'utf8').trim(), 'hex');
  const [[tenant, sealed, db]] = sql(atrium, `SELECT id, secret, db_name FROM tenant WHERE slug = '${slug}'`);
  const secret = open(master, `tenant/${tenant}/secret`, sealed.replace(/^m1\./, '')); // sealed by master key 1
  const hash = createHash('sha256').update(id).digest('hex');
  const [[row, data]] = sql(atrium, `SELECT id, data FROM core_ticket WHERE token_hash = '${hash}'`, db);
  const key = createHmac('sha256', secret).update('key:captcha').digest();
  return open(key, `captcha/${row}`, data).toString();
}
