import { test } from 'node:test';
import assert from 'node:assert/strict';
import m from './modules.mjs';

/* A server that answers from a list; an Error in the list is a broken line. */
function client(answers, now = 0) {
  const sent = [];
  const slept = [];
  const api = m.createApi({
    base: () => 'https://fair.example.com/t/fair',
    headers: () => ({ 'accept-language': 'zh' }),
    transport: async (request) => {
      sent.push({ ...request, headers: { ...request.headers } });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      const [status, body = {}, headers = {}] = answer;
      return {
        status,
        header: (name) => headers[name] ?? null,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      };
    },
    sleep: async (ms) => void slept.push(ms),
    random: () => 0.5,
    now: () => now,
  });
  return { api, sent, slept };
}
const broken = () => new m.Unreachable('no answer');

test('a GET goes to the tenant and gives the parsed answer', async () => {
  const { api, sent } = client([[200, { id: '9007199254740993' }]]);
  assert.deepEqual(await api.get('/api/x'), { id: '9007199254740993' });
  assert.equal(sent[0].url, 'https://fair.example.com/t/fair/api/x');
  assert.equal(sent[0].headers['accept-language'], 'zh');
  assert.equal(sent[0].body, undefined);
});

test('an empty answer is null', async () => {
  const { api } = client([[204, '']]);
  assert.equal(await api.post('/api/x'), null);
});

test('a problem carries code, detail and fields', async () => {
  const { api } = client([
    [422, { code: 'validation', title: 'Bad', detail: '手机号无效', fields: { phone: '停用' } }],
  ]);
  await assert.rejects(api.post('/api/x'), (error) => {
    assert.ok(error instanceof m.Problem);
    assert.equal(error.status, 422);
    assert.equal(error.code, 'validation');
    assert.equal(error.detail, '手机号无效');
    assert.deepEqual(error.fields, { phone: '停用' });
    return true;
  });
});

test('an error page that is no problem document is still a problem', async () => {
  const { api } = client([[404, '<html>Not found</html>']]);
  await assert.rejects(api.get('/api/x'), (e) => e instanceof m.Problem && e.detail === '');
});

test('503 is tried again after Retry-After, the same request', async () => {
  const { api, sent, slept } = client([
    [503, {}, { 'retry-after': '2' }],
    [201, { ok: true }],
  ]);
  assert.deepEqual(await api.post('/api/x', { body: { a: 1 }, key: 'k1' }), { ok: true });
  assert.deepEqual(slept, [2000]);
  assert.deepEqual(sent[0], sent[1]);
  assert.equal(sent[1].headers['idempotency-key'], 'k1');
});

test('without Retry-After the wait doubles', async () => {
  const { api, slept } = client([[429], [429], [429], [200]]);
  await api.get('/api/x');
  assert.deepEqual(slept, [600, 1200, 2400]);
});

test('Retry-After as a date', async () => {
  const now = Date.parse('2026-12-01T08:00:00Z');
  const { api, slept } = client(
    [[503, {}, { 'retry-after': 'Tue, 01 Dec 2026 08:00:05 GMT' }], [200]],
    now,
  );
  await api.get('/api/x');
  assert.deepEqual(slept, [5000]);
});

test('a long Retry-After is told, not waited for', async () => {
  const { api, sent, slept } = client([[503, {}, { 'retry-after': '30' }]]);
  await assert.rejects(api.get('/api/x'), (e) => e.status === 503 && e.retryAfter === 30);
  assert.equal(sent.length, 1);
  assert.deepEqual(slept, []);
});

test('it gives up after four attempts', async () => {
  const { api, sent } = client([[503], [503], [503], [503], [200]]);
  await assert.rejects(api.get('/api/x'), (e) => e.status === 503);
  assert.equal(sent.length, 4);
});

test('a broken line: GET is tried again', async () => {
  const { api, sent } = client([broken(), [200, { ok: 1 }]]);
  assert.deepEqual(await api.get('/api/x'), { ok: 1 });
  assert.equal(sent.length, 2);
});

test('a broken line: POST without a key is never sent twice', async () => {
  const { api, sent } = client([broken(), [200]]);
  await assert.rejects(api.post('/api/x'), m.Unreachable);
  assert.equal(sent.length, 1);
});

test('a broken line or a gateway time-out: POST with a key is sent again with it', async () => {
  const { api, sent } = client([broken(), [504], [201, { ballot: '1' }]]);
  await api.post('/api/x', { key: 'k2' });
  assert.deepEqual(sent.map((s) => s.headers['idempotency-key']), ['k2', 'k2', 'k2']);
});

test('502 for a POST without a key is final', async () => {
  const { api, sent } = client([[502], [200]]);
  await assert.rejects(api.post('/api/x'), (e) => e.status === 502);
  assert.equal(sent.length, 1);
});

test('500 and 4xx are final', async () => {
  for (const status of [400, 401, 403, 404, 409, 422, 500]) {
    const { api, sent } = client([[status], [200]]);
    await assert.rejects(api.post('/api/x', { key: 'k3' }), (e) => e.status === status);
    assert.equal(sent.length, 1, String(status));
  }
});
