/* Loads a plugin's page at run time: an ES module from the plugin's ui/, at the
 * address the server gave (content-hashed), importing `vue`, `element-plus` and
 * `@atrium/shell` through the import map. It has the console's rights. */
import { markRaw } from 'vue'
import type { Component } from 'vue'
import { resolve } from '../lib/base.ts'

export const LOAD_TIMEOUT = 15_000

export class PluginLoadError extends Error {
    reason: 'timeout' | 'failed' | 'bad'
    constructor(reason: 'timeout' | 'failed' | 'bad', cause?: unknown) {
        super(reason, { cause })
        this.reason = reason
    }
}

const linked = new Set<string>()

/* The shell links the styles, because a module cannot under the CSP. A sheet that
 * does not come only costs looks. */
function link(href: string): Promise<void> {
    if (linked.has(href)) return Promise.resolve()
    linked.add(href)
    return new Promise((done) => {
        const el = document.createElement('link')
        el.rel = 'stylesheet'
        el.href = href
        el.onload = () => done()
        el.onerror = () => {
            console.warn('plugin style not loaded', href)
            linked.delete(href)
            el.remove()
            done()
        }
        document.head.append(el)
    })
}

/* Styles: those of the bootstrap, and those that the module names relative to itself
 * (`export const styles = ['vote.css']`). */
export async function loadPlugin(module: string, css: string[] = [], attempt = 0): Promise<Component> {
    const address = new URL(resolve(module), location.href)
    if (address.origin !== location.origin) throw new PluginLoadError('failed', 'other origin')
    /* A failed import stays failed under its address; the fragment makes it new. */
    if (attempt) address.hash = 'retry-' + attempt
    let timer = 0
    const timeout = new Promise<never>((_, fail) => {
        timer = window.setTimeout(() => fail(new PluginLoadError('timeout')), LOAD_TIMEOUT)
    })
    const work = (async () => {
        let m
        try {
            m = await import(/* @vite-ignore */ address.href)
        } catch (e) {
            throw new PluginLoadError('failed', e)
        }
        if (!m.default || !['object', 'function'].includes(typeof m.default)) throw new PluginLoadError('bad')
        const own = Array.isArray(m.styles) ? m.styles.map((s: string) => new URL(s, address).href) : []
        await Promise.all([...css.map((s) => new URL(resolve(s), location.href).href), ...own].map(link))
        return markRaw(m.default)
    })()
    try {
        return await Promise.race([work, timeout])
    } finally {
        clearTimeout(timer)
    }
}
