import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import m from './modules.mjs';

/* ---- texts ---- */

test('t() fills in, in the chosen language', () => {
  m.lang.value = 'zh';
  assert.equal(m.t('poll.left', { n: 3 }), '还可投 3 票');
  m.lang.value = 'en';
  assert.equal(m.t('poll.left', { n: 3 }), '3 votes left');
  assert.equal(m.t('poll.left', { n: 1 }), '1 vote left');
  assert.equal(m.t('poll.left', { n: 0 }), '0 votes left');
  m.lang.value = 'zh';
});

test('t() leaves what it does not know, and puts in text as it is', () => {
  assert.equal(m.t('no.such.key'), 'no.such.key');
  assert.equal(m.t('poll.picture', { other: 1 }), '查看大图：{title}');
  assert.equal(m.t('poll.picture', { title: '$& {n}' }), '查看大图：$& {n}');
});

test('both languages have the same keys and the same places to fill in', () => {
  const places = (text) => [...text.matchAll(/\{\w+\}/g)].map((x) => x[0]).sort();
  const own = Object.keys(m.en).filter((key) => !key.endsWith('_one') || key in m.zh);
  assert.deepEqual(own.sort(), Object.keys(m.zh).sort());
  for (const key of Object.keys(m.zh)) assert.deepEqual(places(m.en[key]), places(m.zh[key]), key);
});

test('every text is used', () => {
  const src = new URL('../src/', import.meta.url);
  const source = readdirSync(src, { recursive: true })
    .filter((file) => /\.(vue|ts)$/.test(file) && !file.startsWith('i18n'))
    .map((file) => readFileSync(new URL(file, src), 'utf8'))
    .join('\n');
  // The state's text is looked up by the state's name.
  const byName = ['poll.open', 'poll.upcoming', 'poll.ended'];
  const unused = Object.keys(m.zh).filter((key) => !source.includes(`'${key}'`));
  assert.deepEqual(unused.sort(), byName.sort());
});

test('the language of a browser', () => {
  assert.equal(m.pickLang('zh-TW'), 'zh');
  assert.equal(m.pickLang('en_US'), 'en');
  assert.equal(m.pickLang('fr'), 'en');
  assert.equal(m.pickLang(undefined), 'zh');
});

/* ---- addresses ---- */

test('the base is where the page was loaded from', () => {
  const o = 'https://h';
  assert.equal(m.baseOf(o, '/'), o);
  assert.equal(m.baseOf(o, '/index.html'), o);
  assert.equal(m.baseOf(o, '/t/fair/'), `${o}/t/fair`);
  assert.equal(m.baseOf(o, '/t/fair/index.html'), `${o}/t/fair`);
});

test('files are found with and without the base in their address', () => {
  const base = 'https://h/t/fair';
  assert.equal(m.fileUrl(base, '/files/1/a.png'), `${base}/files/1/a.png`);
  assert.equal(m.fileUrl(base, '/t/fair/files/1/a.png'), `${base}/files/1/a.png`);
  assert.equal(m.fileUrl(base, 'files/1/a.png'), `${base}/files/1/a.png`);
  assert.equal(m.fileUrl(base, 'https://x/y'), 'https://x/y');
  assert.equal(m.fileUrl('https://h', '/files/1/a.png'), 'https://h/files/1/a.png');
  assert.equal(m.fileUrl(base, null), '');
});

/* ---- the mini-program's cookies ---- */

test('cookies: max-age, expires, session, deletion', () => {
  const now = Date.parse('2026-12-01T00:00:00Z');
  assert.deepEqual(m.parseCookie('atrium_m=a.b=; Path=/t/fair; Max-Age=60; HttpOnly', now), {
    name: 'atrium_m', value: 'a.b=', until: now + 60_000,
  });
  const dated = m.parseCookie('d=1; Expires=Tue, 01 Dec 2026 01:00:00 GMT', now);
  assert.equal(dated.until, now + 3_600_000);
  assert.ok(m.parseCookie('d=1', now).until > now);
  assert.ok(m.parseCookie('d=; Max-Age=0', now).until <= now);
  assert.equal(m.parseCookie('nonsense', now), null);
});

/* ---- numbers and times ---- */

test('numbers, shares, masked phones', () => {
  assert.equal(m.number(1234567), '1,234,567');
  assert.equal(m.number(999), '999');
  assert.equal(m.share(1, 3), '33.3%');
  assert.equal(m.share(1, 2), '50%');
  assert.equal(m.share(0, 0), '0%');
  assert.equal(m.maskPhone('13812345678'), '138****5678');
  assert.equal(m.maskPhone('138****5678'), '138****5678');
});

test('countdown', () => {
  assert.equal(m.countdown(61_000), '00:01:01');
  assert.equal(m.countdown(86_400_000 * 2 + 3_600_000), '2 天 01:00:00');
  assert.equal(m.countdown(-5), '00:00:00');
});

test('dates in both languages, the year only when it differs', () => {
  const at = new Date(2026, 10, 5, 9, 5).getTime();
  assert.equal(m.dateTime(at, at), '11月5日 09:05');
  assert.equal(m.dateTime(at, new Date(2027, 1, 1).getTime()), '2026年11月5日 09:05');
  m.lang.value = 'en';
  assert.equal(m.dateTime(at, at), '5 Nov, 09:05');
  m.lang.value = 'zh';
});
