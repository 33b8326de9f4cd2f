// What `npm run build` left in dist/: the promises that plugin pages and the server
// rely on.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const skip = existsSync(dist + 'index.html') ? false : 'not built';
const scripts = skip ? [] : readdirSync(dist + 'assets').filter((f) => f.endsWith('.js')).map((f) => 'assets/' + f);
const html = skip ? '' : readFileSync(dist + 'index.html', 'utf8');

const names = (file) => {
    const text = readFileSync(dist + file, 'utf8');
    return new Set([...text.matchAll(/export\s*\{([^}]*)\}/g)].flatMap((m) => m[1].split(',').map((x) => x.trim().split(/\s+as\s+/).at(-1))));
};
const map = skip ? {} : JSON.parse(/<script type="importmap">(.*?)<\/script>/s.exec(html)[1]).imports;

test('the only inline script is the import map, named in csp.json', { skip }, () => {
    const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)].map((m) => m[1]);
    const hashes = inline.map((s) => 'sha256-' + createHash('sha256').update(s, 'utf8').digest('base64'));
    assert.equal(inline.length, 1);
    assert.deepEqual(JSON.parse(readFileSync(dist + 'csp.json', 'utf8')).script_hashes, hashes);
    assert.ok(html.indexOf('importmap') < html.indexOf('type="module"'), 'before every module');
    assert.ok(!/\sstyle=|<style|\son\w+=/.test(html));
});

test('addresses are relative: one build for every base', { skip }, () => {
    for (const [, a] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(a, /^\.\//);
    for (const a of Object.values(map)) assert.match(a, /^\.\/assets\/.+-[\w-]{8}\.js$/);
});

test('the shared modules keep their names', { skip }, () => {
    assert.deepEqual(Object.keys(map).sort(), ['@atrium/shell', 'element-plus', 'vue']);
    for (const n of ['h', 'ref', 'computed', 'watch', 'onMounted', 'defineComponent']) assert.ok(names(map.vue).has(n), n);
    for (const n of ['ElButton', 'ElTable', 'ElTree']) assert.ok(names(map['element-plus']).has(n), n);
    /* Version 1 of the SDK: names may be added here, none may go. */
    const sdk = ['Chart', 'Icon', 'Link', 'Message', 'Problem', 'State', 'api', 'can', 'confirm', 'copyText', 'format', 'lang',
        'messages', 'problemText', 'routes', 'subscribe', 'title', 'toast', 'user', 'version'];
    for (const n of sdk) assert.ok(names(map['@atrium/shell']).has(n), n);
});

test('one Vue, the one that plugin pages get', { skip }, () => {
    const { version } = JSON.parse(readFileSync(new URL('../node_modules/vue/package.json', import.meta.url), 'utf8'));
    const holders = scripts.filter((f) => readFileSync(dist + f, 'utf8').includes(version));
    assert.equal(holders.length, 1, holders.join());
    const entry = readFileSync(dist + map.vue.slice(2), 'utf8');
    assert.ok(entry.includes(holders[0].split('/').at(-1)), 'the import map leads to it');
});

test('first load stays below 350 KB of gzipped JavaScript', { skip }, () => {
    /* What index.html names, and the chunks of the shell and the start page. */
    const seen = new Set();
    const walk = (file) => {
        if (seen.has(file)) return;
        seen.add(file);
        const text = readFileSync(dist + file, 'utf8');
        for (const [, f] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) walk('assets/' + f);
    };
    for (const [, f] of html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)) walk(f);
    const entry = readFileSync(dist + /<script type="module"[^>]*src="\.\/([^"]+)"/.exec(html)[1], 'utf8');
    for (const page of ['LoginPage', 'AppShell', 'HomePage']) {
        const f = [...(entry + [...seen].map((x) => readFileSync(dist + x, 'utf8')).join('')).matchAll(new RegExp(`\\./(${page}-[\\w-]+\\.js)`, 'g'))][0];
        assert.ok(f, page);
        walk('assets/' + f[1]);
    }
    const bytes = [...seen].reduce((n, f) => n + gzipSync(readFileSync(dist + f)).length, 0);
    console.log(`first load: ${(bytes / 1024).toFixed(0)} KB gzip in ${seen.size} files`);
    assert.ok(bytes < 350 * 1024, String(bytes));
});

test('nothing is evaluated', { skip }, () => {
    for (const f of scripts) assert.ok(!/\bnew Function\(|[^.\w]eval\(/.test(readFileSync(dist + f, 'utf8')), f);
});
