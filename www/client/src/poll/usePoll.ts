/* The poll page's state: loading, choosing, voting, watching. The page shows what
 * stands here and calls what is returned; nothing of it knows about layout. */
import { computed, ref } from 'vue';
import { Problem, Unreachable } from '../lib/api';
import { api } from '../lib/client';
import { explain } from '../lib/explain';
import { t } from '../lib/i18n';
import { newKey, onOnline } from '../lib/platform';
import { loadSession, session } from '../lib/session';
import { createBallots, Unconfirmed } from './ballot';
import { liveByEvents, liveByPolling, type LiveState } from './live';
import { resultsVisible, withAnswer, withResults } from './results';
import type { Poll, Results } from './types';

export type Phase = 'loading' | 'ready' | 'missing' | 'offline' | 'failed';
export interface Message {
  kind: 'good' | 'info' | 'bad';
  text: string;
}

const ballots = createBallots({
  api,
  store: {
    get: (name) => uni.getStorageSync(name),
    set: (name, value) => uni.setStorageSync(name, value),
    remove: (name) => uni.removeStorageSync(name),
  },
  newKey,
  now: Date.now,
});

export function usePoll() {
  const id = ref('');
  const poll = ref<Poll | null>(null);
  const phase = ref<Phase>('loading');
  const failure = ref('');
  const chosen = ref<string[]>([]);
  const sending = ref(false);
  const unconfirmed = ref(false);
  const message = ref<Message | null>(null);
  const loginOpen = ref(false);
  const live = ref<LiveState | 'off'>('off');
  /** The server's clock, moved on by ours: phones are often minutes wrong. */
  const now = ref(Date.now());

  const max = computed(() =>
    poll.value?.choice === 'multiple' ? Math.max(1, poll.value.max_choices) : 1,
  );
  const visible = computed(() => poll.value !== null && resultsVisible(poll.value));
  const canChoose = computed(
    () => poll.value?.state === 'open' && (poll.value.left === null || poll.value.left > 0),
  );

  let offset = 0;
  let shown = false;
  let ticking: ReturnType<typeof setInterval> | undefined;
  let due: ReturnType<typeof setTimeout> | undefined;
  let stopLive: (() => void) | null = null;
  let stopOnline: (() => void) | null = null;

  const path = () => `/api/vote/public/poll/${encodeURIComponent(id.value)}`;

  /* ---- loading ---- */

  async function fetchPoll(): Promise<void> {
    const asked = id.value;
    const answer = await api.get<Poll>(path());
    if (asked !== id.value) return; // another poll was opened meanwhile
    offset = Date.parse(answer.now) - Date.now() || 0;
    now.value = Date.now() + offset;
    poll.value = { ...answer, voted: (answer.voted ?? []).map(String), left: answer.left ?? null };
    const known = new Set(answer.options.map((option) => option.id));
    chosen.value = chosen.value.filter((option) => known.has(option));
    planNextState();
  }

  async function load(): Promise<void> {
    clearTimeout(due);
    if (phase.value !== 'ready') phase.value = 'loading';
    try {
      // Who is here is only needed for the log-in and the tenant's name: the
      // poll is shown also when that fails.
      if (!session.value) loadSession().catch(() => undefined);
      await fetchPoll();
      if (!poll.value) return;
      phase.value = 'ready';
      watchResults();
      if (ballots.pending(id.value)) await resume();
    } catch (error) {
      if (phase.value === 'ready') return; // what is shown stays; live catches up
      if (error instanceof Unreachable) phase.value = 'offline';
      else if (error instanceof Problem && (error.status === 404 || error.status === 400)) {
        phase.value = 'missing';
      } else {
        phase.value = 'failed';
        failure.value = explain(error);
        if (error instanceof Problem && error.retryAfter !== null) {
          due = setTimeout(reload, (error.retryAfter + Math.random() * 3) * 1000);
        }
      }
    }
  }

  const reload = () => void load();

  /* ---- time ---- */

  /** Asks again when the poll opens or ends, spread over some seconds: all who
   * wait have the same moment before them. */
  function planNextState(): void {
    clearTimeout(due);
    const p = poll.value;
    if (!p || p.state === 'ended' || !shown) return;
    const at = Date.parse(p.state === 'upcoming' ? p.starts_at : p.ends_at);
    const wait = Math.max(at - (Date.now() + offset), 0) + 300 + Math.random() * 2500;
    if (wait < 2 ** 31) due = setTimeout(reload, wait);
  }

  /* ---- live results ---- */

  function watchResults(): void {
    stopLive?.();
    stopLive = null;
    live.value = 'off';
    if (!shown || !poll.value || poll.value.state === 'ended') return;
    const state = (next: LiveState) => (live.value = next);
    // #ifdef H5
    if (typeof EventSource === 'function') {
      const apply = (results: Results) => {
        if (!poll.value) return;
        const before = poll.value.state;
        poll.value = withResults(poll.value, results);
        if (poll.value.state !== before) {
          clearTimeout(due); // everybody heard this at once
          due = setTimeout(reload, Math.random() * 3000);
        }
      };
      const url = `${api.base()}${path()}/live`;
      stopLive = liveByEvents(url, { results: apply, state, resumed: catchUp }, EventSource);
      return;
    }
    // #endif
    stopLive = liveByPolling(fetchQuietly, { state });
  }

  /** After a gap, without opening the stream anew. */
  const catchUp = () => void fetchQuietly().catch(() => undefined);

  async function fetchQuietly(): Promise<void> {
    const before = poll.value?.state;
    await fetchPoll();
    if (poll.value?.state !== before) watchResults();
  }

  /* ---- choosing and voting ---- */

  function toggle(option: string): void {
    if (!canChoose.value || sending.value || unconfirmed.value) return;
    message.value = null;
    if (poll.value?.choice !== 'multiple') {
      chosen.value = [option];
    } else if (chosen.value.includes(option)) {
      chosen.value = chosen.value.filter((other) => other !== option);
    } else if (chosen.value.length >= max.value) {
      message.value = { kind: 'info', text: t('poll.at_most', { n: max.value }) };
    } else {
      chosen.value = [...chosen.value, option];
    }
  }

  async function vote(note: Message | null = null): Promise<void> {
    if (sending.value || !poll.value) return;
    if (!unconfirmed.value && chosen.value.length === 0) return;
    // Somebody of the staff may be a member besides; the server knows.
    if (poll.value.login_required && session.value?.kind === 'anon') {
      loginOpen.value = true;
      return;
    }
    sending.value = true;
    message.value = note;
    const options = ballots.pending(id.value)?.options ?? chosen.value;
    try {
      const answer = await ballots.send(id.value, options);
      const sawResults = visible.value;
      poll.value = withAnswer(poll.value, answer, options);
      chosen.value = [];
      unconfirmed.value = false;
      message.value = { kind: 'good', text: t('poll.thanks') };
      // Some see results only now; the stream opened before carries none.
      if (!sawResults) {
        await fetchPoll().catch(() => undefined);
        watchResults();
      }
    } catch (error) {
      refused(error, options);
    } finally {
      sending.value = false;
    }
  }

  function refused(error: unknown, options: string[]): void {
    if (error instanceof Unconfirmed) {
      unconfirmed.value = true;
      chosen.value = options;
      message.value = { kind: 'bad', text: t('poll.unconfirmed') };
      return;
    }
    unconfirmed.value = false;
    if (error instanceof Problem && error.code === 'vote.login_required') {
      message.value = { kind: 'info', text: t('poll.login_first') };
      loginOpen.value = true;
      return;
    }
    message.value = { kind: 'bad', text: explain(error) };
    // Limits, hours and options may be other than what is shown.
    if (error instanceof Problem) void fetchQuietly().catch(() => undefined);
  }

  /** A ballot from an earlier visit that was never answered. */
  async function resume(): Promise<void> {
    unconfirmed.value = true;
    chosen.value = ballots.pending(id.value)?.options ?? [];
    await vote({ kind: 'info', text: t('poll.resumed') });
  }

  async function loggedIn(): Promise<void> {
    loginOpen.value = false;
    message.value = null;
    await fetchPoll().catch(() => undefined); // a member has a limit of their own
    if (canChoose.value && chosen.value.length > 0) await vote();
  }

  /* ---- the page's life ---- */

  /** Also another poll than before, on the same page. */
  function open(pollId: string): void {
    if (shown) rest();
    id.value = pollId;
    poll.value = null;
    chosen.value = [];
    message.value = null;
    unconfirmed.value = false;
    loginOpen.value = false;
    phase.value = pollId === '' ? 'missing' : 'loading';
    if (shown && pollId !== '') void load();
  }

  function show(): void {
    if (shown) return;
    shown = true;
    ticking = setInterval(() => (now.value = Date.now() + offset), 1000);
    stopOnline = onOnline(reload);
    if (id.value) void load();
  }

  /** Hidden pages hold no line and ask for nothing. */
  function hide(): void {
    shown = false;
    clearInterval(ticking);
    stopOnline?.();
    rest();
  }

  function rest(): void {
    clearTimeout(due);
    stopLive?.();
    stopLive = null;
    live.value = 'off';
  }

  return {
    id, poll, phase, failure, chosen, sending, unconfirmed, message, loginOpen, live, now,
    max, visible, canChoose,
    open, show, hide, reload, toggle, vote, loggedIn,
  };
}
