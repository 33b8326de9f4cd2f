/* From a row to what a form edits, and back to what is sent. */
import { localDate } from './format.ts'
import { childFields, isFile, isOwn, isRef, isSet } from './schema.ts'
import type { Field, Row, Schema } from './schema.ts'

/* Rows being edited carry a key for the screen; it is never sent. */
export const KEY = '__key'
let nextKey = 1

const idOf = (v: any) => (v && typeof v === 'object' ? (v.id ?? null) : (v ?? null))

function emptyOf(f: Field): any {
    /* What the server knows better is left to it; the day is shown. */
    if (f.default === '$today') return localDate(new Date())
    if (typeof f.default === 'string' && f.default.startsWith('$')) return null
    if (f.default !== undefined && f.default !== null) return structuredClone(f.default)
    if (isSet(f) || f.type === 'children') return []
    return f.type === 'bool' ? false : null
}

export function newChild(f: Field, from?: Row): Row {
    const row: Row = { [KEY]: nextKey++ }
    if (from?.id) row.id = from.id
    for (const c of childFields(f)) row[c.name] = from ? (from[c.name] ?? null) : emptyOf(c)
    return row
}

/* References and files stay objects while they are edited, so that their names
 * can be shown; `payload` sends the ids. */
export function initial(schema: Schema, row: Row | null): Row {
    const values: Row = {}
    for (const f of schema.fields) {
        if (f.hidden) continue
        if (f.type === 'children') {
            const rows: Row[] = row ? (row[f.name] ?? []) : []
            values[f.name] = rows.map((r) => newChild(f, r))
            /* A list that needs two starts with two. */
            if (!row) for (let i = 0; i < Math.min(f.min ?? 0, 5); i++) values[f.name].push(newChild(f))
        } else values[f.name] = row ? (valueOf(row, f.name) ?? emptyOf({ ...f, default: undefined })) : emptyOf(f)
    }
    return values
}

/* Fields of the tenant's own are named custom.x, and lie within `custom` on the wire. */
export function valueOf(row: Row, name: string): any {
    return isOwn(name) ? row.custom?.[name.slice(7)] : row[name]
}

function put(body: Row, name: string, v: any): void {
    if (isOwn(name)) body.custom = { ...(body.custom ?? {}), [name.slice(7)]: v }
    else body[name] = v
}

function sent(f: Field, v: any): any {
    if (f.type === 'refs' || f.type === 'images' || f.type === 'files') return (v as any[] | null)?.length ? v.map(idOf) : null
    if (isRef(f) || isFile(f)) return idOf(v)
    if (f.type === 'children')
        return (v as Row[]).map((row) => {
            const out: Row = row.id ? { id: row.id } : {}
            for (const c of childFields(f)) out[c.name] = sent(c, row[c.name])
            return out
        })
    if (v === '' || v === undefined) return null
    return v
}

/* The body for POST (`before` null: everything filled) or PATCH (what differs). */
export function payload(schema: Schema, values: Row, before: Row | null): Row {
    const body: Row = {}
    for (const f of schema.fields) {
        if (f.hidden || f.read_only || f.type === 'sequence' || !(f.name in values)) continue
        const v = sent(f, values[f.name])
        if (before) {
            if (JSON.stringify(v) !== JSON.stringify(sent(f, before[f.name]))) put(body, f.name, v)
        } else if (v !== null) put(body, f.name, v)
    }
    return body
}
