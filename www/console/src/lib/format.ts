/* Numbers, money, dates in the person's language. Times are UTC on the wire and
 * local on the screen. */
import { ref } from 'vue'

/* A ref, so that a page shows its numbers anew when the language changes. */
const locale = ref('zh-CN')
export function setLocale(lang: string): void {
    locale.value = lang === 'en' ? 'en-GB' : 'zh-CN'
}

/* Formatters are dear to make and a table asks for hundreds. */
const made = new Map<string, Intl.NumberFormat>()
function formatter(o: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
    const key = locale.value + JSON.stringify(o)
    let f = made.get(key)
    if (!f) made.set(key, (f = new Intl.NumberFormat(locale.value, o)))
    return f
}

export function number(v: unknown): string {
    const n = Number(v)
    return v === null || v === undefined || v === '' || Number.isNaN(n) ? '' : formatter().format(n)
}

/* Whole cents. */
export function money(v: unknown): string {
    if (v === null || v === undefined || v === '') return ''
    return formatter({ style: 'currency', currency: 'CNY', currencyDisplay: 'narrowSymbol' })
        .format(Number(v) / 100)
}

/* Whole hundredths of a percent. */
export function percent(v: unknown): string {
    if (v === null || v === undefined || v === '') return ''
    return formatter({ style: 'percent', maximumFractionDigits: 2 }).format(Number(v) / 10000)
}

export function share(part: number, whole: number): string {
    return formatter({ style: 'percent', maximumFractionDigits: 1 })
        .format(whole > 0 ? part / whole : 0)
}

const two = (n: number) => String(n).padStart(2, '0')

export function localDate(d: Date): string {
    return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
}

export function datetime(v: unknown, seconds = false): string {
    if (!v) return ''
    const d = new Date(String(v))
    if (Number.isNaN(d.getTime())) return String(v)
    return `${localDate(d)} ${two(d.getHours())}:${two(d.getMinutes())}` + (seconds ? ':' + two(d.getSeconds()) : '')
}

export function date(v: unknown): string {
    return v ? String(v).slice(0, 10) : ''
}

/* "3 minutes ago"; older than a month, the date. */
export function relative(v: unknown, now = Date.now()): string {
    if (!v) return ''
    const s = (new Date(String(v)).getTime() - now) / 1000
    const f = new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' })
    const a = Math.abs(s)
    if (a < 60) return f.format(Math.round(s), 'second')
    if (a < 3600) return f.format(Math.round(s / 60), 'minute')
    if (a < 86400) return f.format(Math.round(s / 3600), 'hour')
    if (a < 86400 * 30) return f.format(Math.round(s / 86400), 'day')
    return datetime(v)
}

export function bytes(v: unknown): string {
    let n = Number(v) || 0
    const units = ['B', 'KB', 'MB', 'GB', 'TB']
    let i = 0
    for (; n >= 1024 && i < units.length - 1; i++) n /= 1024
    return `${n < 10 && i > 0 ? n.toFixed(1) : Math.round(n)} ${units[i]}`
}

/* "UTC+8", for the label of inputs that take a local time. */
export function zone(d = new Date()): string {
    const m = -d.getTimezoneOffset()
    const abs = Math.abs(m)
    return `UTC${m < 0 ? '−' : '+'}${Math.floor(abs / 60)}${abs % 60 ? ':' + two(abs % 60) : ''}`
}

/* Local "2026-11-20" -> the instant that day begins, RFC 3339 in UTC. */
export function dayStart(day: string): string {
    const [y, m, d] = day.split('-').map(Number)
    return new Date(y, m - 1, d).toISOString().replace('.000', '')
}

export function nextDay(day: string): string {
    const [y, m, d] = day.split('-').map(Number)
    return localDate(new Date(y, m - 1, d + 1))
}
