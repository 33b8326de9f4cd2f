// A load of ballots with a ledger: each ballot is tried with the same key until
// it is answered, and what was acknowledged is compared with what is stored.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import http from 'node:http';

function post(agent, url, body, key) {
  return new Promise((ok, fail) => {
    const text = JSON.stringify(body);
    const req = http.request(url, { method: 'POST', agent, timeout: 10_000, headers: {
      'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'idempotency-key': key } },
    (res) => {
      let data = '';
      res.setEncoding('utf8');
      res.on('data', (d) => (data += d));
      res.on('end', () => ok({ status: res.statusCode, body: data, retry: Number(res.headers['retry-after'] ?? 0) }));
      res.on('error', fail);
      res.on('aborted', () => fail(new Error('cut')));
    });
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', fail);
    req.end(text);
  });
}

export class Ledger {
  constructor(base, poll, { clients = 32 } = {}) {
    Object.assign(this, { base, poll, clients, acknowledged: new Map(), refused: [], failures: 0, retries: 0, unavailable: 0 });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: clients });
    this.running = false;
  }
  start() {
    this.running = true;
    this.loops = Array.from({ length: this.clients }, () => this.loop());
  }
  async loop() {
    const options = this.poll.options.map((o) => o.id);
    for (let i = 0; this.running; i++) await this.one(options[i % options.length]);
  }
  /** One ballot until it is answered for good, at most two minutes. */
  async one(option) {
    const key = randomUUID();
    const until = Date.now() + 120_000;
    while (Date.now() < until) {
      try {
        const r = await post(this.agent, `${this.base}/api/vote/public/poll/${this.poll.id}/ballots`, { options: [option] }, key);
        if (r.status === 201) { this.acknowledged.set(key, JSON.parse(r.body).ballot); return; }
        if (![500, 502, 503, 507].includes(r.status)) { this.refused.push(r); return; }
        this.unavailable++;
        if (r.status === 500) this.failures++;
      } catch { this.retries++; }
      await sleep(50);
    }
    this.refused.push({ status: 0, body: 'never answered' });
  }
  async stop() {
    this.running = false;
    await Promise.all(this.loops);
    this.agent.destroy();
  }
  /** {acknowledged, stored, lost, doubled} by the ballots of the poll. */
  async compare(api) {
    const stored = new Set();
    const filter = encodeURIComponent(`poll = ${this.poll.id}`);
    let after = '', rows = 0;
    do {
      const page = (await api.get(`/api/vote/ballot?count=0&limit=200&fields=id&filter=${filter}${after && `&after=${encodeURIComponent(after)}`}`)).body;
      for (const r of page.items) { stored.add(r.id); rows++; }
      after = page.next;
    } while (after);
    const ids = [...this.acknowledged.values()];
    const shown = (await api.get(`/api/vote/poll/${this.poll.id}`)).body;
    return {
      acknowledged: ids.length, stored: rows,
      lost: ids.filter((id) => !stored.has(id)).length,
      doubled: ids.length - new Set(ids).size + Math.max(0, rows - ids.length),
      shown: shown.ballots, by_option: shown.options.reduce((n, o) => n + o.count, 0),
    };
  }
}
