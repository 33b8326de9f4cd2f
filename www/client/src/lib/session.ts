/* Who is here. One state for all pages. */
import { ref } from 'vue';
import { api } from './client';

export interface Session {
  kind: 'anon' | 'staff' | 'member';
  user: { id: string; name?: string; phone?: string } | null;
  tenant: { slug: string; name: string };
}

export const session = ref<Session | null>(null);

export async function loadSession(): Promise<Session> {
  session.value = await api.get<Session>('/api/core/session');
  return session.value;
}

export const isMember = () => session.value?.kind === 'member';

export async function sendCode(phone: string): Promise<void> {
  await api.post('/api/auth/code', { body: { phone, purpose: 'member' } });
}

export async function logIn(phone: string, code: string): Promise<void> {
  await api.post('/api/auth/member/login', { body: { phone, code } });
  await loadSession();
}

export async function logOut(): Promise<void> {
  await api.post('/api/auth/member/logout');
  await loadSession();
}
