// Webhooks: what is sent, to whom, signed how; failing receivers; nothing is lost.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Atrium, Api, pollBody } from '../lib/atrium.mjs';
import { Receiver, verify } from '../lib/receiver.mjs';

let atrium, admin, other, receiver;
before(async () => {
  receiver = await Receiver.start();
  atrium = await Atrium.start({ settings: 'webhooks: {allow_private: true, allow_http: true}\n' });
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
  other = await atrium.tenant('other', { plugins: ['vote'] });
});
after(async () => { await atrium?.stop(); await receiver?.stop(); });

const ok = (r, status = 200) => { assert.equal(r.status, status, JSON.stringify(r.body)); return r.body; };
async function hook(path, over = {}, api = admin) {
  const row = ok(await api.post('/api/core/webhook', { name: path, url: receiver.base + path, events: 'vote.poll.*', ...over }), 201);
  const { secret } = ok(await api.post(`/api/core/webhook/${row.id}/secret`));
  receiver.secrets.set(path, secret);
  return { ...row, secret };
}
const deliveries = async (h) => ok(await admin.get(`/api/core/webhook_delivery?limit=100&filter=${encodeURIComponent(`webhook = ${h.id}`)}`)).items;
async function until(what, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const v = await what();
    if (v) return v;
    if (Date.now() > end) assert.fail(`not in ${ms} ms: ${what}`);
    await sleep(50);
  }
}

test('B-38 D-T5c each write is told once, signed, with the row; the log says how it went', async () => {
  const h = await hook('/all');
  assert.match(h.secret, /^whsec_[A-Za-z0-9]{40}$/);
  const row = ok(await admin.get(`/api/core/webhook/${h.id}`));
  for (const name of ['secret', 'old_secret']) assert.equal(row[name], undefined);
  const poll = ok(await admin.post('/api/vote/poll', pollBody({ name: '签名' })), 201);
  ok(await admin.patch(`/api/vote/poll/${poll.id}`, { name: '签名二' }));
  ok(await admin.patch(`/api/vote/poll/${poll.id}`, { name: '签名二' }));
  ok(await admin.post(`/api/vote/poll/${poll.id}/do/publish`));
  const plain = ok(await admin.post('/api/vote/poll', pollBody({ name: '将删除' })), 201);
  ok(await admin.delete(`/api/vote/poll/${plain.id}`), 204);
  const got = await receiver.wait('/all', 5);
  await sleep(300);
  const byEvent = (e) => got.filter((m) => m.body.event === `vote.poll.${e}`);
  assert.deepEqual(got.map((m) => m.body.event).sort(), ['vote.poll.created', 'vote.poll.created', 'vote.poll.deleted', 'vote.poll.publish', 'vote.poll.updated']);
  assert.equal(receiver.of('/all').length, 5, 'nothing for a change that changed nothing');
  const made = byEvent('created').find((m) => m.body.row_id === poll.id).body;
  assert.equal(made.data.name, '签名');
  assert.equal(made.data.options.length, 3);
  assert.equal(made.tenant, 'demo');
  assert.equal(made.resource, 'vote.poll');
  assert.equal(byEvent('updated')[0].body.data.name, '签名二');
  assert.equal(byEvent('publish')[0].body.data.state, 'published');
  assert.deepEqual(byEvent('deleted')[0].body.data, { id: plain.id });
  const order = got.filter((m) => m.body.row_id === poll.id).sort((a, b) => (BigInt(a.body.sequence) < BigInt(b.body.sequence) ? -1 : 1));
  assert.deepEqual(order.map((m) => m.body.event), ['vote.poll.created', 'vote.poll.updated', 'vote.poll.publish']);
  const log = await until(async () => { const l = await deliveries(h); return l.length === 5 && l.every((d) => d.status === 'sent') && l; });
  assert.equal(log[0].http_status, 200);
  assert.equal(log[0].answer, 'thanks');
  assert.equal(log[0].body, undefined, 'bodies hold what readers of the log need not see');
  assert.ok(log[0].duration_ms >= 0 && log[0].attempts === 1);
  assert.equal(receiver.refused.length, 0);
});

test('B-38 the signature: another body, another secret, an old time do not pass', () => {
  const m = receiver.got[0], secret = receiver.secrets.get(m.path), header = m.headers['x-atrium-signature'];
  assert.equal(verify(secret, header, m.raw), true);
  assert.equal(verify(secret, header, Buffer.concat([m.raw, Buffer.from(' ')])), false);
  assert.equal(verify(`${secret}x`, header, m.raw), false);
  assert.equal(verify(secret, header, m.raw, { now: Date.now() / 1000 + 301 }), false);
});

