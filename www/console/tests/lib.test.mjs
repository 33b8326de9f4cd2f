// The console's rules as pure functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOf, resolve } from '../src/lib/base.ts';
import { holds } from '../src/lib/condition.ts';
import { filterText, quote, term } from '../src/lib/filter.ts';
import { initial, payload } from '../src/lib/form.ts';
import { dayStart, nextDay } from '../src/lib/format.ts';
import { printJson } from '../src/lib/json.ts';
import { parseScaled, printScaled } from '../src/lib/scaled.ts';
import { expandOf, groupsOf, isTyped, resourcePath } from '../src/lib/schema.ts';
import { isReadOnly, validate } from '../src/lib/validate.ts';
import { readState, writeState } from '../src/resource/list-state.ts';

const title = (zh) => ({ zh, en: zh });
const option = {
    name: 'vote.option', title: title('选项'), label: 'title', traits: [],
    fields: [
        { name: 'poll', type: 'ref', to: 'vote.poll', title: title('投票') },
        { name: 'position', type: 'int', hidden: true, title: title('次序') },
        { name: 'title', type: 'text', max: 5, required: true, title: title('名称') },
        { name: 'picture', type: 'image', title: title('图片') },
        { name: 'count', type: 'int', read_only: true, title: title('得票') },
    ],
};
const poll = {
    name: 'vote.poll', title: title('投票'), label: 'name', traits: [],
    fields: [
        { name: 'name', type: 'text', max: 10, required: true, title: title('名称') },
        { name: 'cover', type: 'image', title: title('封面') },
        { name: 'starts_at', type: 'datetime', required: true, title: title('开始') },
        { name: 'ends_at', type: 'datetime', required: true, after: 'starts_at', title: title('结束') },
        { name: 'choice', type: 'enum', required: true, default: 'single', options: [{ value: 'single', title: title('单') }, { value: 'multiple', title: title('多') }], title: title('方式') },
        { name: 'max_choices', type: 'int', min: 1, max: 9, default: 1, visible_if: ['==', 'choice', 'multiple'], title: title('几项') },
        { name: 'options', type: 'children', of: 'option', by: 'poll', required: true, min: 2, max: 3, child: option, title: title('选项') },
        { name: 'ballots', type: 'int', read_only: true, title: title('票数') },
    ],
    views: { form: { groups: [{ title: title('一'), fields: ['name', 'options'] }] } },
};
const say = (rule) => rule;
const good = () => ({
    name: '甲', starts_at: '2026-11-20T00:00:00Z', ends_at: '2026-11-21T00:00:00Z', choice: 'single', max_choices: 1,
    options: [{ title: '一' }, { title: '二' }],
});

test('the base is all that stands before /console/', () => {
    assert.equal(baseOf('/console/'), '');
    assert.equal(baseOf('/t/demo/console/'), '/t/demo');
    assert.equal(baseOf('/t/console/console/'), '/t/console');
    assert.equal(resolve('/api/x', '/t/demo'), '/t/demo/api/x');
    assert.equal(resolve('/t/demo/files/1/a', '/t/demo'), '/t/demo/files/1/a');
    assert.equal(resolve('/t/demonstration/x', '/t/demo'), '/t/demo/t/demonstration/x');
    assert.equal(resolve('https://x/y', '/t/demo'), 'https://x/y');
});

test('what nobody may type is not made in a form', () => {
    assert.ok(isTyped(poll));
    assert.ok(!isTyped({ ...poll, traits: ['append_only'] }));
    const size = { name: 'size', type: 'int', required: true, read_only: true, title: title('大小') };
    assert.ok(!isTyped({ ...poll, fields: [...poll.fields, size] }));
    assert.ok(isTyped({ ...poll, fields: [...poll.fields, { ...size, default: 0 }] }));
});

test('JSON for reading is the same JSON, short lists on one line', () => {
    const v = { 'vote.poll': { read: ['all'], create: true, do: ['publish', 'close'] }, a: [], b: {}, c: [{ d: null }], e: '"' };
    assert.deepEqual(JSON.parse(printJson(v)), v);
    assert.match(printJson(v), /\n    "do": \["publish", "close"\]/);
    assert.equal(printJson('x'), '"x"');
});

