// C-sec2 approvals: by role, superior, amount, field and setting; votes, signers,
// withdrawal, deadlines; who sees what; two at once; a death in between.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api, top } from '../lib/atrium.mjs';
import { person, sql } from '../lib/people.mjs';

let atrium, admin, ann, mia, max, dan, fay, leo, hed, eve;
const url = '/api/buying/order';
before(async () => {
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['buying'] });
  hed = await person(admin, 'hed', ['buying.manager']);
  const dept = (await admin.post('/api/core/dept', { name: '采购部', manager: hed.id })).body.id;
  ann = await person(admin, 'ann', ['buying.buyer'], { name: '安', department: dept });
  mia = await person(admin, 'mia', ['buying.manager']);
  max = await person(admin, 'max', ['buying.manager']);
  dan = await person(admin, 'dan', ['buying.director']);
  fay = await person(admin, 'fay', ['buying.finance']);
  leo = await person(admin, 'leo', ['buying.legal']);
  eve = await person(admin, 'eve', []);
});
after(() => atrium?.stop());

const draft = async (amount, more = {}, who = ann) => {
  const r = await who.post(url, { title: '服务器', amount, ...more });
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body;
};
const ask = async (amount, more) => {
  const row = await draft(amount, more);
  const r = await ann.post(`${url}/${row.id}/do/order`);
  assert.equal(r.status, 202, JSON.stringify(r.body));
  return { row, id: r.body.approval.id, answer: r.body.approval };
};
const act = (who, id, name, body) => who.post(`/api/core/approval/${id}/${name}`, body);
const ok = async (who, id, name, body) => {
  const r = await act(who, id, name, body);
  assert.equal(r.status, 200, `${name}: ${JSON.stringify(r.body)}`);
  return r.body;
};
const state = async (id) => (await admin.get(`${url}/${id}`)).body.state;
const status = async (id) => (await admin.get(`/api/core/approval/${id}`)).body.status;
const todo = async (who) => (await who.get('/api/core/approval/todo?limit=200')).body.items.map((x) => x.id);
/** Lets the deadline of an approval pass and the core's job run. */
async function late(id) {
  sql(atrium, 'demo', `UPDATE core_approval SET deadline_at=NOW(6) - INTERVAL 1 MINUTE WHERE id=${id};
    UPDATE core_approval_step SET deadline_at=NOW(6) - INTERVAL 1 MINUTE WHERE approval=${id} AND status='active'`);
  await tick();
}
let ticks = 0;
async function tick() {
  const id = 8n * 10n ** 15n + BigInt(ticks++);
  sql(atrium, 'demo', `INSERT INTO core_job (id, kind, payload, state, priority, due_at, attempt, max_attempts, progress, created_at)
    VALUES (${id}, 'core.approvals_tick', '{}', 'queued', 9, NOW(6), 0, 3, 0, NOW(6))`);
  for (let i = 0; i < 200; i++) {
    if (sql(atrium, 'demo', `SELECT state FROM core_job WHERE id=${id}`)[0][0] === 'done') return;
    await sleep(50);
  }
  throw new Error('the job did not run');
}

