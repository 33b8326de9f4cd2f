/* How much waits for one's own decision: the number in the head. Asked for when the
 * page is looked at, now and then while it is, and after each decision. */
import { ref } from 'vue'
import * as api from '../lib/api.ts'

export const waiting = ref(0)
export const waitingCapped = ref(false)
const EVERY_MS = 45_000
let timer = 0

export async function countTodo(): Promise<void> {
    try {
        const a = await api.get('/api/core/approval/todo', { limit: 1 }, { anonymous: true })
        waiting.value = a.count
        waitingCapped.value = a.count_capped
    } catch {
        /* The number is a courtesy: pages that fail say so themselves. */
    }
}

function look(): void {
    if (document.visibilityState === 'visible') countTodo()
}

export function watchTodo(): () => void {
    look()
    timer = window.setInterval(look, EVERY_MS)
    document.addEventListener('visibilitychange', look)
    return () => {
        clearInterval(timer)
        document.removeEventListener('visibilitychange', look)
    }
}
