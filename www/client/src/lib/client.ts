/* The one api of this client: api.ts with the platform's parts put in. */
import { createApi } from './api';
import { apiBase } from './base';
import { lang } from './i18n';
import { kind } from './platform';
import { transport } from './transport';

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export const api = createApi({
  base: apiBase,
  headers: () => ({ 'accept-language': lang.value, 'x-atrium-client': kind() }),
  transport,
  sleep,
  random: Math.random,
  now: Date.now,
});
