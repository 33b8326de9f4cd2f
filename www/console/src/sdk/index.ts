/* @atrium/shell, version 1: what a plugin's page may use of the console. What is
 * here is promised: things are added in a minor version, none is changed or taken
 * away before the major one. Described in www/console/README.md. */
import { computed, readonly } from 'vue'
import type { ComputedRef } from 'vue'
import { RouterLink } from 'vue-router'
import EChart from '../components/EChart.vue'
import AppIcon from '../components/AppIcon.vue'
import StateTag from '../components/StateTag.vue'
import StateView from '../components/StateView.vue'
import { lang as current, tt } from '../i18n/index.ts'
import * as http from '../lib/api.ts'
import * as formats from '../lib/format.ts'
import { subscribe as open } from '../lib/sse.ts'
import { confirm as ask, problemText, toast as show } from '../shell/feedback.ts'
import { useSession } from '../stores/session.ts'

export const version = '1.0'

/* HTTP below the tenant's base. get(path, query), post/patch(path, body, options),
 * del(path, options), upload(file, options), download(path, name, options), url(path,
 * query), newKey(). Failures are `Problem`. Options: query, version (If-Match),
 * idempotencyKey, signal. */
export const api = Object.freeze({
    get: http.get,
    post: http.post,
    patch: http.patch,
    del: http.del,
    upload: http.upload,
    download: http.download,
    url: http.url,
    newKey: http.newKey,
})
export const Problem = http.Problem

/* "zh" or "en", reactive. */
export const lang = readonly(current)

/* Words of a plugin: messages({zh: {...}, en: {...}}) gives t(key, {name: value}) that
 * follows the language; {name} stands for a value. `title` picks from {zh, en}. */
export function messages(words: Record<string, Record<string, string>>) {
    return (key: string, values: Record<string, unknown> = {}): string => {
        const text = words[current.value]?.[key] ?? words.zh?.[key] ?? key
        return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole))
    }
}
export const title = tt

export const format = Object.freeze({
    number: formats.number,
    money: formats.money,
    percent: formats.percent,
    share: formats.share,
    date: formats.date,
    datetime: formats.datetime,
    relative: formats.relative,
    bytes: formats.bytes,
    zone: formats.zone,
})

/* subscribe(path, {event: (data) => …}, (state) => …) -> stop. Reconnects with back-off;
 * state is connecting, open, waiting or closed. */
export const subscribe = open

export const toast = Object.freeze({
    ok: (text: string) => show.ok(text),
    error: (text: string) => show.error(text),
    problem: (e: unknown) => show.problem(e),
})
export { problemText }
/* confirm({title, text, ok, cancel, danger}) -> Promise<boolean>. */
export const confirm = ask

/* Who is logged in, and what they may do: can('vote.poll').update. */
export const user: ComputedRef<{ id: string; name: string } | null> = computed(() => useSession().user)
export const can = (resource: string) => useSession().can(resource)

/* Where console pages are, for Link's `to`: list('vote.poll'), record('vote.poll', id). */
const split = (resource: string) => {
    const dot = resource.indexOf('.')
    return { plugin: resource.slice(0, dot), resource: resource.slice(dot + 1) }
}
export const routes = Object.freeze({
    list: (resource: string, query: Record<string, string> = {}) => ({ name: 'list', params: split(resource), query }),
    record: (resource: string, id: string) => ({ name: 'detail', params: { ...split(resource), id } }),
    page: (plugin: string, page: string) => ({ name: 'page', params: { plugin, page } }),
})

/* Components. Chart: option (ECharts), height, label. State: text, color. Message: icon,
 * title, hint, error, retry. Icon: name, size. */
export { RouterLink as Link, EChart as Chart, StateTag as State, StateView as Message, AppIcon as Icon }

export async function copyText(text: string): Promise<boolean> {
    if (navigator.clipboard && window.isSecureContext) {
        try {
            await navigator.clipboard.writeText(text)
            return true
        } catch {
            /* refused: the old way */
        }
    }
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'sr-only'
    document.body.append(area)
    area.select()
    const ok = document.execCommand('copy')
    area.remove()
    return ok
}