test('conditions are data', () => {
    const v = { choice: 'multiple', n: 3, id: '12', list: [] };
    assert.ok(holds(['==', 'choice', 'multiple'], v));
    assert.ok(holds(['in', 'n', [1, 3]], v));
    assert.ok(holds(['==', 'id', 12], v), '64-bit numbers are strings');
    assert.ok(holds(['and', ['filled', 'n'], ['not', ['filled', 'list']]], v));
    assert.ok(!holds(['or', ['==', 'n', 4], ['!=', 'choice', 'multiple']], v));
    assert.ok(!holds(['eval', 'alert(1)'], v));
    assert.ok(!holds('n == 3', v));
});

test('validation says which field, also of children', () => {
    assert.deepEqual(validate(poll.fields, good(), null, say), {});
    const bad = { ...good(), name: '', ends_at: '2026-11-19T00:00:00Z', options: [{ title: '一' }, { title: '' }] };
    assert.deepEqual(validate(poll.fields, bad, null, say), { name: 'required', ends_at: 'after', 'options.1.title': 'required' });
    assert.deepEqual(validate(poll.fields, { ...good(), options: [{ title: '一二三四五六' }] }, null, say), { options: 'min_items', 'options.0.title': 'max_length' });
    assert.equal(validate(poll.fields, { ...good(), name: '😀'.repeat(10) }, null, say).name, undefined, 'characters, not UTF-16 units');
    assert.equal(validate(poll.fields, { ...good(), name: '😀'.repeat(11) }, null, say).name, 'max_length');
    assert.deepEqual(validate(poll.fields, { ...good(), max_choices: 'x' }, null, say), {}, 'hidden by its condition');
    assert.deepEqual(validate(poll.fields, { ...good(), choice: 'multiple', max_choices: 'x' }, null, say), { max_choices: 'number' });
    assert.deepEqual(validate(poll.fields, { ...good(), choice: 'multiple', max_choices: 0 }, null, say), { max_choices: 'min' });
    const one = (type, v, more = {}) => validate([{ name: 'f', type, title: title('f'), ...more }], { f: v }, null, say).f;
    assert.equal(one('phone', '13800001234'), undefined);
    assert.equal(one('phone', '23800001234'), 'phone');
    assert.equal(one('email', 'a@b'), 'email');
    assert.equal(one('link', 'javascript:alert(1)'), 'link');
    assert.equal(one('color', '#12345g'), 'color');
    assert.equal(one('text', 'A1', { pattern: '[a-z]+' }), 'pattern');
    assert.equal(one('money', 1250, { max: 1000 }), 'max');
    assert.equal(one('enum', 'c', { options: [{ value: 'a', title: title('a') }] }), 'option');
    assert.equal(one('json', { __invalid: '{' }), 'json');
    // What was filled stays as it is; what is being typed for the first time does not stop being asked.
    const once = [{ name: 'code', type: 'text', max: 3, title: title('code'), read_only_if: ['filled', 'code'] }];
    assert.deepEqual(validate(once, { code: 'long' }, null, say), { code: 'max_length' });
    assert.deepEqual(validate(once, { code: 'long' }, { code: null }, say), { code: 'max_length' });
    assert.deepEqual(validate(once, { code: 'long' }, { code: 'long' }, say), {});
    assert.deepEqual([isReadOnly(once[0], null), isReadOnly(once[0], { code: 'x' })], [false, true]);
});

test('a form sends what was changed, references as ids, children whole', () => {
    const row = {
        id: '1', name: '甲', cover: { id: '9', url: '/files/9/a.png' }, starts_at: 'x', ends_at: 'y', choice: 'single', max_choices: 1, ballots: 7,
        options: [{ id: '5', title: '一', picture: { id: '8', url: '/f' }, count: 3, poll: '1' }, { id: '6', title: '二', picture: null }],
    };
    const before = initial(poll, row);
    const values = initial(poll, row);
    assert.deepEqual(payload(poll, values, before), {});
    values.name = '乙';
    values.cover = null;
    values.options = [values.options[1], { title: '三', picture: { id: '77', url: '/x' }, __key: 99 }];
    assert.deepEqual(payload(poll, values, before), {
        name: '乙', cover: null, options: [{ id: '6', title: '二', picture: null }, { title: '三', picture: '77' }],
    });
    const fresh = initial(poll, null);
    assert.equal(fresh.options.length, 2, 'as many as there must be');
    assert.equal(fresh.choice, 'single');
    assert.ok(!('ballots' in payload(poll, { ...fresh, ballots: 3 }, null)), 'read-only fields are never sent');
});

