// A-2.2.4f 投票: the whole of vote over HTTP.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Atrium, Api, png, pollBody, publishedPoll } from '../lib/atrium.mjs';

let atrium, admin;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo', { plugins: ['vote'] });
});
after(() => atrium?.stop());

const ballot = (api, poll, options, headers = {}) =>
  api.post(`/api/vote/public/poll/${poll.id}/ballots`, { options }, { 'idempotency-key': randomUUID(), ...headers });
const ids = (poll) => poll.options.map((o) => o.id);

test('A-2.2.4f a poll with cover, options with picture and text, read back as written', async () => {
  const cover = await admin.upload('cover.png', 'image/png', png, 'vote.poll.cover');
  assert.equal(cover.status, 201, JSON.stringify(cover.body));
  const made = await admin.post('/api/vote/poll', pollBody({
    cover: cover.body.id,
    options: [{ title: '甲', text: '说明', picture: cover.body.id }, { title: '乙' }],
  }));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.match(made.headers.get('location'), /\/api\/vote\/poll\/\d+$/);
  const got = (await admin.get(`/api/vote/poll/${made.body.id}`)).body;
  assert.equal(got.title, '谁是最佳展商？');
  assert.equal(got.state, 'draft');
  assert.deepEqual(got.options.map((o) => o.title), ['甲', '乙']);
  assert.equal(typeof got.id, 'string');
  assert.match(got.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('A-2.2.4f every bad input names its field, in Chinese and in English', async () => {
  const bad = [
    ['name', { name: '' }], ['name', { name: 'x'.repeat(61) }], ['title', { title: undefined }],
    ['starts_at', { starts_at: 'tomorrow' }], ['ends_at', { ends_at: '2020-01-01T00:00:00Z' }],
    ['choice', { choice: 'several' }], ['max_choices', { max_choices: 0 }], ['max_choices', { max_choices: 101 }],
    ['period', { period: 'week' }], ['limit_person', { limit_person: -1 }], ['limit_device', { limit_device: 1.5 }],
    ['limit_address', { limit_address: '7' }], ['login_required', { login_required: 'yes' }],
    ['results', { results: 'sometimes' }], ['options', { options: [{ title: '只有一个' }] }],
    ['options.1.title', { options: [{ title: '甲' }, { title: '' }] }],
    ['cover', { cover: '999' }], ['ballots', { ballots: 5 }], ['nonsense', { nonsense: 1 }],
  ];
  for (const [field, change] of bad) {
    const zh = await admin.post('/api/vote/poll', pollBody(change));
    assert.equal(zh.status, 422, `${field}: ${JSON.stringify(zh.body)}`);
    assert.equal(zh.headers.get('content-type'), 'application/problem+json');
    assert.ok(zh.body.fields[field], `names ${field}: ${JSON.stringify(zh.body)}`);
    assert.match(zh.body.fields[field], /[\u4e00-\u9fff]/, `${field} in Chinese`);
    const en = await admin.post('/api/vote/poll', pollBody(change), { 'accept-language': 'en' });
    assert.doesNotMatch(en.body.fields[field], /[\u4e00-\u9fff]/, `${field} in English`);
  }
});

test('A-2.2.4f pictures and videos of a published poll are public, before and after they are not', async () => {
  // The smallest head of an MP4: one ftyp box.
  const mp4 = Buffer.concat([Buffer.from('00000018', 'hex'), Buffer.from('ftypisom'), Buffer.from('00000200', 'hex'), Buffer.from('isommp41')]);
  const cover = (await admin.upload('cover.png', 'image/png', png, 'vote.poll.cover')).body;
  const video = await admin.upload('film.mp4', 'video/mp4', mp4, 'vote.option.video');
  assert.equal(video.status, 201, JSON.stringify(video.body));
  const liar = await admin.upload('film.mp4', 'video/mp4', png, 'vote.option.video');
  assert.ok([415, 422].includes(liar.status), 'a picture is no video');
  const made = (await admin.post('/api/vote/poll', pollBody({
    cover: cover.id, options: [{ title: '甲', picture: cover.id, video: video.body.id }, { title: '乙' }] }))).body;
  const pub = new Api(admin.base);
  assert.ok([401, 404].includes((await pub.fetch('GET', video.body.url)).status));
  await admin.post(`/api/vote/poll/${made.id}/do/publish`);
  const seen = (await new Api(admin.base).get(`/api/vote/public/poll/${made.id}`)).body;
  assert.equal(seen.options[0].video_url, video.body.url);
  for (const url of [seen.cover_url, seen.options[0].picture_url, seen.options[0].video_url])
    assert.equal((await pub.fetch('GET', url)).status, 200, url);
  const part = await pub.fetch('GET', seen.options[0].video_url, { headers: { range: 'bytes=4-7' } });
  assert.equal(part.status, 206);
  assert.equal(await part.text(), 'ftyp');
  assert.equal((await admin.post(`/api/vote/poll/${made.id}/do/withdraw`)).status, 200);
  assert.ok([401, 404].includes((await pub.fetch('GET', seen.cover_url)).status), 'withdrawn with its poll');
});

test('A-2.2.4f a draft is not public; published it is; closing stops voting', async () => {
  const made = (await admin.post('/api/vote/poll', pollBody())).body;
  const pub = new Api(admin.base);
  assert.equal((await pub.get(`/api/vote/public/poll/${made.id}`)).status, 404);
  assert.equal((await admin.post(`/api/vote/poll/${made.id}/do/close`)).status, 409);
  assert.equal((await admin.post(`/api/vote/poll/${made.id}/do/publish`)).status, 200);
  const seen = (await pub.get(`/api/vote/public/poll/${made.id}`)).body;
  assert.equal(seen.state, 'open');
  assert.equal(seen.options.length, 3);
  assert.equal(seen.name, undefined, 'the internal name is for staff only');
  assert.equal((await ballot(pub, seen, [seen.options[0].id])).status, 201);
  assert.equal((await admin.post(`/api/vote/poll/${made.id}/do/close`)).status, 200);
  const late = await ballot(pub, seen, [seen.options[0].id]);
  assert.equal(late.status, 409);
  assert.equal(late.body.code, 'vote.ended');
  const after = (await pub.get(`/api/vote/public/poll/${made.id}`)).body;
  assert.equal(after.state, 'ended');
  assert.equal(after.total, 1);
});

test('A-2.2.4f opening hours: before and after', async () => {
  const soon = await publishedPoll(admin, { starts_at: new Date(Date.now() + 60_000).toISOString() });
  const pub = new Api(admin.base);
  assert.equal((await pub.get(`/api/vote/public/poll/${soon.id}`)).body.state, 'upcoming');
  const early = await ballot(pub, soon, [ids(soon)[0]]);
  assert.equal(early.status, 409);
  assert.equal(early.body.code, 'vote.not_open');
});

test('A-2.2.4f single and multiple choice', async () => {
  const single = await publishedPoll(admin);
  const pub = new Api(admin.base);
  const two = await ballot(pub, single, ids(single).slice(0, 2));
  assert.equal(two.status, 422);
  assert.equal(two.body.code, 'vote.too_many_options');
  assert.equal((await ballot(pub, single, ['123'])).body.code, 'vote.unknown_option');
  assert.equal((await ballot(pub, single, [])).status, 422);
  assert.equal((await pub.post(`/api/vote/public/poll/${single.id}/ballots`, { option: '1' },
    { 'idempotency-key': randomUUID() })).status, 422);
  const multi = await publishedPoll(admin, { choice: 'multiple', max_choices: 2 });
  assert.equal((await ballot(pub, multi, ids(multi))).body.code, 'vote.too_many_options');
  const ok = await ballot(pub, multi, ids(multi).slice(0, 2));
  assert.equal(ok.status, 201, JSON.stringify(ok.body));
  assert.equal(ok.body.counts[ids(multi)[1]], 1);
  const kept = (await admin.get(`/api/vote/ballot/${ok.body.ballot}`)).body;
  assert.equal(kept.chosen, '甲公司、乙公司');
});

test('A-2.2.4f limits per device, per address and per person; each device its own', async () => {
  const poll = await publishedPoll(admin, { limit_device: 2 });
  const one = new Api(admin.base), other = new Api(admin.base);
  await one.get(`/api/vote/public/poll/${poll.id}`);     // receives its device cookie
  await other.get(`/api/vote/public/poll/${poll.id}`);
  const o = ids(poll)[0];
  assert.equal((await ballot(one, poll, [o])).status, 201);
  const second = await ballot(one, poll, [o]);
  assert.equal(second.status, 201);
  assert.equal(second.body.left, 0);
  const third = await ballot(one, poll, [o]);
  assert.equal(third.status, 409);
  assert.equal(third.body.code, 'vote.limit_device');
  assert.match(third.body.detail, /[\u4e00-\u9fff]/);
  assert.equal((await ballot(other, poll, [o])).status, 201);

  const byAddress = await publishedPoll(admin, { limit_address: 1 });
  assert.equal((await ballot(new Api(admin.base), byAddress, [ids(byAddress)[0]])).status, 201);
  assert.equal((await ballot(new Api(admin.base), byAddress, [ids(byAddress)[0]])).body.code, 'vote.limit_address');
});

async function memberLogin(phone) {
  const m = new Api(admin.base);
  const sent = await m.post('/api/auth/code', { phone, purpose: 'member' });
  assert.equal(sent.status, 202);
  const code = atrium.codes(phone)[0].code;
  const r = await m.post('/api/auth/member/login', { phone, code });
  assert.equal(r.status, 200, JSON.stringify(r.body));
  return m;
}

test('A-2.2.4f log-in needed: a member by phone and code, once per person on any device', async () => {
  const poll = await publishedPoll(admin, { login_required: true, limit_person: 1 });
  const nobody = await ballot(new Api(admin.base), poll, [ids(poll)[0]]);
  assert.equal(nobody.status, 401);
  assert.equal(nobody.body.code, 'vote.login_required');
  const m = await memberLogin('13900000001');
  assert.equal((await ballot(m, poll, [ids(poll)[1]])).status, 201);
  assert.equal((await ballot(m, poll, [ids(poll)[1]])).body.code, 'vote.limit_person');
  const seen = (await m.get(`/api/vote/public/poll/${poll.id}`)).body;
  assert.equal(seen.left, 0);
  assert.deepEqual(seen.voted, [ids(poll)[1]]);
});

test('A-2.2.4f the same idempotency key is one ballot, whatever the order and number of tries', async () => {
  const poll = await publishedPoll(admin);
  const pub = new Api(admin.base);
  await pub.get(`/api/vote/public/poll/${poll.id}`);
  const key = { 'idempotency-key': randomUUID() };
  const tries = await Promise.all(Array.from({ length: 20 }, () => ballot(pub, poll, [ids(poll)[0]], key)));
  assert.ok(tries.every((t) => t.status === 201), JSON.stringify(tries.map((t) => t.status)));
  assert.equal(new Set(tries.map((t) => t.body.ballot)).size, 1);
  const rows = (await admin.get(`/api/vote/ballot?filter=${encodeURIComponent(`poll = ${poll.id}`)}`)).body;
  assert.equal(rows.count, 1);
  assert.equal((await admin.get(`/api/vote/poll/${poll.id}`)).body.ballots, 1);
});

test('A-2.2.4f 2,000 ballots at once: none lost, none doubled, limits exact', async () => {
  const poll = await publishedPoll(admin, { limit_address: 1500 });
  const answers = await Promise.all(Array.from({ length: 2000 }, (_, i) =>
    ballot(new Api(admin.base), poll, [ids(poll)[i % 3]])));
  const ok = answers.filter((a) => a.status === 201).length;
  const refused = answers.filter((a) => a.body.code === 'vote.limit_address').length;
  assert.equal(ok, 1500);
  assert.equal(refused, 500);
  const after = (await admin.get(`/api/vote/poll/${poll.id}`)).body;
  assert.equal(after.ballots, 1500);
  assert.equal(after.options.reduce((n, o) => n + o.count, 0), 1500);
  const rows = (await admin.get(`/api/vote/ballot?limit=1&filter=${encodeURIComponent(`poll = ${poll.id}`)}`)).body;
  assert.equal(rows.count, 1500);
});

test('A-2.2.4f live results arrive by SSE without a reload', async () => {
  const poll = await publishedPoll(admin);
  const pub = new Api(admin.base);
  const res = await pub.fetch('GET', `/api/vote/public/poll/${poll.id}/live`);
  assert.equal(res.status, 200);
  assert.match(res.headers.get('content-type'), /^text\/event-stream/);
  const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
  await ballot(pub, poll, [ids(poll)[2]]);
  let text = '';
  const until = Date.now() + 5000;
  while (Date.now() < until && !/"total":1\b/.test(text)) text += (await reader.read()).value;
  assert.match(text, /event: results/);
  const data = JSON.parse(text.split('\n').filter((l) => l.startsWith('data:')).at(-1).slice(5));
  assert.equal(data.total, 1);
  assert.equal(data.counts[ids(poll)[2]], 1);
  await reader.cancel();
});

test('A-2.2.4f results hidden as the rules say', async () => {
  const poll = await publishedPoll(admin, { results: 'after_vote' });
  const pub = new Api(admin.base);
  const before = (await pub.get(`/api/vote/public/poll/${poll.id}`)).body;
  assert.equal(before.options[0].count, undefined);
  assert.equal(before.show_results, 'after_vote');
  await ballot(pub, poll, [ids(poll)[0]]);
  assert.equal((await pub.get(`/api/vote/public/poll/${poll.id}`)).body.options[0].count, 1);
  const never = await publishedPoll(admin, { results: 'never' });
  const b = await ballot(pub, never, [ids(never)[0]]);
  assert.equal(b.status, 201);
  assert.equal(b.body.counts, undefined);
  const live = await (new Api(admin.base)).fetch('GET', `/api/vote/public/poll/${never.id}/live`);
  const reader = live.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('\ndata:') && !text.startsWith('data:')) text += (await reader.read()).value;
  assert.match(text, /"state":"open"/);
  assert.doesNotMatch(text, /counts|total|voters/, 'no path gives more than another');
  await reader.cancel();
});

test('A-2.2.4f link and QR code, statistics, export as CSV and XLSX', async () => {
  const poll = await publishedPoll(admin);
  const pub = new Api(admin.base);
  await ballot(pub, poll, [ids(poll)[0]]);
  const share = (await admin.get(`/api/vote/poll/${poll.id}/share`)).body;
  assert.ok(share.url.startsWith('http') && share.url.includes(poll.id));
  const svg = await admin.fetch('GET', `/api/vote/poll/${poll.id}/qr.svg`);
  assert.match(svg.headers.get('content-type'), /svg/);
  assert.match(await svg.text(), /<svg/);
  const qr = Buffer.from(await (await admin.fetch('GET', `/api/vote/poll/${poll.id}/qr.png`)).arrayBuffer());
  assert.equal(qr.subarray(1, 4).toString(), 'PNG');
  const stats = (await admin.get(`/api/vote/poll/${poll.id}/stats`)).body;
  assert.equal(stats.total, 1);
  const filter = encodeURIComponent(`poll = ${poll.id}`);
  const csv = Buffer.from(await (await admin.fetch('GET', `/api/vote/ballot/export?format=csv&filter=${filter}`)).arrayBuffer());
  assert.deepEqual([...csv.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
  assert.equal(csv.toString('utf8').trim().split('\n').length, 2);
  const xlsx = Buffer.from(await (await admin.fetch('GET', `/api/vote/ballot/export?format=xlsx&filter=${filter}`)).arrayBuffer());
  assert.equal(xlsx.subarray(0, 2).toString(), 'PK');
});

test('A-2.2.4f ballots can be neither written nor changed through the resource', async () => {
  const poll = await publishedPoll(admin);
  await ballot(new Api(admin.base), poll, [ids(poll)[0]]);
  const row = (await admin.get(`/api/vote/ballot?filter=${encodeURIComponent(`poll = ${poll.id}`)}`)).body.items[0];
  assert.ok([403, 405].includes((await admin.post('/api/vote/ballot', { poll: poll.id })).status));
  assert.ok([403, 405].includes((await admin.patch(`/api/vote/ballot/${row.id}`, { options: [] })).status));
  assert.ok([403, 405].includes((await admin.delete(`/api/vote/ballot/${row.id}`)).status));
});

test('A-2.2.4f the public and strangers get nothing of the staff side', async () => {
  const poll = await publishedPoll(admin);
  const pub = new Api(admin.base);
  for (const url of ['/api/vote/poll', `/api/vote/poll/${poll.id}`, '/api/vote/ballot', `/api/vote/poll/${poll.id}/stats`,
    `/api/vote/poll/${poll.id}/share`, '/api/vote/ballot/export?format=csv', `/api/vote/poll/${poll.id}/history`])
    assert.equal((await pub.get(url)).status, 401, url);
  const other = await atrium.tenant('other', { plugins: ['vote'] });
  assert.equal((await other.get(`/api/vote/poll/${poll.id}`)).status, 404);
  assert.equal((await other.get(`/api/vote/public/poll/${poll.id}`)).status, 404);
  assert.equal((await other.as(admin.token).get('/api/vote/poll')).status, 401, "another tenant's token");
  const off = await atrium.tenant('off');
  assert.equal((await off.get('/api/vote/poll')).status, 404);
});
