/* A sensitive call was refused because the last proof of who sits here is old: ask,
 * then send it again. Calls that are refused meanwhile wait for the same answer. */
import { ref } from 'vue'

export const proving = ref(false)
let waiting: Promise<boolean> | null = null
let settle: (ok: boolean) => void = () => {}

export function prove(): Promise<boolean> {
    waiting ??= new Promise<boolean>((done) => {
        proving.value = true
        settle = (ok) => {
            proving.value = false
            waiting = null
            done(ok)
        }
    })
    return waiting
}

export const proved = (ok: boolean): void => settle(ok)
