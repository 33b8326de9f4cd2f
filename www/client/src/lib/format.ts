/* Numbers and times for people. By hand: the mini-program's Intl is not to be
 * relied on. */
import { lang, t } from './i18n';

export function number(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** One decimal below a hundred, so that small shares do not all read 0 %. */
export function share(count: number, total: number): string {
  if (total <= 0) return '0%';
  const tenths = Math.round((count / total) * 1000);
  return tenths % 10 === 0 ? `${tenths / 10}%` : `${(tenths / 10).toFixed(1)}%`;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const two = (n: number) => String(n).padStart(2, '0');

/** In the reader's time zone; the year only when it is not this one. */
export function dateTime(ms: number, now: number): string {
  const d = new Date(ms);
  const year = d.getFullYear() !== new Date(now).getFullYear();
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (lang.value === 'zh') {
    const day = `${d.getMonth() + 1}月${d.getDate()}日`;
    return `${year ? `${d.getFullYear()}年` : ''}${day} ${clock}`;
  }
  return `${d.getDate()} ${MONTHS[d.getMonth()]}${year ? ` ${d.getFullYear()}` : ''}, ${clock}`;
}

/** What is left until a moment. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(s / 86400);
  const clock = `${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return days > 0 ? t('time.days', { n: days, clock }) : clock;
}

/** 138****0000; what the server already masked stays as it is. */
export function maskPhone(phone: string): string {
  return phone.includes('*') ? phone : phone.replace(/^(.{3}).+(.{4})$/, '$1****$2');
}
