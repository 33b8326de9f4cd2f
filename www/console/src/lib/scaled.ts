/* Text <-> whole numbers with `digits` implied decimals ("12.5" with 2 -> 1250). */

/* null when empty, a whole number, or the text itself when it is not one. */
export function parseScaled(text: string, digits: number): number | string | null {
    const s = text.trim().replace(/[,\s，]/g, '').replace(/[％%¥￥]/g, '').replace('。', '.')
    if (s === '') return null
    const m = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(s)
    if (!m) return text
    const fraction = (m[3] ?? '').replace(/0+$/, '')
    if (fraction.length > digits) return text
    const n = Number(m[1] + m[2] + fraction.padEnd(digits, '0'))
    return Number.isSafeInteger(n) ? n : text
}

export function printScaled(v: unknown, digits: number): string {
    if (v === null || v === undefined) return ''
    if (typeof v === 'string' && !/^[+-]?\d+$/.test(v)) return v
    const s = String(v)
    if (!digits) return s
    const sign = s.startsWith('-') ? '-' : ''
    const body = s.replace(/^[+-]/, '').padStart(digits + 1, '0')
    return `${sign}${body.slice(0, -digits)}.${body.slice(-digits)}`
}
