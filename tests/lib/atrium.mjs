// Starts a real atriumd with its own MariaDB in a directory of its own.
// One instance per test file.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import http from 'node:http';

export const top = path.resolve(import.meta.dirname, '../..');
export const prefix = process.env.ATRIUM_PREFIX ?? path.join(top, 'build/root');
const bin = (name) => path.join(prefix, 'bin', name);

export async function freePort() {
  const s = createServer();
  await new Promise((ok) => s.listen(0, '127.0.0.1', ok));
  const { port } = s.address();
  await new Promise((ok) => s.close(ok));
  return port;
}

/** HTTP over the operator's unix socket; resolves {status, body}. */
export function operator(state, method, url, body) {
  return new Promise((ok, fail) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const req = http.request(
      { socketPath: path.join(state, 'operator.sock'), method, path: url,
        headers: text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {} },
      (res) => {
        let data = '';
        res.setEncoding('utf8');
        res.on('data', (d) => (data += d));
        res.on('end', () => {
          let parsed = data;
          try { parsed = JSON.parse(data); } catch { /* not JSON: metrics */ }
          ok({ status: res.statusCode, body: parsed });
        });
      });
    req.on('error', fail);
    req.end(text);
  });
}

export class Atrium {
  /**
   * @param {{settings?: string, env?: object, args?: string[], keep?: boolean}} options
   *   settings: extra YAML for the settings file.
   */
  static async start(options = {}) {
    const a = new Atrium();
    a.options = options;
    a.state = options.state ?? mkdtempSync(path.join(tmpdir(), 'atrium-'));
    mkdirSync(a.state, { recursive: true, mode: 0o700 });
    a.port = options.port ?? (await freePort());
    a.base = `http://127.0.0.1:${a.port}`;
    a.config = path.join(a.state, 'atrium.yaml');
    writeFileSync(a.config, `state_dir: ${a.state}\nlisten:\n  - {address: 127.0.0.1, port: ${a.port}}\n${options.settings ?? ''}`);
    await a.launch();
    return a;
  }

  async launch() {
    const log = openSync(path.join(this.state, 'atriumd.log'), 'a');
    this.child = spawn(bin('atriumd'), ['--config', this.config, ...(this.options.args ?? [])], {
      stdio: ['ignore', log, log], env: { ...process.env, ...this.options.env } });
    closeSync(log);
    this.ended = new Promise((ok) => this.child.once('exit', (code, signal) => ok({ code, signal })));
    await this.ready();
  }

  async ready(timeout = 60_000) {
    const until = Date.now() + timeout;
    for (;;) {
      try {
        if ((await operator(this.state, 'GET', '/readyz')).status === 200) return;
      } catch { /* not listening yet */ }
      if (this.child.exitCode !== null || Date.now() > until)
        throw new Error(`atriumd did not become ready:\n${this.log().slice(-4000)}`);
      await sleep(20);
    }
  }

  log() { return readFileSync(path.join(this.state, 'atriumd.log'), 'utf8'); }
  operator(method, url, body) { return operator(this.state, method, url, body); }

  /** A tenant with an administrator; resolves an Api that is logged in. */
  async tenant(slug, { plugins = [] } = {}) {
    const made = await this.operator('POST', '/operator/tenants',
      { slug, name: `租户 ${slug}`, admin: 'admin', admin_name: '管理员', phone: '13800000001' });
    if (made.status !== 201) throw new Error(`tenant: ${made.status} ${JSON.stringify(made.body)}`);
    for (const id of plugins) {
      const on = await this.operator('POST', `/operator/tenants/${slug}/plugins/${id}/enable`);
      if (on.status !== 200) throw new Error(`enable ${id}: ${on.status} ${JSON.stringify(on.body)}`);
    }
    const api = new Api(`${this.base}/t/${slug}`);
    api.password = made.body.password;
    await api.login('admin', made.body.password);
    return api;
  }

