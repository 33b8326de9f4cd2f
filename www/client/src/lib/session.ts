/* Who is here. One state for all pages. */
import { ref } from 'vue';
import { api } from './client';
import { dropToken, keepToken } from './token';

export interface Session {
  kind: 'anon' | 'staff' | 'member';
  user: { id: string; name?: string; phone?: string } | null;
  tenant: { slug: string; name: string };
}

interface LogIn {
  token: string;
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

export async function logIn(phone: string, code: string): Promise<void> {
  const answer = await api.post<LogIn>('/api/auth/member/login', { body: { phone, code } });
  keepToken(answer.token);
  member.value = answer.user;
  await loadSession();
}

export async function logOut(): Promise<void> {
  await api.post('/api/auth/member/logout');
  dropToken();
  member.value = null;
  await loadSession();
}
