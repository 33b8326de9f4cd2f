// Both languages say everything, with the same values in the same places.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import en from '../src/i18n/en.ts';
import zh from '../src/i18n/zh.ts';

const flat = (o, at = '') => Object.fromEntries(Object.entries(o).flatMap(([k, v]) =>
    typeof v === 'object' ? Object.entries(flat(v, `${at}${k}.`)) : [[at + k, v]]));
const holes = (s) => [...s.split('|')[0].matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

test('zh and en have the same keys', () => {
    assert.deepEqual(Object.keys(flat(zh)).sort(), Object.keys(flat(en)).sort());
});

test('zh and en name the same values', () => {
    const english = flat(en);
    for (const [key, text] of Object.entries(flat(zh)))
        if (!['home.today', 'detail.moved'].includes(key)) assert.deepEqual(holes(english[key]), holes(text), key);
});