  /** pids of the children of the supervisor by program name. */
  children(name) {
    const out = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(this.child.pid)], { encoding: 'utf8' });
    return out.split('\n').filter((l) => l.includes(name)).map((l) => Number(l.trim().split(/\s+/)[0]));
  }
  workers() { return this.children('--worker'); }
  database() { return this.children('mariadbd')[0]; }

  /** One-time codes from the development outbox, newest first. */
  codes(phone) {
    const file = path.join(this.state, 'outbox.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').trim().split('\n').map((l) => JSON.parse(l))
      .filter((m) => m.to === phone).reverse();
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const late = sleep(60_000, 'late', { ref: false });
    const how = await Promise.race([this.ended, late]);
    if (how === 'late') { this.child.kill('SIGKILL'); throw new Error('atriumd did not stop on SIGTERM'); }
    if (!this.options.keep && !process.env.ATRIUM_KEEP) rmSync(this.state, { recursive: true, force: true });
    return how;
  }
}

/** A small HTTP client that keeps cookies and a token. */
export class Api {
  constructor(base) { this.base = base; this.cookies = new Map(); this.token = null; this.headers = {}; }

  as(token) { const a = new Api(this.base); a.token = token; return a; }
  anonymous() { return new Api(this.base); }

  async fetch(method, url, { body, headers = {}, raw, redirect = 'manual' } = {}) {
    const h = { 'accept-language': 'zh-CN', ...this.headers, ...headers };
    if (this.token) h.authorization = `Bearer ${this.token}`;
    else if (this.cookies.size) {
      h.cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
      h.origin ??= new URL(this.base).origin;
    }
    if (body !== undefined && raw === undefined) { h['content-type'] ??= 'application/json'; raw = JSON.stringify(body); }
    const res = await fetch(this.base + url, { method, headers: h, body: raw, redirect });
    for (const c of res.headers.getSetCookie()) {
      const [pair] = c.split(';');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at), value = pair.slice(at + 1);
      if (value === '' || /max-age=0/i.test(c)) this.cookies.delete(name); else this.cookies.set(name, value);
    }
    return res;
  }

  /** {status, body, headers}; body parsed when it is JSON. */
  async call(method, url, body, headers) {
    const res = await this.fetch(method, url, { body, headers });
    const text = await res.text();
    let parsed = text;
    if (/json/.test(res.headers.get('content-type') ?? '')) parsed = text ? JSON.parse(text) : null;
    return { status: res.status, body: parsed, headers: res.headers };
  }
  get(url, headers) { return this.call('GET', url, undefined, headers); }
  post(url, body, headers) { return this.call('POST', url, body ?? {}, headers); }
  patch(url, body, headers) { return this.call('PATCH', url, body, headers); }
  delete(url, headers) { return this.call('DELETE', url, undefined, headers); }

  async login(login, password) {
    const r = await this.post('/api/auth/login', { login, password });
    if (r.status !== 200) throw new Error(`login: ${r.status} ${JSON.stringify(r.body)}`);
    this.cookies.clear();
    this.token = r.body.token;
    return r.body;
  }

  async upload(name, type, bytes, use) {
    const form = new FormData();
    form.append('file', new Blob([bytes], { type }), name);
    if (use) form.append('use', use);
    const res = await this.fetch('POST', '/api/core/files', { raw: form });
    return { status: res.status, body: await res.json() };
  }
}

/** A 1x1 PNG. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

export function pollBody(over = {}) {
  const hour = 3600_000;
  return {
    name: '年度评选', title: '谁是最佳展商？', intro: '<p>请投出您的一票</p>',
    starts_at: new Date(Date.now() - hour).toISOString(), ends_at: new Date(Date.now() + hour).toISOString(),
    choice: 'single', max_choices: 1, period: 'total',
    limit_person: 0, limit_device: 0, limit_address: 0, login_required: false, results: 'always',
    options: [{ title: '甲公司', text: '新能源' }, { title: '乙公司', text: '生物医药' }, { title: '丙公司' }],
    ...over,
  };
}

/** Creates and publishes a poll; resolves the row. */
export async function publishedPoll(api, over) {
  const made = await api.post('/api/vote/poll', pollBody(over));
  if (made.status !== 201) throw new Error(`poll: ${made.status} ${JSON.stringify(made.body)}`);
  const out = await api.post(`/api/vote/poll/${made.body.id}/do/publish`);
  if (out.status !== 200) throw new Error(`publish: ${out.status} ${JSON.stringify(out.body)}`);
  return (await api.get(`/api/vote/poll/${made.body.id}`)).body;
}
