// docs/guide.zh-CN.md and the pictures of all pages against what is there.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { top } from '../lib/atrium.mjs';

const read = (file) => readFileSync(path.join(top, file), 'utf8');
const guide = read('docs/guide.zh-CN.md');
const pages = ['README.md', 'README.zh-CN.md', ...readdirSync(path.join(top, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`),
  ...readdirSync(path.join(top, 'docs/guide')).map((f) => `docs/guide/${f}`)];

test('every picture is one that the browser tests take', () => {
  const taken = new Set();
  for (const f of readdirSync(path.join(top, 'tests/browser')).filter((n) => n.endsWith('.mjs')))
    for (const [, name] of read(`tests/browser/${f}`).matchAll(/\.shot\('([a-z0-9-]+)'\)/g)) taken.add(name);
  assert.ok(taken.size > 5);
  for (const page of pages)
    for (const [, name] of read(page).matchAll(/images\/([a-z0-9-]+)\.png/g)) assert.ok(taken.has(name), `${page}: ${name}`);
});

test('every link leads somewhere', () => {
  const anchors = (text) => new Set([...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, h]) =>
    h.replace(/&lt;|&gt;/g, '').toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, '').replaceAll(' ', '-')));
  for (const page of pages) {
    const text = read(page).replace(/^```[\s\S]*?^```$/gm, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target) || target.endsWith('.png')) continue;
      const [file, anchor] = target.split('#');
      const other = file ? path.join(path.dirname(page), file) : page;
      assert.ok(existsSync(path.join(top, other)), `${page}: ${target}`);
      if (anchor) assert.ok(anchors(read(other)).has(decodeURIComponent(anchor)), `${page}: ${target}`);
    }
  }
});

test('the words of the guide are those on the screen', () => {
  const all = ['core/base/msg.c', 'plugins/vote/plugin.yaml', 'www/console/src/i18n/zh.ts', 'www/client/src/i18n/zh.ts',
    ...['plugins/vote/resources', 'plugins/vote/i18n', 'core/auth/manifest/resources'].flatMap((d) => readdirSync(path.join(top, d)).map((f) => `${d}/${f}`)),
    'core/auth/manifest/plugin.yaml', 'plugins/vote/ui/words.mjs'].map(read).join('\n');
  const table = guide.slice(guide.indexOf('## 常见提示'));
  const told = [...table.matchAll(/^\| (.+?。) \|/gm)].map((m) => m[1]);
  assert.ok(told.length > 8);
  for (const text of told) assert.ok(all.includes(text), text);
  for (const [, quoted] of guide.matchAll(/「([^」]+)」/g))
    for (const word of quoted.split(' › ')) assert.ok(word === '…' || ['CSV', 'XLSX'].includes(word) || all.includes(word), word);
});
