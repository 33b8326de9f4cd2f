/* Checks a form against the schema before it is sent, with the same rules as
 * the server's validator. The server decides; this only saves a round trip. Keys
 * are the server's: "title", "options.1.title". */
import { concerns, holds, isFilled } from './condition.ts'
import { childFields, isSet } from './schema.ts'
import type { Field, Row, Rule } from './schema.ts'

export type Errors = Record<string, string>
/* Makes a sentence of a rule's name and its numbers. */
export type Say = (rule: string, args?: Record<string, any>) => string

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
/* Blanks, dashes and brackets are the server's to leave out. */
const PHONE = /^((\+?86|0086)?1[3-9]\d{9}|\+(?!86)[1-9]\d{6,14})$/
const DECIMAL = /^-?\d{1,18}(\.(\d+))?$/
const ID_NUMBER = /^[1-9]\d{5}(18|19|\d{2})\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]$/
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const COLOR = /^#[0-9a-fA-F]{6}$/
const LINK = /^https?:\/\/[^\s/$.?#][^\s]*$/i

export const isVisible = (f: Field, values: Row) => !f.visible_if || holds(f.visible_if, values)
export const isRequired = (f: Field, values: Row) =>
    (!!f.required && !(typeof f.default === 'string' && f.default.startsWith('$'))) ||
    (!!f.required_if && holds(f.required_if, values))
/* By the row as it is stored, as the server judges; a new one has none. */
export const isReadOnly = (f: Field, stored: Row | null | undefined) =>
    !!f.read_only || (!!f.read_only_if && !!stored && holds(f.read_only_if, stored))
export const storedChild = (stored: Row[] | null | undefined, row: Row): Row | null =>
    (row.id && stored?.find((r) => r.id === row.id)) || null

/* Characters as the server counts them: code points, not UTF-16 units. */
const length = (s: string) => [...s].length

function text(f: Field, v: string, say: Say): string {
    const n = length(v)
    if (f.max !== undefined && n > f.max) return say('max_length', { max: f.max, n })
    if (f.min !== undefined && n < f.min) return say('min_length', { min: f.min })
    if (f.pattern) {
        let re: RegExp | null = null
        try {
            re = new RegExp(`^(?:${f.pattern})$`, 'u')
        } catch {
            /* A POSIX class that JavaScript lacks: left to the server. */
        }
        if (re && !re.test(v)) return say('pattern')
    }
    return ''
}

/* The check character of GB 11643. */
const idNumberOk = (v: string) =>
    ID_NUMBER.test(v) && '10X98765432'[WEIGHTS.reduce((s, w, i) => s + w * Number(v[i]), 0) % 11] === v[17].toUpperCase()

function decimal(f: Field, v: unknown, say: Say): string {
    const m = DECIMAL.exec(String(v).trim())
    const scale = f.scale ?? 2
    if (!m || (m[2] ?? '').replace(/0+$/, '').length > scale) return say('scale', { n: scale })
    if (f.min !== undefined && Number(v) < f.min) return say('min', { min: f.min })
    return f.max !== undefined && Number(v) > f.max ? say('max', { max: f.max }) : ''
}

const pointOk = (p: any) =>
    typeof p?.lng === 'number' && typeof p?.lat === 'number' && Math.abs(p.lng) <= 180 && Math.abs(p.lat) <= 90

function scalar(f: Field, v: any, values: Row, say: Say): string {
    switch (f.type) {
        case 'int':
        case 'money':
        case 'percent': {
            const n = Number(v)
            if (!Number.isSafeInteger(n)) return say(f.type === 'int' ? 'number' : 'decimal')
            const unit = f.type === 'int' ? 1 : 100
            if (f.min !== undefined && n < f.min) return say('min', { min: f.min / unit })
            if (f.max !== undefined && n > f.max) return say('max', { max: f.max / unit })
            return ''
        }
        case 'email':
            return EMAIL.test(v) ? text(f, v, say) : say('email')
        case 'phone':
            return PHONE.test(String(v).replace(/[\s()-]/g, '')) ? '' : say('phone')
        case 'decimal':
            return decimal(f, v, say)
        case 'id_number':
            return idNumberOk(String(v).trim()) ? '' : say('id_number')
        case 'time': {
            const other = f.after ? values[f.after] : null
            return other && String(v) <= String(other) ? say('after', { field: f.after }) : ''
        }
        case 'point':
            return pointOk(v) ? '' : say('point')
        case 'address':
            return v.point && !pointOk(v.point) ? say('point') : ''
        case 'link':
            return LINK.test(v) ? text(f, v, say) : say('link')
        case 'color':
            return COLOR.test(v) ? '' : say('color')
        case 'date':
        case 'datetime': {
            const t = new Date(v).getTime()
            if (Number.isNaN(t)) return say('date')
            const other = f.after ? values[f.after] : null
            if (other && t <= new Date(other).getTime()) return say('after', { field: f.after })
            return ''
        }
        case 'json':
        case 'polygon':
            /* The editor keeps text that does not parse as a marked string. */
            return v && v.__invalid !== undefined ? say('json') : ''
        case 'enum':
            return (f.options ?? []).some((o) => o.value === v) ? '' : say('option')
        case 'text':
        case 'longtext':
        case 'richtext':
            return text(f, String(v), say)
        default:
            return ''
    }
}

function list(f: Field, v: any[], say: Say): string {
    if (f.min !== undefined && v.length < f.min) return say('min_items', { min: f.min })
    if (f.max !== undefined && v.length > f.max) return say('max_items', { max: f.max })
    return ''
}

export function validate(fields: Field[], values: Row, stored: Row | null, say: Say, prefix = ''): Errors {
    const errors: Errors = {}
    for (const f of fields) {
        if (f.hidden || !isVisible(f, values) || isReadOnly(f, stored)) continue
        const v = values[f.name]
        const key = prefix + f.name
        if (!isFilled(v)) {
            if (isRequired(f, values)) errors[key] = say('required')
            continue
        }
        if (f.type === 'children') {
            const message = list(f, v, say)
            if (message) errors[key] = message
            ;(v as Row[]).forEach((row, i) =>
                Object.assign(errors, validate(childFields(f), row, storedChild(stored?.[f.name], row), say, `${key}.${i}.`)),
            )
        } else if (isSet(f)) {
            const message = list(f, v, say)
            if (message) errors[key] = message
        } else if (f.masked && typeof v === 'string' && v.includes('*')) {
            /* A mask that was read and goes back as it is; the server knows. */
        } else {
            const message = scalar(f, v, values, say)
            if (message) errors[key] = message
        }
    }
    return errors
}

/* Rules between fields: of what is a value at all, and for a row that is there, of what
 * was changed. */
export function checkRules(rules: Rule[] | undefined, values: Row, changed: Set<string> | null, say: (r: Rule) => string): Errors {
    const errors: Errors = {}
    for (const r of rules ?? []) {
        if ((changed && !concerns(r.that, changed)) || holds(r.that, values)) continue
        for (const name of r.fields) errors[name] ??= say(r)
    }
    return errors
}