test('B-38 a webhook sees what its role sees: scopes and field rights hold, filter and fields narrow', async () => {
  const role = ok(await admin.post('/api/core/role', { code: 'hook', name: 'hook',
    grants: { 'vote.poll': { read: ['all'], fields: { intro: 'hidden' } } } }), 201);
  const blind = ok(await admin.post('/api/core/role', { code: 'blind', name: 'blind', grants: {} }), 201);
  const seen = await hook('/role', { role: role.id });
  await hook('/blind', { role: blind.id });
  const narrow = await hook('/narrow', { filter: 'name ~ "要"', fields: 'name,choice' });
  await hook('/narrow2', { events: 'vote.poll.publish' });
  await hook('/foreign', {}, other);
  const a = ok(await admin.post('/api/vote/poll', pollBody({ name: '要的' })), 201);
  ok(await admin.post('/api/vote/poll', pollBody({ name: '别的' })), 201);
  const full = (await receiver.wait('/role', 2))[0].body.data;
  assert.equal(full.intro, undefined);
  assert.ok(full.title);
  const cut = await receiver.wait('/narrow', 1);
  assert.deepEqual(cut[0].body.data, { id: a.id, name: '要的', choice: 'single' });
  await sleep(500);
  assert.equal(receiver.of('/narrow').length, 1);
  assert.equal(receiver.of('/blind').length, 0, 'rows out of sight are not sent');
  assert.equal(receiver.of('/foreign').length, 0, 'nor another tenant\'s');
  assert.equal(receiver.of('/narrow2').length, 0);
  assert.ok(seen && narrow);
});

test('B-38 bad webhooks are refused with the field named; others cannot touch them', async () => {
  const bad = async (body, field) => {
    const r = await admin.post('/api/core/webhook', { name: 'x', url: `${receiver.base}/x`, events: 'vote.poll.*', ...body });
    assert.equal(r.status, 422, JSON.stringify(body));
    assert.deepEqual(Object.keys(r.body.fields), [field]);
  };
  await bad({ url: 'ftp://example.com/' }, 'url');
  await bad({ url: 'https://user:pw@example.com/' }, 'url');
  await bad({ events: 'vote.nothing.created' }, 'events');
  await bad({ events: ',' }, 'events');
  await bad({ filter: 'nothing = 1' }, 'filter');
  await bad({ filter: 'name =' }, 'filter');
  await bad({ fields: 'name,nothing' }, 'fields');
  await bad({ events: 'vote.poll.* vote.ballot.*', filter: 'name = "x"' }, 'filter');
  await bad({ max_attempts: 12 }, 'max_attempts');
  const h = await hook('/mine');
  for (const path of ['secret', 'test', 'replay']) {
    assert.equal((await other.post(`/api/core/webhook/${h.id}/${path}`, { deliveries: ['1'] })).status, 404);
    assert.equal((await new Api(admin.base).post(`/api/core/webhook/${h.id}/${path}`, { deliveries: ['1'] })).status, 401);
  }
  assert.equal((await admin.post(`/api/core/webhook/${h.id}/replay`, {})).status, 422);
});

test('B-38 D-T5c a failing receiver: tried again with back-off, given up, sent again; a test; redirects are not followed', async () => {
  const h = await hook('/fails');
  let left = 1;
  receiver.say = (m) => (m.path === '/fails' && left-- > 0 ? 500 : m.path === '/dead' ? 503 : m.path === '/redirect' ? 'redirect' : m.path === '/hang' ? 'hang' : 200);
  ok(await admin.post('/api/vote/poll', pollBody()), 201);
  const twice = await receiver.wait('/fails', 2);
  assert.equal(twice[0].body.id, twice[1].body.id, 'the same event');
  const gap = twice[1].at - twice[0].at;
  assert.ok(gap >= 3900 && gap < 8500, `${gap} ms`);
  const d = (await until(async () => { const l = await deliveries(h); return l[0]?.status === 'sent' && l; }))[0];
  assert.equal(d.attempts, 2);
  assert.equal(d.error, null);
  const dead = await hook('/dead', { max_attempts: 1 });
  await hook('/redirect', { max_attempts: 1 });
  ok(await admin.post('/api/vote/poll', pollBody()), 201);
  const gone = await until(async () => (await deliveries(dead)).find((x) => x.status === 'dead'));
  assert.equal(gone.http_status, 503);
  assert.equal(gone.error, 'HTTP 503');
  assert.equal(gone.answer.length, 2048);
  assert.equal(ok(await admin.get(`/api/core/webhook/${dead.id}`)).failures, 1);
  await receiver.wait('/redirect', 1);
  assert.equal(receiver.got.concat(receiver.refused).filter((m) => m.path === '/elsewhere').length, 0);
  receiver.say = () => 200;
  assert.equal(ok(await admin.post(`/api/core/webhook/${dead.id}/replay`, { deliveries: [gone.id] })).count, 1);
  await until(async () => (await deliveries(dead)).find((x) => x.id === gone.id && x.status === 'sent'));
  assert.equal(ok(await admin.get(`/api/core/webhook/${dead.id}`)).failures, 0);
  const range = { from: new Date(Date.now() - 3600e3).toISOString(), to: new Date(Date.now() + 1000).toISOString() };
  const before = receiver.of('/dead').length;
  const n = ok(await admin.post(`/api/core/webhook/${dead.id}/replay`, range)).count;
  await receiver.wait('/dead', before + n);
  const { delivery } = ok(await admin.post(`/api/core/webhook/${dead.id}/test`), 202);
  const probe = await receiver.wait('/dead', before + n + 1);
  assert.equal(probe.at(-1).headers['x-atrium-delivery'], delivery);
  assert.equal(probe.at(-1).body.event, 'core.webhook.test');
});

