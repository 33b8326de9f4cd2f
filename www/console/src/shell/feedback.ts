/* Toasts and questions. */
import { ElMessage } from 'element-plus'
import type { MessageHandler, MessageOptions } from 'element-plus'
import { shallowRef } from 'vue'
import { Problem } from '../lib/api.ts'
import { t } from '../i18n/index.ts'

/* A sentence for a person: the server's own text where there is one. */
export function problemText(e: unknown): string {
    if (e instanceof Problem) {
        if (e.code === 'network' || e.code === 'bad_answer') return t('error.' + e.code)
        const text = e.detail || e.title || `${t('error.unknown')} (HTTP ${e.status})`
        return e.retryAfter ? `${text}。${t('error.retryAfter', { n: e.retryAfter })}`.replace('。。', '。') : text
    }
    return (e as Error)?.message || t('error.unknown')
}

/* One toast of a kind at a time, below the header: the newest is what matters. */
const shown: Partial<Record<'success' | 'error', MessageHandler>> = {}
export function show(type: 'success' | 'error', options: MessageOptions): MessageHandler {
    shown[type]?.close()
    const mine = ElMessage({ type, offset: 56, ...options })
    shown[type] = mine
    return mine
}

export const toast = {
    ok(text: string): void {
        show('success', { message: text })
    },
    error(text: string): void {
        show('error', { message: text, duration: 6000, showClose: true })
    },
    problem(e: unknown): void {
        if ((e as Error)?.name === 'AbortError') return
        if (e instanceof Problem && e.status === 401) return /* the log-in dialog speaks */
        this.error(problemText(e))
    },
}

export interface Question {
    title: string
    text?: string
    ok?: string
    cancel?: string
    danger?: boolean
}

export const question = shallowRef<(Question & { answer: (yes: boolean) => void }) | null>(null)

/* Asks; a second question while one is open answers the first with no. */
export function confirm(q: Question): Promise<boolean> {
    question.value?.answer(false)
    return new Promise((done) => {
        const mine = {
            ...q,
            answer(yes: boolean) {
                if (question.value === mine) question.value = null
                done(yes)
            },
        }
        question.value = mine
    })
}
