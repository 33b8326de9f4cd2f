// docs/operator.zh-CN.md against the code: settings, metrics, commands, messages.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { top } from '../lib/atrium.mjs';

const read = (file) => readFileSync(path.join(top, file), 'utf8');
const page = read('docs/operator.zh-CN.md');

/** The text of one section, from its heading to the next of the same level. */
function section(title) {
  const at = page.indexOf(`\n## ${title}\n`);
  assert.ok(at >= 0, title);
  const end = page.indexOf('\n## ', at + 4);
  return page.slice(at, end < 0 ? undefined : end);
}

/** Each C string literal of the sources, neighbours joined as the compiler does. */
function literals() {
  const out = [];
  const walk = (dir) => {
    for (const e of readdirSync(path.join(top, dir), { withFileTypes: true })) {
      if (e.isDirectory()) walk(`${dir}/${e.name}`);
      else if (e.name.endsWith('.c')) {
        for (const [text] of read(`${dir}/${e.name}`).matchAll(/"(?:[^"\\\n]|\\.)*"(?:\s*(?:[A-Z_]+\s*)?"(?:[^"\\\n]|\\.)*")*/g))
          out.push(text.replace(/"\s*(?:[A-Z_]+\s*)?"/g, ''));
      }
    }
  };
  walk('core');
  out.push(...read('tools/atriumctl.c').match(/"(?:[^"\\\n]|\\.)*"/g));
  return out;
}

test('every setting is described', () => {
  const text = section('设置');
  const keys = new Set();
  for (const [, key] of read('core/config/settings.c').matchAll(/\b(?:get_uint|get_path|cfg_[a-z]+)\((?:l, )?[a-z]+, "([a-z_]+)"/g))
    keys.add(key);
  assert.ok(keys.size > 40, `${keys.size} keys found: the pattern no longer fits the code`);
  const missing = [...keys].filter((k) => !new RegExp(`[\`.{ ]${k}[\`.,}]`).test(text));
  assert.deepEqual(missing, []);
});

test('every metric is described, and no other', () => {
  const made = [...read('core/main/health.c').matchAll(/metric\(b, "([a-z0-9_]+)"/g)].map((m) => `atrium_${m[1]}`);
  const told = [...section('健康与指标').matchAll(/^\| `(atrium_[a-z0-9_]+)`/gm)].map((m) => m[1]);
  assert.ok(made.length > 10);
  assert.deepEqual(told, made);
});

test('every command of atriumctl is described', () => {
  const text = section('atriumctl');
  const commands = [...read('tools/atriumctl.c').matchAll(/^ {4}\{"([a-z ]+)", "/gm)].map((m) => m[1]);
  assert.ok(commands.length > 8);
  for (const c of commands) assert.ok(text.includes(c), c);
});

test('every option of atriumd is described', () => {
  const usage = read('core/main/options.c').match(/puts\(([\s\S]*?)\);/)[1];
  for (const [, option] of usage.matchAll(/^ *" {2}(--[a-z-]+)/gm)) assert.ok(section('启动与停止').includes(option), option);
});

test('the messages of the table are those of the code', () => {
  const all = literals();
  const rows = [...section('故障对照').matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1]);
  assert.ok(rows.length > 25);
  const missing = rows.filter((row) => {
    const parts = row.split('…').map((p) => p.trim()).filter(Boolean);
    return !all.some((text) => {
      let at = 0;
      return parts.every((p) => (at = text.indexOf(p, at)) >= 0 && ((at += p.length), true));
    });
  });
  assert.deepEqual(missing, []);
});
