/* What the server says of a poll to the public; docs/http-api.md. */

export type State = 'upcoming' | 'open' | 'ended';

export interface Option {
  id: string;
  title: string;
  text?: string | null;
  picture_url?: string | null;
  video_url?: string | null;
  /** Only where results may be seen. */
  count?: number | null;
}

export interface Poll {
  id: string;
  name?: string;
  title: string;
  intro?: string | null;
  cover_url?: string | null;
  choice: 'single' | 'multiple';
  max_choices: number;
  period: 'day' | 'total';
  /** Ballots one may cast in a period; 0 or null: no limit. */
  per_period?: number | null;
  login_required: boolean;
  starts_at: string;
  ends_at: string;
  /** The server's clock at the answer. */
  now: string;
  state: State;
  options: Option[];
  total?: number | null;
  voters?: number | null;
  show_results?: 'always' | 'after_vote' | 'after_end' | 'never' | boolean;
  /** Ballots left in this period; null: no limit. */
  left: number | null;
  /** Options of the caller's own ballots. */
  voted: string[];
}

export interface Answer {
  ballot: string;
  left: number | null;
  total?: number | null;
  counts?: Record<string, number> | null;
}

/** One message of the live stream. */
export interface Results {
  poll: string;
  total?: number | null;
  voters?: number | null;
  counts?: Record<string, number> | null;
  state?: State;
}