test('filters are written with values quoted', () => {
    const f = (type, name = 'f') => ({ name, type, title: title('f') });
    assert.equal(quote('a"b\\'), '"a\\"b\\\\"');
    assert.equal(term(f('text'), 'x" or 1 = 1'), 'f ~ "x\\" or 1 = 1"');
    assert.equal(term(f('state'), ['published']), 'f = "published"');
    assert.equal(term(f('enum'), ['a', 'b']), 'f in ("a", "b")');
    assert.equal(term(f('int'), [1, null]), 'f >= 1');
    assert.equal(term(f('money'), [100, 250]), 'f between (100, 250)');
    assert.equal(term(f('bool'), 'false'), 'f = false');
    assert.equal(term(f('ref'), '123'), 'f = 123');
    assert.equal(term(f('date'), ['2026-01-01', '2026-01-31']), 'f between (2026-01-01, 2026-01-31)');
    assert.equal(term(f('datetime'), ['2026-01-01', '2026-01-31']), `f >= ${dayStart('2026-01-01')} and f < ${dayStart('2026-02-01')}`);
    assert.equal(term(f('text'), ''), '');
    assert.equal(term(f('int'), [null, null]), '');
    assert.equal(filterText([f('text', 'a'), f('bool', 'b')], { a: '年', b: 'true' }), 'a ~ "年" and b = true');
    assert.equal(nextDay('2026-12-31'), '2027-01-01');
});

test('money is read digit by digit', () => {
    assert.equal(parseScaled('12.5', 2), 1250);
    assert.equal(parseScaled('0.29', 2), 29, 'no floating point');
    assert.equal(parseScaled('¥1,234.00', 2), 123400);
    assert.equal(parseScaled('-0.05', 2), -5);
    assert.equal(parseScaled('1.234', 2), '1.234', 'too fine: left for the check');
    assert.equal(parseScaled('1.5', 0), '1.5');
    assert.equal(parseScaled('abc', 0), 'abc');
    assert.equal(parseScaled(' ', 2), null);
    assert.equal(printScaled(5, 2), '0.05');
    assert.equal(printScaled(-5, 2), '-0.05');
    assert.equal(printScaled(123400, 2), '1234.00');
    assert.equal(printScaled(null, 2), '');
});

test('schema: paths, groups, expansion', () => {
    assert.equal(resourcePath('vote.poll'), '/api/vote/poll');
    assert.equal(expandOf(poll.fields), 'cover,options,options.picture');
    const groups = groupsOf(poll);
    assert.deepEqual(groups.map((g) => g.fields.map((f) => f.name)), [['name', 'options'], ['cover', 'starts_at', 'ends_at', 'choice', 'max_choices']]);
});

test('a list and its address say the same', () => {
    const fields = [{ name: 'state', type: 'state' }, { name: 'name', type: 'text' }, { name: 'n', type: 'int' }, { name: 'at', type: 'datetime' }];
    const state = { q: '年', sort: 'name', size: 50, bin: true, filters: { state: ['a', 'b'], name: 'x', n: [null, 5], at: ['2026-01-01', null] } };
    const query = writeState(state, fields, '-created_at');
    assert.deepEqual(query, { q: '年', bin: '1', sort: 'name', size: '50', 'f.state': 'a,b', 'f.name': 'x', 'f.n': '..5', 'f.at': '2026-01-01..' });
    assert.deepEqual(readState(query, fields, '-created_at'), state);
    assert.deepEqual(readState({ size: '7', 'f.n': 'x..y', 'f.at': '1..2' }, fields, 'z'), { q: '', sort: 'z', size: 20, bin: false, filters: { n: [null, null], at: [null, null] } });
});