test('C-sec2 below the limit nobody is asked; above it 202, the mark, the lists; two levels; done in the asker\'s name', async () => {
  const small = await draft(99999);
  assert.equal((await ann.post(`${url}/${small.id}/do/order`)).status, 200);
  assert.equal((await ann.get(`${url}/${small.id}`)).body.approval, null);

  const { row, id, answer } = await ask(1500000);
  assert.equal(answer.state, 'pending');
  assert.equal(answer.step.zh, '主管审批');
  assert.deepEqual(answer.approvers.map((p) => p.name).sort(), ['hed', 'max', 'mia']);
  assert.equal(await state(row.id), 'draft', 'nothing was done');
  assert.equal((await ann.get(`${url}/${row.id}`)).body.approval, id);
  const marked = (await ann.get(`${url}?filter=${encodeURIComponent('approval !null')}`)).body.items;
  assert.ok(marked.some((x) => x.id === row.id) && marked.every((x) => x.approval));
  const again = await ann.post(`${url}/${row.id}/do/order`);
  assert.deepEqual([again.status, again.body.code], [409, 'approval_pending']);

  assert.ok((await todo(mia)).includes(id) && (await todo(max)).includes(id));
  assert.ok(!(await todo(dan)).includes(id), 'his step has not begun');
  assert.ok((await ann.get('/api/core/approval/mine')).body.items.some((x) => x.id === id && x.status === 'pending'));
  const early = await act(dan, id, 'approve');
  assert.equal(early.status, 404, 'whom it is not for does not know of it');
  assert.equal((await ok(mia, id, 'approve', { comment: '同意' })).status, 'pending');
  assert.ok(!(await todo(max)).includes(id), 'one of them was enough');
  assert.ok((await todo(dan)).includes(id));
  const twice = await act(mia, id, 'approve');
  assert.deepEqual([twice.status, twice.body.code], [403, 'approval_not_yours']);
  const end = await ok(dan, id, 'approve');
  assert.equal(end.status, 'approved');
  assert.deepEqual(end.log.map((l) => [l.action, l.who.name]), [['asked', '安'], ['approved', 'mia'], ['approved', 'dan']]);
  assert.equal(end.steps[0].seats.find((s) => s.staff.name === 'mia').comment, '同意');
  assert.equal(await state(row.id), 'ordered');
  assert.equal((await ann.get(`${url}/${row.id}`)).body.approval, null);
  const past = (await admin.get(`${url}/${row.id}/history`)).body.items[0];
  assert.deepEqual([past.action, past.who.name, past.approval], ['order', '安', id]);
  assert.ok((await dan.get('/api/core/approval/done')).body.items.some((x) => x.id === id));
  const over = await act(dan, id, 'approve');
  assert.deepEqual([over.status, over.body.code], [409, 'approval_closed']);
  await sleep(300);
  const lines = (await admin.get(`/api/core/audit?filter=${encodeURIComponent(`target = "core.approval/${id}"`)}`)).body.items;
  assert.deepEqual(lines.map((l) => [l.action, l.who_name]).sort(), [['approval_approved', 'dan'], ['approval_asked', '安'], ['approval_asked', 'mia']].sort());
  const done = (await admin.get(`/api/core/audit?filter=${encodeURIComponent(`target = "buying.order/${row.id}" and action = "order"`)}`)).body.items;
  assert.deepEqual(done.map((l) => l.who_name), ['安']);
});

test('C-sec2 what the record hides from the asker is not in the picture; who has no part sees nothing; other tenants neither', async () => {
  const made = (await admin.post(url, { title: '底价单', amount: 200000, price_note: '最低 90%', owner: ann.id })).body;
  const asked = await ann.post(`${url}/${made.id}/do/order`);
  assert.equal(asked.status, 202, JSON.stringify(asked.body));
  const id = asked.body.approval.id;
  const seen = (await mia.get(`/api/core/approval/${id}`)).body;
  assert.ok(!JSON.stringify(seen).includes('90%'));
  const field = (n) => seen.fields.find((f) => f.field.name === n);
  assert.deepEqual([field('state').before, field('state').after, field('state').changed], ['draft', 'ordered', true]);
  assert.equal(field('amount').changed, false);
  assert.equal(seen.requester.name, '安');
  assert.equal(seen.can.decide, true);
  for (const who of [eve, leo]) {
    assert.equal((await who.get(`/api/core/approval/${id}`)).status, 404);
    for (const name of ['approve', 'reject', 'withdraw', 'remind', 'comment', 'transfer', 'add_signer'])
      assert.equal((await act(who, id, name, { comment: 'x', staff: dan.id, place: 'before' })).status, 404, name);
  }
  // May read the record, and so what is pending on it, but has no part.
  const reader = await fay.get(`/api/core/approval/${id}`);
  assert.equal(reader.status, 200);
  assert.equal(reader.body.can.decide, false);
  assert.equal((await new Api(admin.base).get(`/api/core/approval/${id}`)).status, 401);
  const other = await atrium.tenant('other', { plugins: ['buying'] });
  assert.equal((await other.get(`/api/core/approval/${id}`)).status, 404);
  assert.equal((await act(other, id, 'approve')).status, 404);
  assert.equal((await admin.get(`/api/core/approval?filter=${encodeURIComponent('status = "pending"')}`)).body.items.some((x) => x.id === id), true);
  assert.equal((await eve.get('/api/core/approval')).body.items.length, 0);
  assert.equal((await admin.post('/api/core/approval', { subject: 'x' })).status, 405);
  assert.equal((await admin.patch(`/api/core/approval/${id}`, { status: 'approved' })).status, 405);
  await ok(ann, id, 'withdraw');
});

