import { test } from 'node:test';
import assert from 'node:assert/strict';
import m from './modules.mjs';

/* ---- results put into a poll ---- */

const poll = (counts) => ({
  id: '7', state: 'open', left: 2, voted: [], total: 10, voters: 8,
  options: ['71', '72'].map((id, i) => ({ id, title: id, count: counts?.[i] })),
});

test('a message moves counts, total and voters', () => {
  const p = m.withResults(poll([4, 6]), { poll: '7', total: 12, voters: 9, counts: { 71: 5, 72: 7 } });
  assert.deepEqual(p.options.map((o) => o.count), [5, 7]);
  assert.equal(p.total, 12);
  assert.equal(p.voters, 9);
});

test('an overtaken message does not take back', () => {
  const p = m.withResults(poll([4, 6]), { poll: '7', total: 9, counts: { 71: 3, 72: 6 } });
  assert.deepEqual(p.options.map((o) => o.count), [4, 6]);
  assert.equal(p.total, 10);
});

test('the stream reveals nothing to one who may not see', () => {
  const p = m.withResults(poll(), { poll: '7', total: 12, counts: { 71: 5, 72: 7 }, state: 'ended' });
  assert.deepEqual(p.options.map((o) => o.count), [undefined, undefined]);
  assert.equal(p.state, 'ended');
});

test('another poll\'s message is not for this one; nothing ended opens again', () => {
  const before = poll([4, 6]);
  assert.equal(m.withResults(before, { poll: '8', counts: { 71: 99 } }), before);
  assert.equal(m.withResults({ ...before, state: 'ended' }, { poll: '7', state: 'open' }).state, 'ended');
});

test('an answer sets what is left and marks the choice, with or without counts', () => {
  const shown = m.withAnswer(poll([4, 6]), { ballot: '1', left: 1, total: 11, counts: { 71: 5, 72: 6 } }, ['71']);
  assert.equal(shown.left, 1);
  assert.deepEqual(shown.voted, ['71']);
  assert.equal(shown.options[0].count, 5);
  const hidden = m.withAnswer(poll(), { ballot: '1', left: 0 }, ['71']);
  assert.equal(m.resultsVisible(hidden), false);
});

test('shares are shares of ballots, also where one ballot has several choices', () => {
  assert.equal(m.totalBallots({ ...poll([8, 9]), total: 10 }), 10);
  assert.equal(m.totalBallots(poll([8, 11])), 11);
});

/* ---- the line ---- */

function timers() {
  const planned = [];
  return {
    planned,
    set: (run, ms) => planned.push({ run, ms, on: true }),
    clear: (n) => n && (planned[n - 1].on = false),
    random: () => 0.5,
    async fire() {
      const timer = planned.findLast((x) => x.on);
      timer.on = false;
      timer.run();
      await new Promise((done) => setImmediate(done));
    },
  };
}

class Source {
  static all = [];
  readyState = 0;
  listeners = {};
  constructor(url) {
    this.url = url;
    Source.all.push(this);
  }
  addEventListener(name, run) {
    this.listeners[name] = run;
  }
  close() {
    this.readyState = 2;
    this.closed = true;
  }
}

function watch() {
  Source.all = [];
  const log = [];
  const clock = timers();
  const stop = m.liveByEvents('/live', {
    results: (r) => log.push(r.total),
    state: (s) => log.push(s),
    resumed: () => log.push('resumed'),
  }, Source, clock);
  return { log, clock, stop, last: () => Source.all.at(-1) };
}

test('events: results arrive; nonsense is passed over', () => {
  const w = watch();
  w.last().onopen();
  w.last().listeners.results({ data: '{"total":5}' });
  w.last().listeners.results({ data: '{' });
  assert.deepEqual(w.log, ['connecting', 'live', 5]);
});

test('events: the browser resumes by itself, and the gap is asked for', () => {
  const w = watch();
  w.last().onopen();
  w.last().onerror();
  assert.equal(w.clock.planned.length, 0);
  w.last().onopen();
  assert.deepEqual(w.log, ['connecting', 'live', 'connecting', 'live', 'resumed']);
  assert.equal(Source.all.length, 1);
});

test('events: refused, it is opened anew, ever later', async () => {
  const w = watch();
  for (let i = 0; i < 7; i++) {
    w.last().readyState = 2;
    w.last().onerror();
    await w.clock.fire();
  }
  assert.deepEqual(w.clock.planned.map((x) => x.ms), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  assert.equal(Source.all.length, 8);
});

test('events: stopped is stopped', () => {
  const w = watch();
  w.last().readyState = 2;
  w.last().onerror();
  w.stop();
  assert.ok(w.last().closed);
  assert.equal(w.clock.planned.filter((x) => x.on).length, 0);
});

test('polling: every three seconds, slower while it fails, never two at once', async () => {
  const clock = timers();
  const log = [];
  let fail = false;
  let asked = 0;
  const stop = m.liveByPolling(
    async () => {
      asked++;
      if (fail) throw new Error('down');
    },
    { state: (s) => log.push(s) },
    clock,
  );
  await clock.fire();
  fail = true;
  await clock.fire();
  await clock.fire();
  fail = false;
  await clock.fire();
  assert.equal(asked, 4);
  assert.deepEqual(clock.planned.map((x) => x.ms), [3000, 3000, 6000, 12000, 3000]);
  assert.deepEqual(log, ['live', 'live', 'connecting', 'connecting', 'live']);
  stop();
  assert.equal(clock.planned.filter((x) => x.on).length, 0);
});
