/* Condition trees of manifests (visible_if, required_if, read_only_if), the same
 * as in core/config: ["==", field, value], ["!=", field, value], [">", field, number]
 * (also >=, <, <=), ["in", field,
 * [values]], ["filled", field], ["and", ...], ["or", ...], ["not", x]. Data, never
 * text that is run. An operator nobody knows makes the condition false. */

export type Condition = [string, ...any[]]
type Values = Record<string, any>

export function isFilled(v: unknown): boolean {
    if (v === undefined || v === null || v === '') return false
    return Array.isArray(v) ? v.length > 0 : true
}

function same(a: unknown, b: unknown): boolean {
    if (a === undefined || a === null) return b === undefined || b === null
    if (a === b) return true
    /* 64-bit numbers travel as strings. */
    return typeof a !== typeof b && typeof b !== 'boolean' && typeof a !== 'boolean' && String(a) === String(b)
}

/* An empty field is neither more nor less than anything. */
function ordered(op: string, a: unknown, b: unknown): boolean {
    if (typeof a !== 'number' || typeof b !== 'number') return false
    if (op.endsWith('=') && a === b) return true
    return op[0] === '>' ? a > b : a < b
}

export function holds(c: Condition | null | undefined, values: Values): boolean {
    if (!Array.isArray(c)) return false
    const [op, ...args] = c
    switch (op) {
        case '==':
            return same(values[args[0]], args[1])
        case '!=':
            return !same(values[args[0]], args[1])
        case '>':
        case '>=':
        case '<':
        case '<=':
            return ordered(op, values[args[0]], args[1])
        case 'in':
            return Array.isArray(args[1]) && args[1].some((v) => same(values[args[0]], v))
        case 'filled':
            return isFilled(values[args[0]])
        case 'and':
            return args.every((x) => holds(x, values))
        case 'or':
            return args.some((x) => holds(x, values))
        case 'not':
            return !holds(args[0], values)
        default:
            return false
    }
}
