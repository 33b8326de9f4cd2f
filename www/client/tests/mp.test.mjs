/* The built mini-program. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { built } from './built.mjs';
import { MiniProgram, texts, until } from './mini.mjs';

const dir = built('mp-weixin');
const base = 'https://fair.example.com/t/fair';

/* A server with one poll. `fault(request)` may answer instead. */
function server({ fault = () => null, ...changes } = {}) {
  const poll = {
    id: '7', title: '年度展品评选', intro: '<p>介绍</p>', cover_url: '/files/1/c.png',
    choice: 'single', max_choices: 1, period: 'day', per_period: 2, login_required: false,
    starts_at: '2020-01-01T00:00:00Z', ends_at: '2099-01-01T00:00:00Z', state: 'open',
    options: [{ id: '71', title: '机器人', count: 3 }, { id: '72', title: '无人机', count: 1 }],
    total: 4, voters: 4, left: 2, voted: [], show_results: 'always', ...changes,
  };
  const answers = new Map();
  const respond = (request) => {
    const answer = fault(request);
    if (answer) return answer;
    const path = request.url.slice(base.length);
    if (path === '/api/core/session') {
      return [200, { kind: 'anon', user: null, tenant: { slug: 'fair', name: '会展' } }, {
        'Set-Cookie': 'atrium_d=device-1; Path=/t/fair; Max-Age=31536000; HttpOnly',
      }];
    }
    if (path === '/api/vote/public/poll/7' && request.method === 'GET') {
      return [200, { ...poll, now: new Date().toISOString() }];
    }
    if (path === '/api/vote/public/poll/7/ballots') {
      const key = request.header['idempotency-key'];
      if (!answers.has(key)) {
        for (const id of JSON.parse(request.data).options) {
          poll.options.find((option) => option.id === id).count++;
          poll.total++;
        }
        poll.left--;
        const counts = Object.fromEntries(poll.options.map((o) => [o.id, o.count]));
        answers.set(key, { ballot: String(answers.size + 1), left: poll.left, total: poll.total, counts });
      }
      return [201, answers.get(key)];
    }
    return [404, { code: 'not_found', title: '没有', detail: '没有' }];
  };
  return { poll, respond, answers };
}

async function openPoll(t, backend, options = {}) {
  const program = new MiniProgram(dir, { respond: backend.respond, ext: { base }, speed: 20, ...options });
  const page = program.openPage('pages/poll/poll', options.query ?? { id: '7' });
  t.after(() => program.closePage(page));
  const shown = () => texts(page);
  return { program, page, shown };
}
const posts = (program) => program.requests.filter((r) => r.method === 'POST');

test('A-2.2.4f the poll page boots, asks its tenant, and shows poll and results', async (t) => {
  const { program, page } = await openPoll(t, server());
  await until(() => program.titles.includes('年度展品评选'), 'the title');
  assert.equal(program.requests[0].url, `${base}/api/core/session`);
  assert.equal(program.requests[1].url, `${base}/api/vote/public/poll/7`);
  assert.equal(program.requests[1].header['accept-language'], 'zh');
  assert.equal(program.requests[1].header['x-atrium-client'], 'mini');

  const [head] = program.children(page, 'poll-head');
  assert.ok(texts(head).includes('年度展品评选'));
  assert.ok(texts(head).includes('进行中'));
  assert.ok(texts(head).includes('每天可投 2 票'));
  assert.ok(texts(head).includes(`${base}/files/1/c.png`));
  const [first, second] = program.children(page, 'option-card').map(texts);
  for (const text of ['机器人', '3', '75%', 'scaleX(0.75)']) assert.ok(first.includes(text), text);
  for (const text of ['无人机', '1', '25%']) assert.ok(second.includes(text), text);
});

test('A-2.2.4f a tap chooses, the button votes once, the answer is shown', async (t) => {
  const backend = server();
  const { program, page, shown } = await openPoll(t, backend);
  await until(() => shown().includes('总票数'), 'the poll');
  program.tap(program.children(page, 'option-card')[0], 'opt');
  await until(() => program.children(page, 'option-card')[0].data && texts(program.children(page, 'vote-dock')[0]).includes('已选：机器人'), 'the choice');
  const [dock] = program.children(page, 'vote-dock');
  program.children(dock, 'press')[0].on.press({ type: 'press', detail: {} });
  await until(() => texts(program.children(page, 'vote-dock')[0]).includes('投票成功，已计入结果。'), 'thanks');

  assert.equal(posts(program).length, 1);
  assert.deepEqual(JSON.parse(posts(program)[0].data), { options: ['71'] });
  assert.match(posts(program)[0].header['idempotency-key'], /^[A-Za-z0-9._-]{8,64}$/);
  const [first] = program.children(page, 'option-card').map(texts);
  assert.ok(first.includes('4') && first.includes('80%') && first.includes('已投'));
  assert.ok(texts(program.children(page, 'vote-dock')[0]).includes('今天还可投 1 票'));
  assert.equal(program.storage['ballot.7'], undefined);
});

