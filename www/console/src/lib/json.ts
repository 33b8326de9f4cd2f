/* JSON for reading: as usual, but what holds only plain values and fits stays on one line. */
const ROOM = 72

export function printJson(v: any, indent = ''): string {
    if (v === null || typeof v !== 'object') return JSON.stringify(v)
    const array = Array.isArray(v)
    const deeper = indent + '  '
    const parts = Object.entries(v).map(([k, x]) => ({
        key: array ? '' : JSON.stringify(k) + ': ', x, text: printJson(x, deeper),
    }))
    const [open, close] = array ? '[]' : '{}'
    if (!parts.length) return open + close
    const plain = parts.every(({ x }) => x === null || typeof x !== 'object')
    const line = open + parts.map((p) => p.key + p.text).join(', ') + close
    if (plain && line.length <= ROOM) return line
    return `${open}\n${parts.map((p) => deeper + p.key + p.text).join(',\n')}\n${indent}${close}`
}
