/* Checks a form against the schema before it is sent, with the same rules as
 * the server's validator. The server decides; this only saves a round trip. Keys
 * are the server's: "title", "options.1.title". */
import { holds, isFilled } from './condition.ts'
import { childFields } from './schema.ts'
import type { Field, Row } from './schema.ts'

export type Errors = Record<string, string>
/* Makes a sentence of a rule's name and its numbers. */
export type Say = (rule: string, args?: Record<string, any>) => string

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
const PHONE = /^(1[3-9]\d{9}|\+[1-9]\d{6,14})$/
const COLOR = /^#[0-9a-fA-F]{6}$/
const LINK = /^https?:\/\/[^\s/$.?#][^\s]*$/i

export const isVisible = (f: Field, values: Row) => !f.visible_if || holds(f.visible_if, values)
export const isRequired = (f: Field, values: Row) =>
    !!f.required || (!!f.required_if && holds(f.required_if, values))
export const isReadOnly = (f: Field, values: Row) =>
    !!f.read_only || (!!f.read_only_if && holds(f.read_only_if, values))

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
            return PHONE.test(v) ? '' : say('phone')
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

export function validate(fields: Field[], values: Row, say: Say, prefix = ''): Errors {
    const errors: Errors = {}
    for (const f of fields) {
        if (f.hidden || !isVisible(f, values) || isReadOnly(f, values)) continue
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
                Object.assign(errors, validate(childFields(f), row, say, `${key}.${i}.`)),
            )
        } else if (f.type === 'multi_enum') {
            const message = list(f, v, say)
            if (message) errors[key] = message
        } else {
            const message = scalar(f, v, values, say)
            if (message) errors[key] = message
        }
    }
    return errors
}
