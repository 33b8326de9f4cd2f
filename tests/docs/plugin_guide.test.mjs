// docs/plugin-guide.md: what it quotes stands in the files; its first plugin
// compiles, shows one symbol, and answers.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api, Atrium, prefix, top } from '../lib/atrium.mjs';

const read = (file) => readFileSync(path.join(top, file), 'utf8');
const guide = read('docs/plugin-guide.md');

/** Fenced blocks, also those inside lists: [{info, text}]. */
const blocks = [...guide.matchAll(/^( *)```(\S+)? ?(.*)\n([\s\S]*?)^\1```$/gm)]
  .map(([, , lang, mark, text]) => ({ lang, mark, text }));

test('every quotation stands in its file, word for word', () => {
  const quotes = blocks.filter((b) => b.mark.startsWith('quote='));
  assert.ok(quotes.length > 25);
  for (const { mark, text } of quotes) {
    const file = mark.slice('quote='.length);
    assert.ok(read(file).includes(text), `${file} does not hold:\n${text}`);
  }
});

test('code is quoted or is a file that is compiled', () => {
  for (const { lang, mark, text } of blocks)
    if (['c', 'yaml', 'js', 'make'].includes(lang)) assert.match(mark, /^(quote|file)=\S+$/, text);
});

test('every interface and every source file of vote is named', () => {
  for (const header of readdirSync(path.join(top, 'abi/atrium'))) {
    const id = read(`abi/atrium/${header}`).match(/"(atrium\.[a-z]+\/\d+)"\n/)?.[1];
    if (id) assert.ok(guide.includes(`\`${id}\``), id);
  }
  for (const f of readdirSync(path.join(top, 'plugins/vote/src')).filter((n) => n.endsWith('.c')))
    assert.ok(guide.includes(f), f);
});

test('the first plugin compiles, shows one symbol and answers', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'atrium-docs-'));
  let atrium;
  t.after(async () => { await atrium?.stop(); rmSync(dir, { recursive: true, force: true }); });
  for (const { mark, text } of blocks.filter((b) => b.mark.startsWith('file='))) {
    const file = path.join(dir, mark.slice('file='.length));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const so = path.join(dir, 'hello/hello.so');
  execFileSync('cc', ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fPIC', '-fvisibility=hidden', '-shared',
    '-Wl,-z,defs', `-I${path.join(prefix, 'include')}`, '-o', so, path.join(dir, 'hello/hello.c')], { stdio: 'pipe' });
  const symbols = execFileSync('nm', ['-D', '--defined-only', so], { encoding: 'utf8' }).trim().split('\n').map((l) => l.split(' ').at(-1));
  assert.deepEqual(symbols, ['atrium_plugin_entry']);

  atrium = await Atrium.start({ settings: `plugin_dirs: [${dir}]\n` });
  const admin = await atrium.tenant('demo');
  assert.equal((await admin.get('/api/hello/public/greeting?name=x')).status, 404, 'off');
  const on = await atrium.operator('POST', '/operator/tenants/demo/plugins/hello/enable');
  assert.equal(on.status, 200, JSON.stringify(on.body));
  const anyone = new Api(admin.base);
  const answer = await anyone.get('/api/hello/public/greeting?name=Atrium');
  assert.deepEqual([answer.status, answer.body], [200, { word: 'Hello', name: 'Atrium' }]);
  const refused = await anyone.get('/api/hello/public/greeting');
  assert.deepEqual([refused.status, refused.body.fields], [422, { name: '必填。' }]);
});