test('C-sec2 a refusal needs a reason and ends it; the asker withdraws; bad bodies name the field', async () => {
  const { row, id } = await ask(300000);
  const bare = await act(mia, id, 'reject');
  assert.deepEqual([bare.status, Object.keys(bare.body.fields)], [422, ['comment']]);
  assert.deepEqual(Object.keys((await act(mia, id, 'approve', { comment: 'x'.repeat(501) })).body.fields), ['comment']);
  assert.deepEqual(Object.keys((await act(mia, id, 'transfer', {})).body.fields), ['staff']);
  assert.deepEqual(Object.keys((await act(mia, id, 'add_signer', { staff: dan.id, place: 'aside' })).body.fields), ['place']);
  assert.equal((await act(mia, id, 'nothing')).status, 404);
  assert.equal((await act(mia, id, 'withdraw')).body.code, 'approval_not_yours');
  assert.equal((await act(ann, id, 'approve')).body.code, 'approval_not_yours');
  assert.equal((await ok(mia, id, 'reject', { comment: '太贵' })).status, 'rejected');
  assert.equal(await state(row.id), 'draft');
  assert.equal((await ann.get(`${url}/${row.id}`)).body.approval, null);
  const second = (await ann.post(`${url}/${row.id}/do/order`)).body.approval.id;
  assert.equal((await ok(ann, second, 'withdraw')).status, 'withdrawn');
  assert.deepEqual([(await act(max, second, 'approve')).body.code], ['approval_closed']);
  assert.equal((await ann.get('/api/core/approval/todo?limit=0')).status, 400);
  assert.equal((await ann.get('/api/core/approval/todo?after=x')).status, 400);
});

test('C-sec2 all co-signers must agree; a record changed meanwhile is stale and the asker is told why', async () => {
  const { row, id } = await ask(6000000);
  await ok(mia, id, 'approve');
  await ok(dan, id, 'approve');
  assert.equal((await ok(fay, id, 'approve')).status, 'pending');
  assert.equal((await ok(leo, id, 'approve')).status, 'approved');
  assert.equal(await state(row.id), 'ordered');

  const two = await ask(200000);
  assert.equal((await ann.patch(`${url}/${two.row.id}`, { supplier: '新供应商' })).status, 200);
  const end = await ok(mia, two.id, 'approve');
  assert.equal(end.status, 'stale');
  assert.equal(end.problem.code, 'approval_stale');
  assert.match((await ann.get(`/api/core/approval/${two.id}`)).body.problem.detail, /修改/);
  assert.equal(await state(two.row.id), 'draft');
  assert.equal((await ann.get(`${url}/${two.row.id}`)).body.approval, null);

  const gone = await ask(200000);
  assert.equal((await ann.post(`${url}/${gone.row.id}/do/close`)).status, 200, 'closing asks nobody');
  assert.equal((await ok(mia, gone.id, 'approve')).status, 'stale');
});

