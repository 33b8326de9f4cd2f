/* The console's language: Chinese first, English; kept in localStorage and in
 * the cookie `lang`, which the server reads for its own texts. */
import { createI18n } from 'vue-i18n'
import { base } from '../lib/base.ts'
import { setLocale } from '../lib/format.ts'
import type { Title } from '../lib/schema.ts'
import en from './en.ts'
import zh from './zh.ts'

export type Lang = 'zh' | 'en'

const first: Lang = localStorage.getItem('atrium.lang') === 'en' ? 'en' : 'zh'

export const i18n = createI18n({
    legacy: false,
    locale: first,
    fallbackLocale: 'zh',
    messages: { zh, en },
})

export const lang = i18n.global.locale
export const t = i18n.global.t

export function setLang(l: Lang): void {
    lang.value = l
    setLocale(l)
    document.documentElement.lang = l === 'zh' ? 'zh-CN' : 'en'
    document.cookie = `lang=${l}; path=${base || ''}/; max-age=31536000; samesite=lax`
    localStorage.setItem('atrium.lang', l)
}

/* A manifest's {zh, en} in the person's language. */
export function tt(title: Title | string | null | undefined): string {
    if (!title) return ''
    if (typeof title === 'string') return title
    return title[lang.value as Lang] || title.zh || title.en || ''
}
