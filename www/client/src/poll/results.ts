/* Putting news into a poll. Pure, so that the rules can be read and tested. */
import type { Answer, Poll, Results, State } from './types';

/** The server leaves counts out where they may not be seen. */
export function resultsVisible(poll: Poll): boolean {
  return poll.options.some((option) => typeof option.count === 'number');
}

/** The stream goes to everybody: it may change counts that one may see, and
 * never reveals them to one who may not. */
export function withResults(poll: Poll, results: Results): Poll {
  if (results.poll !== undefined && String(results.poll) !== poll.id) return poll;
  const next: Poll = { ...poll, state: later(poll.state, results.state) };
  if (!resultsVisible(poll) || !results.counts) return next;
  next.options = withCounts(poll, results.counts);
  next.total = grown(poll.total, results.total);
  next.voters = grown(poll.voters, results.voters);
  return next;
}

export function withAnswer(poll: Poll, answer: Answer, chosen: string[]): Poll {
  const next: Poll = {
    ...poll,
    left: answer.left,
    voted: [...new Set([...poll.voted, ...chosen])],
  };
  if (answer.counts) {
    next.options = withCounts(poll, answer.counts);
    next.total = grown(poll.total, answer.total);
  }
  return next;
}

/* Ballots are never taken back, so counts only grow: a message that was overtaken
 * by a newer answer must not make a number jump back. */
function withCounts(poll: Poll, counts: Record<string, number>) {
  return poll.options.map((option) => ({
    ...option,
    count: Math.max(option.count ?? 0, counts[option.id] ?? 0),
  }));
}

function grown(known: number | null | undefined, said: number | null | undefined) {
  return typeof said === 'number' ? Math.max(known ?? 0, said) : known;
}

/** A message that was under way does not open again what has ended. */
function later(known: State, said: State | undefined): State {
  const order: State[] = ['upcoming', 'open', 'ended'];
  return said !== undefined && order.indexOf(said) > order.indexOf(known) ? said : known;
}

/** Ballots. Shares are shares of these: in a poll with several choices they add up
 * to more than all, and each says how many of the voters chose that option. */
export function totalBallots(poll: Poll): number {
  return Math.max(poll.total ?? 0, ...poll.options.map((option) => option.count ?? 0));
}
