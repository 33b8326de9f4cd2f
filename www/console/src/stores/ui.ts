/* What a person likes on this device: theme, density, sidebar. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'

export type Theme = 'auto' | 'light' | 'dark'
export type Density = 'compact' | 'regular' | 'loose'

function kept<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
    const v = localStorage.getItem('atrium.' + key) as T | null
    return v && allowed.includes(v) ? v : fallback
}

export const useUi = defineStore('ui', () => {
    const theme = ref(kept<Theme>('theme', ['auto', 'light', 'dark'], 'auto'))
    const density = ref(kept<Density>('density', ['compact', 'regular', 'loose'], 'regular'))
    const collapsed = ref(kept('sidebar', ['open', 'closed'] as const, 'open') === 'closed')
    const dark = ref(false)
    const system = matchMedia('(prefers-color-scheme: dark)')

    function apply(): void {
        dark.value = theme.value === 'dark' || (theme.value === 'auto' && system.matches)
        document.documentElement.classList.toggle('dark', dark.value)
        document.documentElement.dataset.density = density.value
    }
    system.addEventListener('change', apply)
    watch([theme, density, collapsed], () => {
        localStorage.setItem('atrium.theme', theme.value)
        localStorage.setItem('atrium.density', density.value)
        localStorage.setItem('atrium.sidebar', collapsed.value ? 'closed' : 'open')
        apply()
    })
    apply()
    return { theme, density, collapsed, dark }
})
