/* Lets a form know of uploads that are still running below it. */
import type { InjectionKey } from 'vue'

export interface Uploads {
    begin(): void
    end(): void
}

export const UPLOADS: InjectionKey<Uploads> = Symbol('uploads')
