/* Who is here. One state for all pages. */
import { ref } from 'vue';
import { api } from './client';
import { dropToken, keepToken } from './token';

export interface Session {
  kind: 'anon' | 'staff' | 'member';
  user: { id: string; name?: string; phone?: string } | null;
  tenant: { slug: string; name: string };
}

/** A current agreement that is asked for here. */
export interface Asked {
  version: string;
  code: string;
  accepted: boolean;
}

interface LogIn {
  token: string;
  agreements?: Asked[];
  user: { id: string; name?: string };
}

export const session = ref<Session | null>(null);

/** The member that is logged in. Somebody who is also logged in to the console is
 * "staff" to /api/core/session; what their log-in as a member said stays. */
export const member = ref<Session['user']>(null);

export async function loadSession(): Promise<Session> {
  const answer = await api.get<Session>('/api/core/session');
  session.value = answer;
  if (answer.kind === 'member') member.value = answer.user;
  if (answer.kind === 'anon') member.value = null;
  return answer;
}

export async function sendCode(phone: string): Promise<void> {
  await api.post('/api/auth/code', { body: { phone, purpose: 'member' } });
}

/** Who has proved who he is and has still to accept something. */
let arriving: Session['user'] = null;

async function arrive(): Promise<void> {
  member.value = arriving;
  await loadSession();
}

/** Gives what is still to be accepted; until then nobody counts as logged in here. */
export async function logIn(phone: string, code: string): Promise<Asked[]> {
  const answer = await api.post<LogIn>('/api/auth/member/login', { body: { phone, code } });
  keepToken(answer.token);
  arriving = answer.user;
  const asked = answer.agreements ?? [];
  if (asked.length === 0) await arrive();
  return asked;
}

export async function acceptAll(versions: string[]): Promise<void> {
  await api.post('/api/core/public/agreements/accept', { body: { versions } });
  await arrive();
}

export async function logOut(): Promise<void> {
  await api.post('/api/auth/member/logout');
  dropToken();
  member.value = null;
  await loadSession();
}
