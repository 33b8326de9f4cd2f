/* Who is logged in and what they may see. The session itself is the server's
 * HttpOnly cookie; this holds only what the screen needs. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import * as api from '../lib/api.ts'
import type { Schema, Title } from '../lib/schema.ts'

export interface Menu {
    id: string
    plugin: string
    parent?: string | null
    title: Title
    icon?: string
    resource?: string | null
    page?: string | null
    order?: number
}

export interface Can {
    read: boolean
    create: boolean
    update: boolean
    delete: boolean
    export: boolean
    import: boolean
    do: string[]
}

export interface Slot {
    at: string
    plugin: string
    title: Title
    module: string
    css?: string[]
}

export interface PluginPage extends Omit<Slot, 'at'> {
    id: string
}

export interface Bootstrap {
    user: { id: string; name: string }
    tenant: { slug: string; name: string }
    admin: boolean
    lang?: string
    version?: string
    menus: Menu[]
    resources: Record<string, { title: Title; can: Can }>
    pages: PluginPage[]
    slots: Slot[]
}

/* What a log-in answers: somebody, or the next step with its ticket. */
export interface LoginAnswer {
    user?: { id: string; name: string }
    step?: 'totp' | 'enrol' | 'password'
    ticket?: string
    secret?: string
    qr?: string
    recovery_codes?: string[]
}

/* Schemas hold what the tenant's people change: dictionaries and fields of their own. */
const SCHEMA_MS = 60_000
const IN_SCHEMAS = new Set(['core.custom_field', 'core.dictionary', 'core.role'])

const NOTHING: Can = { read: false, create: false, update: false, delete: false, export: false, import: false, do: [] }

export const useSession = defineStore('session', () => {
    const boot = shallowRef<Bootstrap | null>(null)
    const tenant = ref<{ slug: string; name: string } | null>(null)
    const schemas = new Map<string, { at: number; schema: Promise<Schema> }>()

    const user = computed(() => boot.value?.user ?? null)
    const admin = computed(() => !!boot.value?.admin)

    /* True when someone of the staff is logged in. Throws when the server cannot say. */
    async function ensure(): Promise<boolean> {
        if (boot.value) return true
        const who = await api.get('/api/core/session', {}, { anonymous: true }).catch((e) => {
            if (e.status === 401) return null /* a token that has died: nobody */
            throw e
        })
        tenant.value = who?.tenant ?? tenant.value
        if (who?.kind !== 'staff') return false
        await load()
        return true
    }

    async function load(): Promise<void> {
        const b: Bootstrap = await api.get('/api/console/bootstrap', {}, { anonymous: true })
        tenant.value = b.tenant
        schemas.clear()
        boot.value = b
    }

    async function login(credentials: Record<string, unknown>): Promise<LoginAnswer> {
        return api.post('/api/auth/login', credentials, { anonymous: true })
    }

    async function logout(): Promise<void> {
        await api.post('/api/auth/logout', undefined, { anonymous: true }).catch((e) => {
            if (e.status !== 401) throw e
        })
        forget()
    }

    function forget(): void {
        boot.value = null
        schemas.clear()
    }

    function can(resource: string): Can {
        return { ...NOTHING, ...boot.value?.resources?.[resource]?.can }
    }

    function schema(plugin: string, resource: string): Promise<Schema> {
        const key = `${plugin}/${resource}`
        const kept = schemas.get(key)
        if (kept && performance.now() - kept.at < SCHEMA_MS) return kept.schema
        const fresh = api.get(`/api/console/schema/${key}`)
        fresh.catch(() => schemas.delete(key))
        schemas.set(key, { at: performance.now(), schema: fresh })
        return fresh
    }

    /* A row was saved or deleted: what follows from it is asked for anew. */
    function changed(resource: string): void {
        if (IN_SCHEMAS.has(resource)) schemas.clear()
    }

    /* An expired session asks for a new log-in over the page, so that nothing on it
     * is lost; every request that met the 401 waits for the same answer. */
    const expired = ref(false)
    let waiting: Promise<boolean> | null = null
    let settle: (ok: boolean) => void = () => {}
    function unauthorized(): Promise<boolean> {
        if (!boot.value) return Promise.resolve(false)
        waiting ??= new Promise<boolean>((done) => {
            expired.value = true
            settle = (ok) => {
                expired.value = false
                waiting = null
                done(ok)
            }
        })
        return waiting
    }

    return {
        boot, tenant, user, admin, expired,
        ensure, load, login, logout, forget, can, schema, changed, unauthorized,
        settle: (ok: boolean) => settle(ok),
    }
})
