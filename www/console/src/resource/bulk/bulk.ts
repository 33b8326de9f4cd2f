/* One change for many rows: what may be done, asking for it, what became of it. */
import * as api from '../../lib/api.ts'
import { hasTrait, resourcePath } from '../../lib/schema.ts'
import type { Field, Schema, Transition } from '../../lib/schema.ts'
import type { Can } from '../../stores/session.ts'

/* Rows by their names, or all that a list's filter finds. */
export interface Chosen {
    rows: Map<string, string>
    all: { filter: string; q: string } | null
}
export interface Change {
    action: 'update' | 'assign' | 'delete' | 'restore' | 'do'
    set?: Record<string, unknown>
    owner?: string
    dept?: string
    transition?: string
}
export interface Failure {
    id: string
    name: string
    why: string
}
export interface Outcome {
    done: number
    failures: Failure[]
    task: string
}

export const steps = (schema: Schema, can: Can): Transition[] => (schema.transitions ?? []).filter((tr) => can.do.includes(tr.name))

const NOT = new Set(['children', 'sequence', 'image', 'file', 'video', 'images', 'files', 'richtext', 'polygon'])
/* Fields that one value for many rows makes sense of. */
export const changeable = (schema: Schema): Field[] =>
    schema.fields.filter((f) => !f.hidden && !f.read_only && !f.computed && !NOT.has(f.type) && !(f as any).masked && !(f as any).unique)
export const assignable = (schema: Schema): ('owner' | 'dept')[] =>
    (['owned', 'dept'] as const).filter((x) => hasTrait(schema, x)).map((x) => (x === 'owned' ? 'owner' : 'dept'))

function why(problem: any): string {
    const fields = Object.values(problem?.fields ?? {}) as string[]
    return fields.length ? fields.join(' ') : problem?.detail || problem?.title || ''
}

export async function run(resource: string, chosen: Chosen, change: Change): Promise<Outcome> {
    const rows = chosen.all ? chosen.all : { ids: [...chosen.rows.keys()] }
    const answer = await api.post(`${resourcePath(resource)}/bulk`, { ...change, ...rows }, { idempotencyKey: api.newKey() })
    return {
        done: answer.done ?? 0,
        task: answer.task ?? '',
        failures: (answer.items ?? [])
            .filter((x: any) => !x.ok)
            .map((x: any) => ({ id: x.id, name: chosen.rows.get(x.id) ?? `#${x.id}`, why: why(x.error) })),
    }
}
