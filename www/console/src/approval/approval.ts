/* What the server says of approvals, and the words for it. */
import { h } from 'vue'
import { t } from '../i18n/index.ts'
import type { Field, Title } from '../lib/schema.ts'
import { isRef } from '../lib/schema.ts'
import { textOf } from '../resource/CellValue.ts'
import { router } from '../router/index.ts'
import { show } from '../shell/feedback.ts'

export interface Person { id: string; name: string }
export interface Item {
    id: string
    subject: string
    resource: string
    resource_title: Title
    row_id: string | null
    op: string
    op_title: Title
    status: string
    requester: Partial<Person>
    step: Title
    created_at: string
    deadline_at: string | null
    decided_at: string | null
}
export interface Seat { staff: Person | null; status: string; origin: string; comment: string | null; decided_at: string | null }
export interface Step {
    id: string
    title: Title
    status: string
    mode: 'any' | 'all'
    deadline_at: string | null
    decided_at: string | null
    seats: Seat[]
}
export interface Change { field: Field; before: any; after: any; changed: boolean }
export interface Approval extends Omit<Item, 'step'> {
    title: Title
    requester: Person
    problem: { detail: string; fields?: Record<string, string> } | null
    fields: Change[]
    labels: Record<string, string>
    steps: Step[]
    log: { at: string; who: Person | null; action: string; comment: string | null; other: Person | null }[]
    can: { decide: boolean; withdraw: boolean; remind: boolean; comment: boolean }
}

export const COLORS: Record<string, string> = {
    pending: 'orange', approved: 'green', rejected: 'red', withdrawn: 'grey', stale: 'grey', failed: 'red',
    active: 'orange', waiting: 'grey', void: 'grey', open: 'orange', transferred: 'grey', gone: 'grey',
}

/* A value as text; references by the names that came with the approval. */
export function valueText(f: Field, v: any, labels: Record<string, string>): string {
    if (v === null || v === undefined || v === '') return ''
    if (isRef(f)) return labels[String(v)] ?? String(v)
    return textOf(f, v)
}

/* True when the server did nothing but ask; it is said, with a way to the approval. */
export function wasAsked(answer: any): boolean {
    const a = answer?.approval
    if (!a?.id || !Array.isArray(a.approvers)) return false
    const names = a.approvers.map((p: Person) => p.name).slice(0, 3).join(t('common.listSeparator'))
    const m = show('success', {
        duration: 8000,
        message: h('span', { 'data-test': 'asked' }, [
            t('approval.asked', { names }) + ' ',
            h('button', {
                type: 'button', class: 'undo-button', 'data-test': 'asked-open',
                onClick: () => {
                    m.close()
                    router.push({ name: 'approval', params: { id: a.id } })
                },
            }, t('approval.open')),
        ]),
    })
    return true
}
