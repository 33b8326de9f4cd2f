/* What a page tells the shell: its breadcrumb, whose last part is also the
 * browser's title. */
import { shallowRef, watchEffect } from 'vue'
import type { RouteLocationRaw } from 'vue-router'

export interface Crumb {
    text: string
    to?: RouteLocationRaw
}

export const crumbs = shallowRef<Crumb[]>([])

export function useCrumbs(make: () => Crumb[]): void {
    watchEffect(() => (crumbs.value = make()))
}
