/* Shows the value behind a mask: asked of the server each time, which writes down who
 * looked, and why where the tenant wants to know. */
import { shallowRef } from 'vue'
import * as api from '../lib/api.ts'
import type { Field } from '../lib/schema.ts'
import { toast } from '../shell/feedback.ts'
import { rowPath } from './record.ts'

export interface Asking {
    field: Field
    error: string
    /* null: never mind */
    answer: (reason: string | null) => void
}
export const asking = shallowRef<Asking | null>(null)

function askReason(field: Field, error: string): Promise<string | null> {
    asking.value?.answer(null)
    return new Promise((done) => {
        const mine: Asking = {
            field, error,
            answer(reason) {
                if (asking.value === mine) asking.value = null
                done(reason)
            },
        }
        asking.value = mine
    })
}

/* undefined: refused or given up, and said so. */
export async function reveal(resource: string, id: string, field: Field): Promise<string | undefined> {
    let reason: string | undefined
    for (;;) {
        try {
            const found = await api.post(`${rowPath(resource, id)}/reveal`, { fields: [field.name], reason })
            return String(found[field.name] ?? '')
        } catch (e) {
            const problem = e instanceof api.Problem ? e : null
            if (problem?.code === 'reauth_required') return undefined
            if (!problem?.fields.reason) {
                toast.problem(e)
                return undefined
            }
            const given = await askReason(field, reason === undefined ? '' : problem.fields.reason)
            if (given === null) return undefined
            reason = given
        }
    }
}
