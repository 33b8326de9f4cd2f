/* Results that move. A browser keeps an EventSource open, which resumes by itself
 * after a broken line (with Last-Event-ID); when the server refused it or is away
 * it gives up, and then this opens it anew. The mini-program has no EventSource
 * and asks every three seconds. */
import type { Results } from './types';

export type LiveState = 'connecting' | 'live';

export interface LiveEvents {
  results(results: Results): void;
  state(state: LiveState): void;
  /** The line was down: what happened meanwhile has to be asked for. */
  resumed(): void;
}

export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
  random(): number;
}

export const timers: Timers = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  random: Math.random,
};

const LONGEST = 30_000;
const PERIOD = 3000;

export function liveByEvents(
  url: string,
  events: LiveEvents,
  Source: typeof EventSource,
  clock: Timers = timers,
): () => void {
  let source: EventSource | null = null;
  let timer: unknown = null;
  let failures = 0;
  let wasDown = false;

  function open() {
    source = new Source(url);
    source.onopen = () => {
      failures = 0;
      events.state('live');
      if (wasDown) events.resumed();
      wasDown = false;
    };
    source.addEventListener('results', (event) => {
      const results = parse((event as MessageEvent<string>).data);
      if (results) events.results(results);
    });
    source.onerror = () => {
      wasDown = true;
      events.state('connecting');
      if (source?.readyState !== 2) return; // it tries again by itself
      source.close();
      const delay = Math.min(LONGEST, 1000 * 2 ** failures++) * (0.5 + clock.random());
      timer = clock.set(open, delay);
    };
  }

  events.state('connecting');
  open();
  return () => {
    clock.clear(timer);
    source?.close();
  };
}

/** Asks again and again; `ask` rejects when no answer came. */
export function liveByPolling(
  ask: () => Promise<void>,
  events: Pick<LiveEvents, 'state'>,
  clock: Timers = timers,
): () => void {
  let failures = 0;
  let stopped = false;
  let timer: unknown = null;

  const plan = () => {
    const delay = Math.min(LONGEST, PERIOD * 2 ** failures) * (0.9 + clock.random() / 5);
    timer = clock.set(() => void turn(), delay);
  };
  async function turn() {
    try {
      await ask();
      failures = 0;
      if (!stopped) events.state('live');
    } catch {
      failures++;
      if (!stopped) events.state('connecting');
    }
    if (!stopped) plan();
  }

  events.state('live');
  plan();
  return () => {
    stopped = true;
    clock.clear(timer);
  };
}

function parse(data: string): Results | null {
  try {
    return JSON.parse(data) as Results;
  } catch {
    return null;
  }
}
