// docs/integrator-guide.md as an integrator reads it: its commands are run against a
// live Atrium, its functions against a signature.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Atrium, pollBody, top } from '../lib/atrium.mjs';

const page = readFileSync(path.join(top, 'docs/integrator-guide.md'), 'utf8');
const blocks = (kind) => [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]);
const dir = mkdtempSync(path.join(tmpdir(), 'guide-'));
let atrium, admin, key;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  for (let i = 0; i < 3; i++) await admin.post('/api/vote/poll', pollBody({ name: `p${i}` }));
  const row = await admin.post('/api/core/api_key', { name: 'guide', grants: {
    'vote.poll': { read: ['all'], create: true, update: ['all'] }, 'core.calendar_day': { read: ['all'] } } });
  assert.equal(row.status, 201, JSON.stringify(row.body));
  key = (await admin.post(`/api/core/api_key/${row.body.id}/secret`)).body.secret;
});
after(async () => { await atrium?.stop(); rmSync(dir, { recursive: true, force: true }); });

test('B-38 D-T6 the commands of the guide do what it says', async () => {
  const all = blocks('sh');
  assert.ok(all.length >= 9);
  /* One shell for all, as somebody types them one after the other. */
  const script = all.map((b, i) => `echo "@@${i}"\n${b}`).join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: dir, env: { ...process.env, BASE: admin.base, KEY: key } });
  all.forEach((b, i) => {
    const out = stdout.slice(stdout.indexOf(`@@${i}\n`), i + 1 < all.length ? stdout.indexOf(`@@${i + 1}\n`) : undefined);
    const wants = [...b.matchAll(/^# -> (.*)$/gm)].map((m) => m[1]);
    assert.ok(wants.length, b);
    for (const w of wants) assert.ok(out.includes(w), `${b}\nprinted:\n${out}`);
  });
});

test('B-38 the guide\'s functions take a good signature and refuse others', async () => {
  const body = '{"a":"值"}', t = 1700000000;
  const sign = (secret) => createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  const cases = [
    [`t=${t},v1=${sign('whsec_x')}`, t, true], [`t=${t},v1=${sign('old')},v1=${sign('whsec_x')}`, t + 299, true],
    [`t=${t},v1=${sign('old')}`, t, false], [`t=${t},v1=${sign('whsec_x')}`, t + 301, false], ['junk', t, false], [`t=${t}`, t, false],
  ];
  writeFileSync(path.join(dir, 'v.mjs'), blocks('js')[0]);
  const { verify } = await import(path.join(dir, 'v.mjs'));
  for (const [h, now, want] of cases) assert.equal(verify('whsec_x', h, Buffer.from(body), now), want, h);
  writeFileSync(path.join(dir, 'v.py'), `${blocks('python')[0]}
import json, sys
for h, now, want in json.loads(sys.argv[1]):
    assert verify("whsec_x", h, ${JSON.stringify(body)}.encode(), now) == want, h
print("good")
`);
  assert.equal(execFileSync('python3', [path.join(dir, 'v.py'), JSON.stringify(cases)], { encoding: 'utf8' }).trim(), 'good');
});
