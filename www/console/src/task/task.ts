/* A task (core.task) watched until it is over. */
import { computed, onBeforeUnmount, ref, shallowRef } from 'vue'
import * as api from '../lib/api.ts'

export interface Task {
    id: string
    title: string
    kind: string
    state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
    total: number
    done: number
    failed: number
    error: string | null
    result: Record<string, any> | null
    file: string | null
}

export const isOver = (task: Task): boolean => task.state !== 'queued' && task.state !== 'running'
/* 0..100; null while nobody knows of how many. */
export const share = (task: Task): number | null =>
    task.state === 'done' ? 100 : task.total > 0 ? Math.min(100, Math.floor((100 * task.done) / task.total)) : null

const FIRST_MS = 300
const LAST_MS = 2000

/* Asks quickly at first, since most tasks are short, then every two seconds. A lost
 * answer is no end: the task goes on without us. */
export function useTask(ended?: (task: Task) => void) {
    const task = shallowRef<Task | null>(null)
    const problem = shallowRef<unknown>(null)
    const cancelling = ref(false)
    let timer = 0
    let wait = FIRST_MS
    let id = ''

    async function look(): Promise<void> {
        const mine = id
        try {
            const row: Task = await api.get(`/api/core/task/${mine}`)
            if (mine !== id) return
            task.value = row
            problem.value = null
            if (isOver(row)) {
                ended?.(row)
                return
            }
        } catch (e) {
            if (mine !== id) return
            problem.value = e
            if (e instanceof api.Problem && [403, 404].includes(e.status)) return
        }
        wait = Math.min(LAST_MS, wait * 1.4)
        timer = window.setTimeout(look, wait)
    }

    function watchTask(of: string): void {
        stop()
        id = of
        task.value = null
        cancelling.value = false
        wait = FIRST_MS
        look()
    }
    function stop(): void {
        clearTimeout(timer)
        id = ''
    }
    async function cancel(): Promise<void> {
        cancelling.value = true
        try {
            await api.post(`/api/core/task/${id}/do/cancel`)
        } catch (e) {
            /* 409: it was over in the meantime, which the next look shows. */
            if (!(e instanceof api.Problem && e.status === 409)) problem.value = e
        } finally {
            cancelling.value = false
        }
        clearTimeout(timer)
        wait = FIRST_MS
        if (id) look()
    }
    onBeforeUnmount(stop)
    return { task, problem, cancelling, over: computed(() => !!task.value && isOver(task.value)), watch: watchTask, stop, cancel }
}