test('A-2.2.4f a lost answer never becomes a second ballot', async (t) => {
  let down = true;
  const backend = server({
    // The ballot arrives and is counted; the answer is lost on its way back.
    fault: (request) => {
      if (!down || request.method !== 'POST') return null;
      down = false;
      backend.respond(request);
      down = true;
      return new Error('timeout');
    },
  });
  const { program, page, shown } = await openPoll(t, backend);
  await until(() => shown().includes('总票数'), 'the poll');
  program.tap(program.children(page, 'option-card')[1], 'opt');
  const dock = () => program.children(page, 'vote-dock')[0];
  await until(() => texts(dock()).includes('已选：无人机'), 'the choice');
  program.children(dock(), 'press')[0].on.press({ type: 'press', detail: {} });
  await until(() => texts(dock()).includes('重新提交') || null, 'the unconfirmed state');
  const key = program.storage['ballot.7'].key;
  assert.equal(posts(program).length, 4);

  // The phone is put away; the page is opened anew when the network is back.
  down = false;
  const later = await openPoll(t, backend, { storage: program.storage });
  const laterDock = () => later.program.children(later.page, 'vote-dock')[0];
  await until(() => later.shown().includes('总票数') && texts(laterDock()).includes('投票成功，已计入结果。'), 'thanks');
  assert.deepEqual(new Set([...posts(program), ...posts(later.program)].map((r) => r.header['idempotency-key'])), new Set([key]));
  assert.equal(backend.answers.size, 1);
  assert.equal(backend.poll.options[1].count, 2);
  assert.equal(later.program.storage['ballot.7'], undefined);
});

test('cookies that the server sets come back to it', async (t) => {
  const { program, shown } = await openPoll(t, server());
  await until(() => shown().includes('总票数'), 'the poll');
  const known = program.requests.length;
  await until(() => program.requests.length > known, 'a further request');
  assert.equal(program.requests.at(-1).header.cookie, 'atrium_d=device-1');
});

test('a member is known by a token; when its session has ended, the public page still opens', async (t) => {
  const backend = server({
    fault: (r) => r.header.authorization === 'Bearer old' &&
      [401, { code: 'session_expired', title: 'x', detail: 'x' }],
  });
  const storage = { token: 'old' };
  const { program, shown } = await openPoll(t, backend, { storage });
  await until(() => shown().includes('总票数'), 'the poll');
  assert.equal(program.requests[0].header.authorization, 'Bearer old');
  assert.equal(program.storage.token, undefined);
  assert.equal(program.requests.at(-1).header.authorization, undefined);
});

test('results move by themselves, and not while the page is hidden', async (t) => {
  const backend = server();
  const { program, page, shown } = await openPoll(t, backend);
  await until(() => shown().includes('总票数'), 'the poll');
  backend.poll.options[0].count = 1203;
  backend.poll.total = 1204;
  await until(() => shown().includes('1,204'), 'new results');
  page.onHide();
  const asked = program.requests.length;
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(program.requests.length, asked);
});

test('a poll that needs a log-in asks for one, and sends nothing before', async (t) => {
  const { program, page, shown } = await openPoll(t, server({ login_required: true }));
  await until(() => shown().includes('总票数'), 'the poll');
  program.tap(program.children(page, 'option-card')[0], 'opt');
  const dock = () => program.children(page, 'vote-dock')[0];
  await until(() => texts(dock()).includes('已选：机器人'), 'the choice');
  program.children(dock(), 'press')[0].on.press({ type: 'press', detail: {} });
  const [sheet] = await until(() => {
    const sheets = program.children(page, 'sheet');
    return sheets.length > 0 && sheets;
  }, 'the sheet');
  assert.ok(texts(sheet).includes('手机号登录'));
  assert.equal(posts(program).length, 0);
});

test('the server\'s refusal is told in its own words', async (t) => {
  const backend = server({
    fault: (r) => r.method === 'POST' && [409, { code: 'vote.limit_device', title: 'x', detail: '这台设备的票数已用完' }],
  });
  const { program, page, shown } = await openPoll(t, backend);
  await until(() => shown().includes('总票数'), 'the poll');
  program.tap(program.children(page, 'option-card')[0], 'opt');
  const dock = () => program.children(page, 'vote-dock')[0];
  await until(() => texts(dock()).includes('已选：机器人'), 'the choice');
  program.children(dock(), 'press')[0].on.press({ type: 'press', detail: {} });
  await until(() => texts(dock()).includes('这台设备的票数已用完'), 'the message');
  assert.equal(program.storage['ballot.7'], undefined);
});

test('not found, offline and unset are said', async (t) => {
  const missing = await openPoll(t, server(), { query: { id: '8' } });
  await until(() => missing.program.children(missing.page, 'state-block').some((b) => texts(b).includes('找不到这个投票')), 'not found');

  const offline = await openPoll(t, { respond: () => new Error('no network') });
  await until(() => offline.program.children(offline.page, 'state-block').some((b) => texts(b).includes('网络连接不上')), 'offline');

  const unset = await openPoll(t, server(), { ext: {} });
  await until(() => unset.program.children(unset.page, 'state-block').some((b) => texts(b).includes('还没有设置服务器地址')), 'unset');
  assert.equal(unset.program.requests.length, 0);
});

test('English where WeChat speaks English', async (t) => {
  const { program, page, shown } = await openPoll(t, server(), { language: 'en' });
  await until(() => shown().includes('Total votes'), 'the poll');
  assert.equal(program.requests[0].header['accept-language'], 'en');
  assert.ok(texts(program.children(page, 'poll-head')[0]).includes('Open'));
});

test('sharing sends title and path', async (t) => {
  const { page, shown } = await openPoll(t, server());
  await until(() => shown().includes('总票数'), 'the poll');
  const share = page.onShareAppMessage({ from: 'menu' });
  assert.equal(share.title, '年度展品评选');
  assert.equal(share.path, '/pages/poll/poll?id=7');
  assert.equal(share.imageUrl, `${base}/files/1/c.png`);
});

test('a mini-program code brings the poll as its scene', async (t) => {
  const { program } = await openPoll(t, server(), { query: { scene: '7' } });
  await until(() => program.titles.includes('年度展品评选'), 'the title');
});
