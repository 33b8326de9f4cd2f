/* Writes the filter grammar of docs/http-api.md from the values of the filter bar.
 * Values are quoted here and nowhere else. */
import type { Field } from './schema.ts'
import { isRef, isSet } from './schema.ts'
import { dayStart, nextDay } from './format.ts'

export type FilterValues = Record<string, any>

export function quote(v: string): string {
    return '"' + v.replace(/\\/g, '\\\\').replace(/"/g, '\\"') + '"'
}

function range(name: string, from: unknown, to: unknown): string {
    if (from !== '' && from != null && to !== '' && to != null) return `${name} between (${from}, ${to})`
    if (from !== '' && from != null) return `${name} >= ${from}`
    if (to !== '' && to != null) return `${name} <= ${to}`
    return ''
}

/* The condition for one field, or '' when its filter is empty. Ranges are arrays
 * [from, to]; a date range names whole days, its last day included. */
export function term(f: Field, v: any): string {
    if (v === undefined || v === null || v === '' || (Array.isArray(v) && !v.some((x) => x !== '' && x != null)))
        return ''
    if (isRef(f)) return `${f.name} = ${String(v)}`
    if (isSet(f)) return `${f.name} has (${(Array.isArray(v) ? v : String(v).split(/[,，]/)).map((x) => quote(String(x).trim())).join(', ')})`
    if (f.type === 'region') return `${f.name} under ${quote(String(v))}`
    switch (f.type) {
        case 'enum':
        case 'state': {
            const list = Array.isArray(v) ? v : [v]
            return list.length === 1 ? `${f.name} = ${quote(list[0])}` : `${f.name} in (${list.map(quote).join(', ')})`
        }
        case 'bool':
            return `${f.name} = ${v === true || v === 'true'}`
        case 'int':
        case 'money':
        case 'percent':
        case 'decimal':
            return range(f.name, v[0], v[1])
        case 'date':
        case 'time':
            return range(f.name, v[0], v[1])
        case 'datetime': {
            const parts = []
            if (v[0]) parts.push(`${f.name} >= ${dayStart(v[0])}`)
            if (v[1]) parts.push(`${f.name} < ${dayStart(nextDay(v[1]))}`)
            return parts.join(' and ')
        }
        default:
            return `${f.name} ${f.exact ? '=' : '~'} ${quote(String(v).trim())}`
    }
}

export function filterText(fields: Field[], values: FilterValues): string {
    return fields
        .map((f) => term(f, values[f.name]))
        .filter(Boolean)
        .join(' and ')
}