test('C-sec2 superior, a field\'s user, a setting\'s people, a department\'s head; create, update and delete', async () => {
  assert.equal((await admin.patch('/api/core/plugins/buying/settings', { signers: 'leo, fay' })).status, 200);
  const row = await draft(5000, { signer: dan.id });
  await ann.post(`${url}/${row.id}/do/order`);
  const sign = (await ann.post(`${url}/${row.id}/do/sign`)).body.approval;
  assert.deepEqual(sign.approvers.map((p) => p.name), ['hed'], 'the head of her department');
  const next = await ok(hed, sign.id, 'approve');
  assert.deepEqual(next.steps[1].seats.map((s) => s.staff.name).sort(), ['dan', 'fay', 'leo']);
  await ok(dan, sign.id, 'approve');
  assert.equal(await state(row.id), 'signed');

  const price = await ann.patch(`${url}/${row.id}`, { amount: 7000, supplier: '乙' });
  assert.equal(price.status, 202);
  assert.equal((await ann.patch(`${url}/${row.id}`, { supplier: '丙' })).status, 200, 'another field asks nobody');
  assert.equal((await ok(hed, price.body.approval.id, 'approve')).status, 'stale');
  const anew = (await ann.patch(`${url}/${row.id}`, { amount: 7000 })).body.approval.id;
  assert.equal((await ok(hed, anew, 'approve')).status, 'approved');
  assert.equal((await ann.get(`${url}/${row.id}`)).body.amount, 7000);

  const large = { title: '机房', amount: 100000000 };
  const made = await ann.post(url, large);
  assert.equal(made.status, 202);
  assert.equal((await ann.post(url, large)).body.code, 'approval_pending', 'the same once more');
  assert.equal((await ann.get(`${url}?filter=${encodeURIComponent('title = "机房"')}&q=机房`)).body.items.length, 0);
  const end = await ok(dan, made.body.approval.id, 'approve');
  const born = (await ann.get(`${url}/${end.row_id}`)).body;
  assert.deepEqual([born.title, born.owner, born.created_by], ['机房', ann.id, ann.id]);

  const gone = await ann.delete(`${url}/${born.id}`);
  assert.equal(gone.status, 202, 'a second person');
  assert.equal(gone.body.approval.name, 'second_person');
  assert.deepEqual(gone.body.approval.approvers.map((p) => p.name).sort(), ['hed', 'max', 'mia', '管理员'].sort(), 'who may delete');
  await ok(max, gone.body.approval.id, 'approve');
  assert.equal((await ann.get(`${url}/${born.id}`)).status, 404);
});

test('C-sec2 a role that comes by a post counts', async () => {
  const role = (await admin.get('/api/core/role?limit=200')).body.items.find((r) => r.code === 'buying.director').id;
  const post = await admin.post('/api/core/post', { name: '代理总监', roles: [{ role }] });
  assert.equal(post.status, 201, JSON.stringify(post.body));
  const since = new Date(Date.now() - 3600_000).toISOString();
  assert.equal((await admin.post('/api/core/staff_post', { staff: eve.id, post: post.body.id, since })).status, 201);
  const asked = (await ann.post(url, { title: '按岗位', amount: 100000000 })).body.approval;
  assert.deepEqual(asked.approvers.map((p) => p.name).sort(), ['dan', 'eve']);
  assert.equal((await ok(eve, asked.id, 'approve')).status, 'approved');
  sql(atrium, 'demo', `UPDATE core_staff_post SET until=NOW(6) - INTERVAL 1 MINUTE WHERE staff=${eve.id}`);
});

test('C-sec2 rights of the day count: who lost the office decides no more, who asked and left gets nothing done', async () => {
  const tom = await person(admin, 'tom', ['buying.manager']);
  const { id } = await ask(400000);
  const row = (await admin.get(`/api/core/staff/${tom.id}`)).body;
  assert.equal((await admin.patch(`/api/core/staff/${tom.id}`, { roles: [] })).status, 200, JSON.stringify(row));
  assert.equal((await act(tom, id, 'approve')).body.code, 'approval_not_yours');
  await ok(ann, id, 'withdraw');

  const bea = await person(admin, 'bea', ['buying.buyer']);
  const order = await draft(400000, {}, bea);
  const asked = (await bea.post(`${url}/${order.id}/do/order`)).body.approval.id;
  assert.equal((await admin.post(`/api/core/staff/${bea.id}/do/suspend`)).status, 200);
  const end = await ok(mia, asked, 'approve');
  assert.deepEqual([end.status, end.problem.code], ['failed', 'approval_requester_gone']);
  assert.equal(await state(order.id), 'draft');
});

