/* What to say about a failure. */
import { Problem, Unreachable, Unset } from './api';
import { t } from './i18n';

/** The server's own words where it gave some. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable) return t('offline.title');
  if (error instanceof Unset) return t('error.unset');
  if (!(error instanceof Problem)) return t('error.text');
  const busy = error.status === 429 || error.status === 503;
  if (busy && error.retryAfter !== null) return t('error.busy', { n: error.retryAfter });
  return error.detail || Object.values(error.fields)[0] || t('error.text');
}
