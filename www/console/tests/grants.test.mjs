// The document of a role, as the matrix changes it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
    changeCount, changedKeys, complaintsOf, groupsOf, menuModeOf, menuRows, setKey, setMenus, tickMenu, toggleScope, toggleTransition,
} from '../src/role/grants.ts';

test('a word that says nothing is not kept, departments only while a scope asks for them', () => {
    let doc = setKey({}, 'a.b', 'read', ['custom']);
    doc = setKey(doc, 'a.b', 'depts', ['1']);
    doc = setKey(doc, 'a.b', 'below', true);
    assert.deepEqual(doc, { 'a.b': { read: ['custom'], depts: ['1'], below: true } });
    doc = setKey(doc, 'a.b', 'read', ['all']);
    assert.deepEqual(doc, { 'a.b': { read: ['all'] } });
    assert.deepEqual(setKey(doc, 'a.b', 'read', []), {});
    assert.deepEqual(setKey({ menus: ['x'] }, 'a.b', 'create', true), { menus: ['x'], 'a.b': { create: true } });
});

test('"all" stands alone, of scopes and of transitions', () => {
    assert.deepEqual(toggleScope(['own', 'mine'], 'all', true), ['all']);
    assert.deepEqual(toggleScope(['all'], 'own', true), ['own']);
    assert.deepEqual(toggleScope(['own', 'mine'], 'own', false), ['mine']);
    assert.deepEqual(toggleTransition(['all'], 'win', false, ['win', 'lose']), ['lose']);
    assert.deepEqual(toggleTransition(['win'], 'all', true, ['win', 'lose']), ['all']);
});

test('what differs is counted, whatever the order', () => {
    const base = { 'a.b': { read: ['own', 'mine'], fields: { p: 'hidden', q: 'masked' } }, 'x.y': { create: true } };
    const doc = { 'a.b': { fields: { q: 'masked', p: 'hidden' }, read: ['mine', 'own'], delete: [] }, 'x.y': { create: true } };
    assert.equal(changeCount(doc, base), 0);
    assert.deepEqual([...changedKeys({ 'a.b': { read: ['all'] } }, base, 'a.b')], ['read', 'fields']);
    assert.equal(changeCount({ ...base, menus: ['m'] }, base), 1);
    assert.equal(changeCount({ 'a.b': base['a.b'] }, base), 1);
});

test('complaints find their cell; what the catalog does not know stays to be seen', () => {
    assert.deepEqual(
        complaintsOf({ 'grants.kit.place.read': 'A', 'grants.kit.nothing': 'B', 'grants.menus': 'C', grants: 'D', name: 'E' }),
        { 'kit.place': { read: 'A' }, 'kit.nothing': { '': 'B' }, menus: { '': 'C' } },
    );
    const catalog = [{ plugin: 'kit', title: 'Kit', resources: [{ name: 'kit.place', title: 'Place', actions: [], scopes: [], transitions: [], fields: [] }], menus: [] }];
    const groups = groupsOf(catalog, { 'old.thing': { read: ['mine'] }, menus: [] }, 'Other');
    assert.deepEqual(groups.map((g) => [g.title, g.resources.map((r) => r.name)]), [['Kit', ['kit.place']], ['Other', ['old.thing']]]);
    assert.deepEqual(groups[1].resources[0].scopes, [{ name: 'mine', title: 'mine' }]);
});

test('menus: a group with all in it, an entry with the groups it lies in', () => {
    const menus = [{ id: 's', parent: null, title: 'S' }, { id: 'a', parent: 's', title: 'A' }, { id: 'b', parent: 's', title: 'B' }, { id: 'z', parent: 'gone', title: 'Z' }];
    assert.deepEqual(menuRows(menus).map((m) => m.depth + m.id), ['0s', '1a', '1b', '0z']);
    assert.deepEqual(tickMenu(menus, [], 'a', true, true), ['s', 'a']);
    assert.deepEqual(tickMenu(menus, [], 'a', true, false), ['a']);
    assert.deepEqual(tickMenu(menus, [], 's', true, true), ['s', 'a', 'b']);
    assert.deepEqual(tickMenu(menus, ['s', 'a', 'b'], 's', false, true), []);
    assert.deepEqual(tickMenu(menus, ['s', 'a', 'b'], 'a', false, false), ['b']);
    assert.equal(menuModeOf(setMenus({ hide_menus: ['a'] }, 'pick', ['s'])), 'pick');
    assert.deepEqual(setMenus({ menus: ['a'], 'a.b': {} }, 'any', []), { 'a.b': {} });
});