test('B-38 410 stops a webhook; what comes meanwhile waits until it is resumed; pausing too', async () => {
  const h = await hook('/gone');
  receiver.say = (m) => (m.path === '/gone' ? 410 : 200);
  ok(await admin.post('/api/vote/poll', pollBody({ name: '一' })), 201);
  await until(async () => ok(await admin.get(`/api/core/webhook/${h.id}`)).state === 'failing');
  const n = receiver.of('/gone').length;
  ok(await admin.post('/api/vote/poll', pollBody({ name: '二' })), 201);
  await sleep(800);
  assert.equal(receiver.of('/gone').length, n);
  assert.ok((await deliveries(h)).every((d) => d.status === 'held'));
  receiver.say = () => 200;
  ok(await admin.post(`/api/core/webhook/${h.id}/do/resume`));
  await until(async () => (await deliveries(h)).every((d) => d.status === 'sent'), 20000);
  ok(await admin.post(`/api/core/webhook/${h.id}/do/pause`));
  ok(await admin.post('/api/vote/poll', pollBody({ name: '三' })), 201);
  await sleep(600);
  assert.equal((await deliveries(h))[0].status, 'held');
});

test('B-38 rotation: for a day both secrets sign', async () => {
  const h = await hook('/rotate');
  const old = h.secret;
  const { secret } = ok(await admin.post(`/api/core/webhook/${h.id}/secret`));
  assert.notEqual(secret, old);
  ok(await admin.post(`/api/core/webhook/${h.id}/test`), 202);
  const m = (await receiver.wait('/rotate', 1))[0]; // the stand-in still knows the old one only
  assert.equal(verify(secret, m.headers['x-atrium-signature'], m.raw), true);
  assert.equal(verify(old, m.headers['x-atrium-signature'], m.raw), true);
});

test('B-38 D-T5c kill -9 between write and delivery loses nothing; a hanging receiver holds nobody up', async () => {
  const slow = await hook('/hang'), h = await hook('/kill');
  receiver.say = (m) => (m.path === '/hang' ? 'hang' : 200);
  for (let i = 0; i < 5; i++) ok(await admin.post('/api/vote/poll', pollBody({ name: `挂 ${i}` })), 201);
  await receiver.wait('/kill', 5, 3000);
  receiver.say = () => 'hang';
  const ids = [];
  for (let i = 0; i < 10; i++) ids.push(ok(await admin.post('/api/vote/poll', pollBody({ name: `杀 ${i}` })), 201).id);
  for (const pid of atrium.workers()) process.kill(pid, 'SIGKILL');
  receiver.say = () => 200;
  receiver.got.length = 0;
  await atrium.ready();
  await until(async () => { const l = receiver.of('/kill').map((m) => m.body.row_id); return ids.every((i) => l.includes(i)); }, 40000);
  await until(async () => (await deliveries(h)).every((d) => d.status === 'sent'), 10000);
  assert.ok(slow);
});

test('a member who registers is told of once, in the clear only as far as the webhook may see', async () => {
  const h = await hook('/members', { events: 'core.member.created' });
  const phone = '13711112222', log = async () => {
    const a = new Api(admin.base);
    ok(await a.post('/api/auth/code', { phone, purpose: 'member' }), 202);
    const code = await until(() => atrium.codes(phone)[0]?.code);
    return a.post('/api/auth/member/login', { phone, code });
  };
  const member = ok(await log());
  const [m] = await receiver.wait('/members', 1);
  assert.equal(m.body.event, 'core.member.created');
  assert.equal(m.body.resource, 'core.member');
  assert.equal(m.body.row_id, member.user.id);
  assert.equal(m.body.data.id, member.user.id);
  assert.equal(m.body.data.state, 'active');
  assert.ok(!JSON.stringify(m.body).includes(phone), 'the phone is masked there as elsewhere');
  assert.equal((await deliveries(h)).length, 1);
  const back = new Api(other.base);
  ok(await back.post('/api/auth/code', { phone, purpose: 'member' }), 202);
  await sleep(300);
  assert.equal(receiver.of('/members').length, 1, 'neither a code nor another tenant');
});