test('C-sec2 signers before and after, a place given to somebody else, a reminder once an hour, comments', async () => {
  const { row, id } = await ask(500000);
  assert.equal((await act(mia, id, 'add_signer', { staff: ann.id, place: 'before' })).body.fields.staff != null, true, 'not who asked');
  await ok(mia, id, 'add_signer', { staff: leo.id, place: 'before', comment: '请法务先看' });
  assert.deepEqual([(await todo(leo)).includes(id), (await todo(mia)).includes(id)], [true, false]);
  assert.equal((await act(mia, id, 'approve')).body.code, 'approval_not_yours');
  await ok(leo, id, 'approve');
  assert.deepEqual([(await todo(leo)).includes(id), (await todo(mia)).includes(id)], [false, true]);
  await ok(mia, id, 'add_signer', { staff: eve.id, place: 'after' });
  assert.equal((await act(mia, id, 'transfer', { staff: max.id })).body.fields.staff != null, true, 'he is asked already');
  await ok(mia, id, 'transfer', { staff: fay.id, comment: '休假' });
  assert.equal((await act(mia, id, 'approve')).body.code, 'approval_not_yours');
  await ok(ann, id, 'remind');
  const soon = await act(ann, id, 'remind');
  assert.deepEqual([soon.status, soon.body.code], [429, 'approval_reminded']);
  assert.ok(Number(soon.headers.get('retry-after')) > 3000);
  assert.equal((await act(mia, id, 'remind')).body.code, 'approval_not_yours');
  await ok(mia, id, 'comment', { comment: '补充说明' });
  assert.equal((await ok(fay, id, 'approve')).status, 'pending');
  assert.equal((await ok(eve, id, 'approve')).status, 'approved');
  assert.equal(await state(row.id), 'ordered');
});

test('C-sec2 nobody decides on his own request unless he is the only one and the setting allows it', async () => {
  const solo = await person(admin, 'solo', ['buying.buyer', 'buying.director']);
  const others = (await solo.post(url, { title: '自审一', amount: 100000000 })).body.approval;
  assert.deepEqual(others.approvers.map((p) => p.name), ['dan']);
  await ok(solo, others.id, 'withdraw');
  assert.equal((await admin.post(`/api/core/staff/${dan.id}/do/suspend`)).status, 200);
  const alone = (await solo.post(url, { title: '自审二', amount: 100000000 })).body.approval;
  assert.deepEqual(alone.approvers.map((p) => p.name), ['管理员'], 'the administrators');
  await ok(solo, alone.id, 'withdraw');
  assert.equal((await admin.patch('/api/core/plugins/core/settings', { approval_self: true })).status, 200);
  const self = (await solo.post(url, { title: '自审三', amount: 100000000 })).body.approval;
  assert.deepEqual(self.approvers.map((p) => p.name), ['solo']);
  assert.equal((await ok(solo, self.id, 'approve')).status, 'approved');
  await admin.patch('/api/core/plugins/core/settings', { approval_self: null });
  assert.equal((await admin.post(`/api/core/staff/${dan.id}/do/resume`)).status, 200);
});

