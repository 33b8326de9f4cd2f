// A strict receiver of webhooks: refuses what is not signed as the guide says, and
// can be told to fail, to hang, or to be gone.
import http from 'node:http';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** As in docs/integrator-guide.md. */
export function verify(secret, header, body, { now = Date.now() / 1000, tolerance = 300 } = {}) {
  const parts = header.split(',').map((p) => p.split('='));
  const t = Number(parts.find(([k]) => k === 't')?.[1]);
  if (!Number.isInteger(t) || Math.abs(now - t) > tolerance) return false;
  const want = createHmac('sha256', secret).update(`${t}.`).update(body).digest();
  return parts.some(([k, v]) => k === 'v1' && /^[0-9a-f]{64}$/.test(v) && timingSafeEqual(Buffer.from(v, 'hex'), want));
}

export class Receiver {
  static async start() {
    const r = new Receiver();
    r.secrets = new Map(); // path -> secret
    r.got = []; // what was signed well
    r.refused = []; // what was not
    r.say = () => 200; // (message) -> status, or 'hang', or 'redirect'
    r.server = http.createServer((req, res) => r.take(req, res));
    await new Promise((ok) => r.server.listen(0, '127.0.0.1', ok));
    r.base = `http://127.0.0.1:${r.server.address().port}`;
    return r;
  }

  async take(req, res) {
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const body = Buffer.concat(chunks);
    const header = req.headers['x-atrium-signature'] ?? '';
    const message = { path: req.url, method: req.method, headers: req.headers, at: Date.now(), raw: body, body: JSON.parse(body) };
    if (req.method !== 'POST' || req.headers['content-type'] !== 'application/json' ||
        !verify(this.secrets.get(req.url) ?? '', header, body) || message.body.event !== req.headers['x-atrium-event']) {
      this.refused.push(message);
      res.writeHead(401).end('bad signature');
      return;
    }
    this.got.push(message);
    const how = this.say(message);
    if (how === 'hang') return;
    if (how === 'redirect') res.writeHead(302, { location: `${this.base}/elsewhere` }).end();
    else res.writeHead(how, { 'content-type': 'text/plain' }).end(how === 200 ? 'thanks' : `no: ${'x'.repeat(5000)}`);
  }

  of(path) { return this.got.filter((m) => m.path === path); }
  /** Waits until `n` messages of a path are there. */
  async wait(path, n, ms = 15000) {
    const until = Date.now() + ms;
    while (this.of(path).length < n) {
      if (Date.now() > until) throw new Error(`${path}: ${this.of(path).length} of ${n} messages, ${this.refused.length} refused`);
      await sleep(20);
    }
    return this.of(path);
  }
  async stop() { this.server.closeAllConnections(); await new Promise((ok) => this.server.close(ok)); }
}
