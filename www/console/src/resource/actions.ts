/* What may be done to a row, from its page and from its line in the list. */
import { h } from 'vue'
import * as api from '../lib/api.ts'
import { fieldOf, hasTrait } from '../lib/schema.ts'
import type { Row, Schema, Transition } from '../lib/schema.ts'
import { t, tt } from '../i18n/index.ts'
import { router } from '../router/index.ts'
import { confirm, problemText, show, toast } from '../shell/feedback.ts'
import { useSession } from '../stores/session.ts'
import type { Can } from '../stores/session.ts'
import { wasAsked } from '../approval/approval.ts'
import { recordName, rowPath } from './record.ts'

export function allowedTransitions(schema: Schema, row: Row, can: Can): Transition[] {
    return (schema.transitions ?? []).filter((tr) => tr.from.includes(row.state) && can.do.includes(tr.name))
}

function fieldsText(schema: Schema, e: unknown): string {
    if (!(e instanceof api.Problem) || !Object.keys(e.fields).length) return problemText(e)
    return Object.entries(e.fields)
        .map(([k, m]) => {
            const f = fieldOf(schema, k.split('.')[0])
            return `${f ? tt(f.title) : k}: ${m}`
        })
        .join('; ')
}

const editPage = (resource: string, id: string) => {
    const dot = resource.indexOf('.')
    return { name: 'edit', params: { plugin: resource.slice(0, dot), resource: resource.slice(dot + 1), id } }
}

/* True when the row changed. */
export async function runTransition(
    resource: string, schema: Schema, row: Row, tr: Transition, missing: string[] = [],
): Promise<boolean> {
    const name = tt(tr.title)
    const state = tt(schema.states?.find((s) => s.name === tr.to)?.title) || tr.to
    const record = recordName(schema, row)
    if (missing.length) {
        const fields = missing.map((n) => tt(fieldOf(schema, n)?.title) || n).join(t('common.listSeparator'))
        if (await confirm({ title: t('detail.missingTitle', { name }), text: t('detail.missing', { fields }), ok: t('detail.goEdit') }))
            router.push(editPage(resource, row.id))
        return false
    }
    if (tr.confirm || tr.danger) {
        const yes = await confirm({
            title: t('detail.confirmTitle', { name }),
            text: t('detail.confirmText', { record, state }),
            ok: name,
            danger: tr.danger,
        })
        if (!yes) return false
    }
    try {
        const answer = await api.post(`${rowPath(resource, row.id)}/do/${tr.name}`, {}, { version: row.version, idempotencyKey: api.newKey() })
        if (!wasAsked(answer)) toast.ok(t('detail.moved', { name, record, state }))
        return true
    } catch (e) {
        if (e instanceof api.Problem && Object.keys(e.fields).length) toast.error(fieldsText(schema, e))
        else toast.problem(e)
        /* The row is not what the page thought: read it again. */
        return e instanceof api.Problem && (e.status === 409 || e.status === 412)
    }
}

function offerUndo(resource: string, id: string, name: string): void {
    const m = show('success', {
        duration: 8000,
        message: h('span', [
            t('common.deleted', { name }) + ' ',
            h(
                'button',
                {
                    type: 'button',
                    class: 'undo-button',
                    'data-test': 'undo',
                    onClick: async () => {
                        m.close()
                        try {
                            await api.post(`${rowPath(resource, id)}/restore`)
                            toast.ok(t('common.restored', { name }))
                            dispatchEvent(new CustomEvent('atrium:restored', { detail: resource }))
                        } catch (e) {
                            toast.problem(e)
                        }
                    },
                },
                t('common.undo'),
            ),
        ]),
    })
}

/* 'gone' when it is; 'asked' when others have to agree first. A soft delete can be taken back from the toast. */
export async function removeRow(resource: string, schema: Schema, row: Row): Promise<'gone' | 'asked' | ''> {
    const soft = hasTrait(schema, 'soft_delete')
    const name = recordName(schema, row)
    const yes = await confirm({
        title: t('list.deleteTitle', { name }),
        text: t(soft ? 'list.deleteSoft' : 'list.deleteHard'),
        ok: t('common.delete'),
        danger: true,
    })
    if (!yes) return ''
    try {
        if (wasAsked(await api.del(rowPath(resource, row.id), { version: row.version }))) return 'asked'
    } catch (e) {
        toast.problem(e)
        return ''
    }
    useSession().changed(resource)
    if (soft) offerUndo(resource, row.id, name)
    else toast.ok(t('common.deleted', { name }))
    return 'gone'
}
