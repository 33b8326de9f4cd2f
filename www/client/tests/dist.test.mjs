/* What the builds may contain. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { built } from './built.mjs';

const files = (name) =>
  readdirSync(built(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.path ?? entry.parentPath}/${entry.name}`);
const read = (file) => readFileSync(file, 'utf8');

const h5 = files('h5');
const mini = files('mp-weixin');

test('no host but the name of SVG stands in either build', () => {
  for (const file of [...h5, ...mini]) {
    const hosts = [...read(file).matchAll(/https?:\/\/[\w.-]+[\w/.-]*/g)]
      .map((m) => m[0])
      .filter((url) => !url.startsWith('http://www.w3.org/'));
    assert.deepEqual(hosts, [], file);
  }
});

test('the framework\'s hidden pictures are out', () => {
  for (const file of [...h5, ...mini]) {
    const found = /preloadAssets|shadow-preload|shadow-grey|dcloud\.net/.exec(read(file));
    assert.equal(found, null, file);
  }
});

test('H5 fits its policy: no inline script, no eval, relative addresses', () => {
  const html = read(h5.find((file) => file.endsWith('index.html')));
  for (const [, attributes, body] of html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)) {
    assert.match(attributes, /src="\.\//);
    assert.equal(body, '');
  }
  for (const [, url] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(url, /^\.\//);
  assert.doesNotMatch(html, / on\w+=|javascript:/);
  for (const file of h5.filter((name) => name.endsWith('.js'))) {
    assert.equal(/\beval\(|new Function\(/.exec(read(file)), null, file);
  }
});

test('the first load of a poll is small', (t) => {
  const js = h5.filter((name) => name.endsWith('.js'));
  const size = js.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  t.diagnostic(`H5: ${(size / 1000).toFixed(1)} KB of JavaScript gzipped, all pages`);
  assert.ok(size < 130_000, `${size} bytes`);
});

test('the mini-program is far below WeChat\'s 2 MB', (t) => {
  const size = mini.reduce((sum, file) => sum + readFileSync(file).length, 0);
  t.diagnostic(`mini-program: ${(size / 1000).toFixed(1)} KB`);
  assert.ok(size < 1_000_000, `${size} bytes`);
});
