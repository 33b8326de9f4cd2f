import { test } from 'node:test';
import assert from 'node:assert/strict';
import m from './modules.mjs';

const HOUR = 3600 * 1000;

/* A device: its storage outlives a page, as a phone's does. */
function device() {
  const kept = new Map();
  const store = {
    get: (name) => structuredClone(kept.get(name)),
    set: (name, value) => void kept.set(name, structuredClone(value)),
    remove: (name) => void kept.delete(name),
  };
  let keys = 0;
  const clock = { now: 1_000_000 };
  const sent = [];
  return {
    clock,
    sent,
    kept,
    /** The page is opened; the server will answer with these. */
    open(...answers) {
      const api = {
        post: async (path, { body, key }) => {
          sent.push({ path, key, options: body.options });
          const answer = answers.shift();
          if (answer instanceof Error) throw answer;
          return answer;
        },
      };
      return m.createBallots({ api, store, newKey: () => `key-${++keys}`, now: () => clock.now });
    },
  };
}
const lost = () => new m.Unreachable('lost');
const problem = (status, code = '') => new m.Problem(status, code, 'text', {}, null);

test('an accepted ballot leaves nothing behind, the next has a new key', async () => {
  const d = device();
  const page = d.open({ ballot: '1', left: 1 }, { ballot: '2', left: 0 });
  await page.send('7', ['71']);
  assert.equal(page.pending('7'), null);
  assert.equal(d.kept.size, 0);
  await page.send('7', ['72']);
  assert.deepEqual(d.sent.map((s) => s.key), ['key-1', 'key-2']);
  assert.equal(d.sent[0].path, '/api/vote/public/poll/7/ballots');
});

test('no answer: the same ballot goes again with the same key', async () => {
  const d = device();
  const page = d.open(lost(), { ballot: '1', left: 0 });
  await assert.rejects(page.send('7', ['71']), m.Unconfirmed);
  await page.send('7', ['71']);
  assert.deepEqual(d.sent.map((s) => s.key), ['key-1', 'key-1']);
});

test('no answer: another choice cannot become a second ballot', async () => {
  const d = device();
  const page = d.open(lost(), { ballot: '1', left: 0 });
  await assert.rejects(page.send('7', ['71']), m.Unconfirmed);
  await page.send('7', ['72']);
  assert.deepEqual(d.sent[1], { path: '/api/vote/public/poll/7/ballots', key: 'key-1', options: ['71'] });
});

test('no answer: the key survives closing the page', async () => {
  const d = device();
  await assert.rejects(d.open(lost()).send('7', ['71']), m.Unconfirmed);
  const page = d.open({ ballot: '1', left: 0 });
  assert.deepEqual(page.pending('7').options, ['71']);
  await page.send('7', []);
  assert.deepEqual(d.sent.map((s) => s.key), ['key-1', 'key-1']);
  assert.equal(page.pending('7'), null);
});

test('the key is on the device before anything is sent', async () => {
  const kept = new Map();
  let seen;
  const ballots = m.createBallots({
    api: { post: async () => void (seen = kept.get('ballot.7')) },
    store: { get: (n) => kept.get(n), set: (n, v) => kept.set(n, v), remove: (n) => kept.delete(n) },
    newKey: () => 'key-1',
    now: () => 5,
  });
  await ballots.send('7', ['71']);
  assert.deepEqual(seen, { key: 'key-1', options: ['71'], at: 5 });
});

test('500, 502, 503, 504, 408 and 429 keep the key', async () => {
  for (const status of [500, 502, 503, 504, 408, 429]) {
    const d = device();
    const page = d.open(problem(status));
    await assert.rejects(page.send('7', ['71']), m.Unconfirmed);
    assert.equal(page.pending('7').key, 'key-1', String(status));
  }
});

test('a refusal ends it and is told', async () => {
  for (const status of [400, 401, 403, 404, 409, 422]) {
    const d = device();
    const page = d.open(problem(status, 'vote.ended'));
    await assert.rejects(page.send('7', ['71']), (e) => e.code === 'vote.ended');
    assert.equal(page.pending('7'), null, String(status));
  }
});

test('polls do not share keys', async () => {
  const d = device();
  const page = d.open(lost(), { ballot: '1', left: 0 });
  await assert.rejects(page.send('7', ['71']), m.Unconfirmed);
  await page.send('8', ['81']);
  assert.deepEqual(d.sent.map((s) => s.key), ['key-1', 'key-2']);
  assert.ok(page.pending('7'));
});

test('a ballot older than the server remembers is not sent again', async () => {
  const d = device();
  await assert.rejects(d.open(lost()).send('7', ['71']), m.Unconfirmed);
  d.clock.now += 24 * HOUR;
  assert.equal(d.open().pending('7'), null);
});
