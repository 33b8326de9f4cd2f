/* Live messages. The browser's EventSource reconnects by itself after a broken
 * connection (with Last-Event-ID) but gives up after an HTTP error: this takes
 * over then, with back-off, so that a 503 under load heals. */
import { resolve } from './base.ts'

export type LiveState = 'connecting' | 'open' | 'waiting' | 'closed'

export function subscribe(
    path: string,
    on: Record<string, (data: any) => void>,
    state: (s: LiveState) => void = () => {},
): () => void {
    let source: EventSource | null = null
    let timer = 0
    let delay = 1000
    let stopped = false

    function open(): void {
        state('connecting')
        source = new EventSource(resolve(path))
        source.onopen = () => {
            delay = 1000
            state('open')
        }
        source.onerror = () => {
            if (stopped) return
            if (source!.readyState !== EventSource.CLOSED) {
                state('connecting')
                return
            }
            state('waiting')
            timer = window.setTimeout(open, delay)
            delay = Math.min(delay * 2, 30_000)
        }
        for (const [name, fn] of Object.entries(on))
            source.addEventListener(name, (e) => {
                let data
                try {
                    data = JSON.parse((e as MessageEvent).data)
                } catch {
                    return
                }
                fn(data)
            })
    }
    open()
    return () => {
        stopped = true
        clearTimeout(timer)
        source?.close()
        state('closed')
    }
}
