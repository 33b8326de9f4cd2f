/* Condition trees of manifests (visible_if, required_if, read_only_if, rules), the same
 * as in core/config: ["==", field, value], ["!=", field, value], [">", field, value]
 * (also >=, <, <=), ["in", field, [values]], ["filled", field], ["and", ...], ["or", ...],
 * ["not", x]; a value may be {field: name} or {today: days}. Data, never text that is
 * run. An operator nobody knows makes the condition false. */
import { localDate } from './format.ts'

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

const NUMBER = /^-?\d+(\.\d+)?$/
const number = (v: unknown) => (typeof v === 'number' || (typeof v === 'string' && NUMBER.test(v)) ? Number(v) : null)

/* Numbers (decimals are texts), days, moments and times of day, each with its like; a
 * moment beside a day is its local day. null: not to be compared. */
function order(a: unknown, b: unknown): number | null {
    const x = number(a)
    const y = number(b)
    if (x !== null && y !== null) return x - y
    if (typeof a !== 'string' || typeof b !== 'string') return null
    if (a.length > 10 && b.length > 10) return new Date(a).getTime() - new Date(b).getTime()
    let left = a.length > 10 && b.length === 10 ? localDate(new Date(a)) : a
    if (left.length === 8 && b.length === 5) left = left.slice(0, 5)
    if (left.length !== b.length || left.length < 5) return null
    return left < b ? -1 : left > b ? 1 : 0
}

/* An empty field is neither more nor less than anything. */
function ordered(op: string, a: unknown, b: unknown): boolean {
    const n = order(a, b)
    if (n === null || Number.isNaN(n)) return false
    if (op.endsWith('=') && n === 0) return true
    return op[0] === '>' ? n > 0 : n < 0
}

/* What stands on the right: a value, another field's, or a day from today. */
function right(v: any, values: Values): unknown {
    if (v === null || typeof v !== 'object') return v
    if (v.field !== undefined) return values[v.field]
    const day = new Date()
    day.setDate(day.getDate() + Number(v.today ?? 0))
    return localDate(day)
}

/* Does the tree name one of these fields? */
export function concerns(c: Condition, names: Set<string>): boolean {
    const [op, ...args] = c
    if (op === 'and' || op === 'or' || op === 'not') return args.some((x) => concerns(x, names))
    return names.has(args[0]) || names.has(args[1]?.field)
}

export function holds(c: Condition | null | undefined, values: Values): boolean {
    if (!Array.isArray(c)) return false
    const [op, ...args] = c
    switch (op) {
        case '==':
            return same(values[args[0]], right(args[1], values))
        case '!=':
            return !same(values[args[0]], right(args[1], values))
        case '>':
        case '>=':
        case '<':
        case '<=':
            return ordered(op, values[args[0]], right(args[1], values))
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
