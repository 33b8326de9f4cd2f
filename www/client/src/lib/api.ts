/* Calls to the server: one tenant's base, JSON in and out, problems as errors,
 * and patience. Pure: what talks to the network is handed in (transport.ts), so
 * the rules of retrying are tested without a network. */

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Response {
  status: number;
  /** Lower-case name; null when absent. */
  header(name: string): string | null;
  body: string;
}

/** Rejects when no answer came; any answer, also a 500, resolves. */
export type Transport = (request: Request) => Promise<Response>;

/** No answer: whether the server did the work is not known. */
export class Unreachable extends Error {}

/** Nobody said where the server is (mini-program only). */
export class Unset extends Error {}

/** The server answered no (application/problem+json). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    /** In the caller's language; empty when the server gave none. */
    readonly detail: string,
    readonly fields: Record<string, string>,
    /** Seconds, or null. */
    readonly retryAfter: number | null,
  ) {
    super(`${status} ${code}`);
  }
}

export interface CallOptions {
  body?: unknown;
  /** Idempotency-Key: makes a POST safe to send again. */
  key?: string;
}

export interface Api {
  base(): string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, options?: CallOptions): Promise<T>;
}

export interface ApiDeps {
  base(): string;
  headers(): Record<string, string>;
  transport: Transport;
  sleep(ms: number): Promise<void>;
  random(): number;
  now(): number;
}

const TRIES = 4;
const FIRST_DELAY = 600;
/** Asked to wait longer than this, the caller is told instead of kept waiting. */
const LONGEST_WAIT = 10_000;

export function createApi(deps: ApiDeps): Api {
  async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const request: Request = {
      method,
      url: deps.base() + path,
      headers: { accept: 'application/json', ...deps.headers() },
    };
    if (method !== 'GET') {
      request.headers['content-type'] = 'application/json';
      request.body = JSON.stringify(options.body ?? {});
    }
    if (options.key) request.headers['idempotency-key'] = options.key;
    const again = method === 'GET' || options.key !== undefined;

    for (let attempt = 1; ; attempt++) {
      let wait = backOff(attempt);
      try {
        const response = await deps.transport(request);
        if (response.status < 400) return parse(response.body) as T;
        const problem = toProblem(response, deps.now());
        // 429 and 503 say that nothing was done, so any call may be sent again;
        // 502 and 504 come from a proxy and say nothing.
        const refused = problem.status === 429 || problem.status === 503;
        const lost = problem.status === 502 || problem.status === 504;
        if (attempt === TRIES || !(refused || (lost && again))) throw problem;
        if (problem.retryAfter !== null) {
          wait = Math.max(wait, problem.retryAfter * 1000);
          if (wait > LONGEST_WAIT) throw problem;
        }
      } catch (error) {
        if (error instanceof Problem) throw error;
        if (!(error instanceof Unreachable) || !again || attempt === TRIES) throw error;
      }
      await deps.sleep(wait);
    }
  }

  // Doubled each time, with jitter: clients that failed together must not come
  // back together.
  function backOff(attempt: number): number {
    return FIRST_DELAY * 2 ** (attempt - 1) * (0.75 + deps.random() / 2);
  }

  return {
    base: deps.base,
    get: (path) => call('GET', path),
    post: (path, options) => call('POST', path, options),
  };
}

function parse(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function toProblem(response: Response, now: number): Problem {
  const parsed = parse(response.body);
  const body = (parsed !== null && typeof parsed === 'object' ? parsed : {}) as Record<
    string,
    unknown
  >;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const fields: Record<string, string> = {};
  if (body.fields !== null && typeof body.fields === 'object') {
    for (const [name, message] of Object.entries(body.fields as object)) {
      fields[name] = text(message);
    }
  }
  return new Problem(
    response.status,
    text(body.code),
    text(body.detail) || text(body.title),
    fields,
    retryAfter(response.header('retry-after'), now),
  );
}

/** Seconds, or a date; RFC 9110. */
function retryAfter(value: string | null, now: number): number | null {
  if (value === null || value === '') return null;
  if (/^\d+$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}