test('C-sec2 deadlines: agree, refuse, remind, escalate; a place of somebody who left is filled anew', async () => {
  const row = await draft(5000, { signer: dan.id });
  await ann.post(`${url}/${row.id}/do/order`);
  const sign = (await ann.post(`${url}/${row.id}/do/sign`)).body.approval.id;
  await late(sign);
  const passed = (await admin.get(`/api/core/approval/${sign}`)).body;
  assert.equal(passed.steps[0].status, 'approved');
  assert.equal(passed.status, 'pending');
  await late(sign);
  assert.equal(await status(sign), 'rejected');
  assert.equal(await state(row.id), 'ordered');

  const { id } = await ask(600000);
  await admin.patch(`/api/core/staff/${mia.id}`, { department: (await admin.get(`/api/core/staff/${ann.id}`)).body.department });
  await late(id);
  const up = (await admin.get(`/api/core/approval/${id}`)).body;
  assert.equal(up.status, 'pending');
  assert.ok(up.log.some((l) => l.action === 'timeout' && l.who === null));
  assert.ok(new Date(up.steps[0].deadline_at) > new Date(), 'a new deadline');
  await ok(mia, id, 'approve');

  const ida = await person(admin, 'ida', ['buying.buyer']);
  const ian = await person(admin, 'ian', []);
  const two = await ask(600000);
  for (const who of [mia, max, hed]) await ok(who, two.id, 'transfer', { staff: ian.id }).catch(async () => ok(who, two.id, 'transfer', { staff: ida.id })).catch(() => {});
  sql(atrium, 'demo', `UPDATE core_staff SET state='suspended' WHERE id IN (${ian.id},${ida.id},${max.id})`);
  sql(atrium, 'demo', `UPDATE core_approval_seat SET status='gone' WHERE approval=${two.id} AND status='open' AND staff NOT IN (${ian.id},${ida.id})`);
  sql(atrium, 'demo', `UPDATE core_approval_seat SET status='gone' WHERE approval=${two.id} AND staff=${hed.id}`);
  await tick();
  assert.ok((await todo(hed)).includes(two.id), 'whoever has the office now');
  sql(atrium, 'demo', `UPDATE core_staff SET state='active' WHERE id=${max.id}`);
  await ok(hed, two.id, 'approve');
});

test('C-sec2 two at once: exactly one outcome', async () => {
  for (let i = 0; i < 6; i++) {
    const { row, id } = await ask(250000);
    const both = await Promise.all([act(mia, id, 'approve'), act(max, id, i % 2 ? 'approve' : 'reject', { comment: '同时' })]);
    assert.deepEqual(both.map((r) => r.status).sort(), [200, 409], JSON.stringify(both.map((r) => r.body.code)));
    const s = await status(id);
    assert.equal(await state(row.id), s === 'approved' ? 'ordered' : 'draft');
    assert.equal((await admin.get(`${url}/${row.id}/history`)).body.items.filter((h) => h.action === 'order').length, s === 'approved' ? 1 : 0);
  }
  for (let i = 0; i < 6; i++) {
    const { row, id } = await ask(250000);
    const both = await Promise.all([act(mia, id, 'approve'), act(ann, id, 'withdraw')]);
    assert.deepEqual(both.map((r) => r.status).sort(), [200, 409]);
    const s = await status(id);
    assert.ok(['approved', 'withdrawn'].includes(s));
    assert.equal(await state(row.id), s === 'approved' ? 'ordered' : 'draft');
  }
  const row = await draft(250000);
  const asked = await Promise.all([1, 2, 3].map(() => ann.post(`${url}/${row.id}/do/order`)));
  assert.deepEqual(asked.map((r) => r.status).sort(), [202, 409, 409]);
});

test('C-sec2 killed by -9 between: done wholly or not at all', async () => {
  for (let i = 0; i < 3; i++) {
    const asked = await Promise.all(Array.from({ length: 6 }, () => ask(250000)));
    const votes = asked.map(({ id }) => act(mia, id, 'approve').catch(() => null));
    await sleep(3 + 4 * i);
    for (const pid of atrium.workers()) process.kill(pid, 'SIGKILL');
    await Promise.all(votes);
    await sleep(300);
    await atrium.ready();
    let decided = 0;
    for (const { row, id } of asked) {
      const s = await status(id), now = (await admin.get(`${url}/${row.id}`)).body;
      assert.ok(['approved', 'pending'].includes(s), s);
      assert.deepEqual([now.state, now.approval], s === 'approved' ? ['ordered', null] : ['draft', id]);
      decided += s === 'approved';
      if (s === 'pending') await ok(mia, id, 'approve');
      assert.equal((await admin.get(`${url}/${row.id}/history`)).body.items.filter((h) => h.action === 'order').length, 1);
    }
    assert.ok(decided <= 6);
  }
});
