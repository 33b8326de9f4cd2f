/* A list's search, filters, order and size live in its address, so that a link shows
 * the same list; the way through its pages is kept beside, by address. */
import type { LocationQuery } from 'vue-router'
import type { Field } from '../lib/schema.ts'
import type { FilterValues } from '../lib/filter.ts'

export interface ListState {
    q: string
    sort: string
    size: number
    filters: FilterValues
    /* The recycle bin instead of the list. */
    bin: boolean
}

export const SIZES = [20, 50, 100, 200]
const PAIRS = new Set(['int', 'money', 'percent', 'decimal', 'date', 'datetime', 'time'])
const LISTS = new Set(['enum', 'state', 'multi_enum'])

const one = (v: LocationQuery[string]) => String((Array.isArray(v) ? v[0] : v) ?? '')

export function readState(query: LocationQuery, fields: Field[], firstSort: string): ListState {
    const filters: FilterValues = {}
    for (const f of fields) {
        const text = one(query['f.' + f.name])
        if (!text) continue
        if (PAIRS.has(f.type)) {
            const pair = text.split('..').slice(0, 2)
            filters[f.name] = f.type === 'date' || f.type === 'datetime'
                ? pair.map((p) => (/^\d{4}-\d\d-\d\d$/.test(p) ? p : null))
                : f.type === 'decimal' || f.type === 'time'
                    ? pair.map((p) => (/^-?[\d.:]+$/.test(p) ? p : null))
                    : pair.map((p) => (/^-?\d+$/.test(p) ? Number(p) : null))
        } else filters[f.name] = LISTS.has(f.type) ? text.split(',') : text
    }
    const size = Number(one(query.size))
    return {
        q: one(query.q),
        sort: one(query.sort) || firstSort,
        size: SIZES.includes(size) ? size : SIZES[0],
        filters,
        bin: one(query.bin) === '1',
    }
}

export function writeState(s: ListState, fields: Field[], firstSort: string): Record<string, string> {
    const query: Record<string, string> = {}
    if (s.q) query.q = s.q
    if (s.bin) query.bin = '1'
    if (s.sort !== firstSort) query.sort = s.sort
    if (s.size !== SIZES[0]) query.size = String(s.size)
    for (const f of fields) {
        const v = s.filters[f.name]
        if (v === undefined) continue
        query['f.' + f.name] = Array.isArray(v) ? v.map((x) => x ?? '').join(PAIRS.has(f.type) ? '..' : ',') : String(v)
    }
    return query
}

/* Cursors of the pages gone through, by the list's address; the last is the page shown. */
const ways = new Map<string, string[]>()
export function wayOf(address: string): string[] {
    return ways.get(address) ?? ['']
}
export function keepWay(address: string, way: string[]): void {
    if (ways.size > 50) ways.clear()
    ways.set(address, way)
}
