// The documents against the code: examples load, complaints are word for word,
// every key that the readers know is described. Needs no server; `atriumd --check`.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prefix, top } from '../lib/atrium.mjs';

const read = (file) => readFileSync(path.join(top, file), 'utf8');
const manifest = read('docs/manifest.md');

/** Fenced blocks whose info string is `<lang> <mark>=<value>`: [{value, text}]. */
function blocks(text, lang, mark) {
  return [...text.matchAll(new RegExp(`^\`\`\`${lang} ${mark}=(\\S+)\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
    .map(([, value, body]) => ({ value, text: body }));
}

let dir;
before(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'atrium-docs-'));
  for (const { value, text } of blocks(manifest, 'yaml', 'file')) {
    const file = path.join(dir, 'all', value);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** Checks one plugin's folder alone. */
function check(from) {
  const plugins = mkdtempSync(path.join(dir, 'one-'));
  cpSync(from, path.join(plugins, path.basename(from)), { recursive: true });
  const settings = path.join(plugins, '.settings.yaml');
  writeFileSync(settings, `state_dir: ${plugins}\nplugin_dirs: [${plugins}]\n`);
  const { status, stdout, stderr, error } = spawnSync(path.join(prefix, 'bin/atriumd'),
    ['--check', '--config', settings], { encoding: 'utf8', timeout: 30_000 });
  if (error) throw error;
  return { status, stdout, complaints: stderr.replaceAll(`${plugins}/${path.basename(from)}/`, '') };
}
const folders = () => readdirSync(path.join(dir, 'all'));
const mistakes = () => new Map(blocks(manifest, 'text', 'check').map((b) => [b.value, b.text]));

test('the complete examples of docs/manifest.md load', () => {
  const good = folders().filter((name) => !mistakes().has(name));
  assert.deepEqual(good, ['loans', 'notices']);
  for (const name of good) {
    const { status, stdout, complaints } = check(path.join(dir, 'all', name));
    assert.equal(complaints, '', name);
    assert.equal(status, 0, name);
    const n = readdirSync(path.join(dir, 'all', name, 'resources')).length;
    assert.equal(stdout, `${name} 1.0.0: ${n} resources\n`);
  }
});

test('the mistaken example is answered with the lines that are shown', () => {
  const shown = mistakes();
  assert.ok(shown.size > 0);
  for (const [name, lines] of shown) {
    const { status, complaints } = check(path.join(dir, 'all', name));
    assert.equal(status, 1);
    assert.equal(complaints, lines);
  }
});

test('every key that the manifest readers ask for is described', () => {
  const keys = new Set();
  for (const name of readdirSync(path.join(top, 'core/config')).filter((f) => /^manifest.*\.c$/.test(f))) {
    const c = read(`core/config/${name}`);
    for (const [, key] of c.matchAll(/\b(?:cfg|mf)_[a-z_]+\((?:r, )?[a-z_]+, "([a-z_]+)"/g)) keys.add(key);
    for (const [, key] of c.matchAll(/READ_LIST\(r, root, "([a-z_]+)"/g)) keys.add(key);
  }
  assert.ok(keys.size > 60, `${keys.size} keys found: the pattern no longer fits the code`);
  const missing = [...keys].filter((k) => !new RegExp(`[\`.{, ]${k}[\`:,} ]`).test(manifest));
  assert.deepEqual(missing, []);
});

test('every field type, trait and operator of conditions is described', () => {
  const types = [...read('core/config/manifest_field.c').matchAll(/^ {4}\[MF_[A-Z_]+\] = "([a-z_]+)",$/gm)].map((m) => m[1]);
  const traits = read('core/config/manifest_resource.c').match(/trait_names\[\] = \{([^}]+)\}/)[1].match(/[a-z_]+/g);
  const operators = [...read('core/config/cond.c').matchAll(/^ {4}\{"([^"]+)", [A-Z_]+,/gm)].map((m) => m[1]);
  assert.ok(types.length > 20 && traits.length > 5 && operators.length > 6);
  for (const word of [...types, ...traits]) assert.ok(manifest.includes(`\`${word}\``), word);
  for (const op of operators) assert.ok(manifest.includes(`["${op}", `), op);
});
