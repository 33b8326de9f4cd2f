/* Casting a ballot so that it counts once, whatever the network does.
 *
 * Before anything is sent, the ballot and a fresh Idempotency-Key are written
 * down on the device. As long as no answer has come, every further attempt (by
 * itself, by the button, after the page was closed and opened again) sends the
 * same ballot with the same key, and the server gives the first answer again.
 * Any answer ends this: accepted or refused, the next ballot gets a new key. */
import { Problem, type Api } from '../lib/api';
import type { Answer } from './types';

export interface Pending {
  key: string;
  options: string[];
  at: number;
}

export interface Store {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  remove(name: string): void;
}

/** The ballot was sent and no answer came. It may or may not be counted. */
export class Unconfirmed extends Error {}

export interface Ballots {
  pending(poll: string): Pending | null;
  /** Sends what is pending, else a new ballot with these options. */
  send(poll: string, options: string[]): Promise<Answer>;
}

/** The server keeps answers for 24 hours; an older key would vote anew. */
const KEEP = 23 * 3600 * 1000;

export function createBallots(deps: {
  api: Api;
  store: Store;
  newKey(): string;
  now(): number;
}): Ballots {
  const name = (poll: string) => `ballot.${poll}`;

  function pending(poll: string): Pending | null {
    const stored = deps.store.get(name(poll)) as Pending | undefined | '';
    if (!stored || !stored.key || !Array.isArray(stored.options)) return null;
    if (deps.now() - stored.at > KEEP) {
      deps.store.remove(name(poll));
      return null;
    }
    return stored;
  }

  async function send(poll: string, options: string[]): Promise<Answer> {
    let ballot = pending(poll);
    if (!ballot) {
      ballot = { key: deps.newKey(), options: [...options], at: deps.now() };
      deps.store.set(name(poll), ballot);
    }
    try {
      const answer = await deps.api.post<Answer>(
        `/api/vote/public/poll/${encodeURIComponent(poll)}/ballots`,
        { body: { options: ballot.options }, key: ballot.key },
      );
      deps.store.remove(name(poll));
      return answer;
    } catch (error) {
      if (isAnswer(error)) {
        deps.store.remove(name(poll));
        throw error;
      }
      throw new Unconfirmed(String(error));
    }
  }

  return { pending, send };
}

/** 4xx says for certain that this ballot is not counted. After a 5xx, a timeout
 * or "too many requests" the same ballot has to be sent again. */
function isAnswer(error: unknown): error is Problem {
  return (
    error instanceof Problem && error.status < 500 && error.status !== 429 && error.status !== 408
  );
}
