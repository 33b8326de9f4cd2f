/* The one way to the server. Errors come as Problem (RFC 9457, see
 * docs/http-api.md); a 401 asks the session for a new log-in and tries again. */
import { resolve } from './base.ts'

export type Query = Record<string, string | number | boolean | null | undefined>

export interface RequestOptions {
    query?: Query
    body?: unknown
    /* Version of the row for If-Match. */
    version?: number | string | null
    idempotencyKey?: string
    signal?: AbortSignal
    /* The log-in calls: their 401 is an answer, not an expired session. */
    anonymous?: boolean
}

export class Problem extends Error {
    status: number
    code: string
    title: string
    detail: string
    fields: Record<string, string>
    requestId: string
    retryAfter: number

    constructor(status: number, body: Record<string, any> = {}, retryAfter = 0) {
        super(body.detail || body.title || body.code || `HTTP ${status}`)
        this.name = 'Problem'
        this.status = status
        this.code = body.code || ''
        this.title = body.title || ''
        this.detail = body.detail || ''
        this.fields = body.fields && typeof body.fields === 'object' ? body.fields : {}
        this.requestId = body.request_id || ''
        this.retryAfter = retryAfter
    }
}

const NETWORK = { code: 'network' }

interface Hooks {
    language: () => string
    /* Resolves to true when someone has logged in again. */
    unauthorized: () => Promise<boolean>
    /* Resolves to true when this person has proved once more who he is. */
    prove: () => Promise<boolean>
}
const hooks: Hooks = { language: () => 'zh', unauthorized: async () => false, prove: async () => false }
export function setApiHooks(h: Partial<Hooks>): void {
    Object.assign(hooks, h)
}

export function url(path: string, query?: Query): string {
    const pairs = Object.entries(query ?? {}).filter(([, v]) => v !== undefined && v !== null && v !== '')
    const text = pairs.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(String(v))}`).join('&')
    return resolve(path) + (text ? (path.includes('?') ? '&' : '?') + text : '')
}

/* For Idempotency-Key. crypto.randomUUID is absent on plain http. */
export function newKey(): string {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

async function problemOf(res: Response): Promise<Problem> {
    let body = {}
    try {
        if ((res.headers.get('content-type') ?? '').includes('json')) body = await res.json()
    } catch {
        /* A broken body leaves the status, which is enough. */
    }
    return new Problem(res.status, body, Number(res.headers.get('retry-after')) || 0)
}

async function send(method: string, path: string, o: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': hooks.language() }
    if (o.body !== undefined) headers['Content-Type'] = 'application/json'
    if (o.version !== undefined && o.version !== null) headers['If-Match'] = `"${o.version}"`
    if (o.idempotencyKey) headers['Idempotency-Key'] = o.idempotencyKey
    try {
        return await fetch(url(path, o.query), {
            method,
            headers,
            body: o.body === undefined ? undefined : JSON.stringify(o.body),
            credentials: 'same-origin',
            signal: o.signal,
        })
    } catch (e) {
        if ((e as Error).name === 'AbortError') throw e
        throw new Problem(0, NETWORK)
    }
}

async function call(method: string, path: string, o: RequestOptions): Promise<Response> {
    let res = await send(method, path, o)
    if (res.status === 401 && !o.anonymous && (await hooks.unauthorized())) res = await send(method, path, o)
    if (res.ok) return res
    const problem = await problemOf(res)
    if (problem.code !== 'reauth_required' || !(await hooks.prove())) throw problem
    res = await send(method, path, o)
    if (!res.ok) throw await problemOf(res)
    return res
}

async function json(method: string, path: string, o: RequestOptions = {}): Promise<any> {
    const res = await call(method, path, o)
    if (res.status === 204 || res.headers.get('content-length') === '0') return null
    const text = await res.text()
    if (!text) return null
    try {
        return JSON.parse(text)
    } catch {
        throw new Problem(res.status, { code: 'bad_answer' })
    }
}

export const get = (path: string, query?: Query, o: RequestOptions = {}) => json('GET', path, { ...o, query })
export const post = (path: string, body?: unknown, o: RequestOptions = {}) => json('POST', path, { ...o, body })
export const put = (path: string, body: unknown, o: RequestOptions = {}) => json('PUT', path, { ...o, body })
export const patch = (path: string, body: unknown, o: RequestOptions = {}) => json('PATCH', path, { ...o, body })
export const del = (path: string, o: RequestOptions = {}) => json('DELETE', path, o)

export interface StoredFile {
    id: string
    name: string
    type: string
    size: number
    url: string
}

/* Sends one file; XMLHttpRequest, because fetch tells no progress of uploads. */
export function upload(
    file: File,
    o: { use?: string; path?: string; progress?: (share: number) => void; signal?: AbortSignal } = {},
): Promise<StoredFile> {
    const attempt = () =>
        new Promise<StoredFile>((done, fail) => {
            const form = new FormData()
            if (o.use) form.append('use', o.use)
            form.append('file', file, file.name)
            const x = new XMLHttpRequest()
            x.open('POST', resolve(o.path ?? '/api/core/files'))
            x.setRequestHeader('Accept', 'application/json')
            x.setRequestHeader('Accept-Language', hooks.language())
            x.upload.onprogress = (e) => e.lengthComputable && o.progress?.(e.loaded / e.total)
            x.onload = () => {
                let body: any = {}
                try {
                    body = JSON.parse(x.responseText)
                } catch {
                    /* the status tells */
                }
                if (x.status >= 200 && x.status < 300 && body.id) done(body)
                else fail(new Problem(x.status, body, Number(x.getResponseHeader('retry-after')) || 0))
            }
            x.onerror = () => fail(new Problem(0, NETWORK))
            x.onabort = () => fail(new DOMException('aborted', 'AbortError'))
            o.signal?.addEventListener('abort', () => x.abort(), { once: true })
            x.send(form)
        })
    return attempt().catch(async (e) => {
        if (e instanceof Problem && e.status === 401 && (await hooks.unauthorized())) return attempt()
        throw e
    })
}

function fileNameOf(disposition: string): string {
    const coded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)
    if (coded) return decodeURIComponent(coded[1])
    return /filename="([^"]+)"/i.exec(disposition)?.[1] ?? ''
}

/* Fetches a file and hands it to the browser's downloads, under the server's name
 * for it or else `name`; what it resolves to is an answer without a file. Not a plain link: an
 * error would replace the page with JSON, and nothing would show that work goes on. */
export async function download(
    path: string,
    name: string,
    o: { query?: Query; signal?: AbortSignal; progress?: (bytes: number) => void } = {},
): Promise<any> {
    const res = await call('GET', path, { query: o.query, signal: o.signal })
    if (res.status === 202) return res.json() /* no file yet: others were asked */
    const given = fileNameOf(res.headers.get('content-disposition') ?? '')
    const parts: BlobPart[] = []
    let bytes = 0
    const reader = res.body!.getReader()
    for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        parts.push(value)
        bytes += value.length
        o.progress?.(bytes)
    }
    const blob = new Blob(parts, { type: res.headers.get('content-type') ?? 'application/octet-stream' })
    const a = document.createElement('a')
    a.href = URL.createObjectURL(blob)
    a.download = given || name
    document.body.append(a)
    a.click()
    a.remove()
    setTimeout(() => URL.revokeObjectURL(a.href), 60_000)
}
