// Filters, lists under restricted scopes, statistics, bulk changes, comments,
// attachments, rights on files, history, deadlines: the API part of the engine.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Atrium } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

test('the last administrator can neither be suspended, deleted nor stripped of the role', async () => {
  const me = (await admin.get('/api/core/session')).body.user;
  for (const r of [await admin.post(`/api/core/staff/${me.id}/do/suspend`), await admin.delete(`/api/core/staff/${me.id}`)]) {
    assert.equal(r.status, 409);
    assert.equal(r.body.code, 'last_admin');
  }
  const stripped = await admin.patch(`/api/core/staff/${me.id}`, { roles: [] });
  assert.equal(stripped.status, 422);
  assert.deepEqual(Object.keys(stripped.body.fields), ['roles']);

  const role = (await admin.get('/api/core/role?filter=code = "admin"')).body.items[0].id;
  const second = (await admin.post('/api/core/staff', { login: 'second', name: '第二', roles: [{ role }] })).body.id;
  assert.equal((await admin.post(`/api/core/staff/${second}/do/suspend`)).status, 200, 'not the last');
  assert.equal((await admin.delete(`/api/core/staff/${me.id}`)).status, 409, 'a suspended one does not count');
  assert.equal((await admin.patch(`/api/core/staff/${me.id}`, { name: '仍是管理员' })).status, 200);
  assert.equal((await admin.delete(`/api/core/staff/${second}`)).status, 204);
});
