/* The part of SortableJS that is used; it brings no types of its own. */
declare module 'sortablejs' {
    interface SortEvent {
        oldIndex?: number
        newIndex?: number
        item: HTMLElement
    }
    interface SortOptions {
        handle?: string
        animation?: number
        ghostClass?: string
        disabled?: boolean
        onEnd?: (e: SortEvent) => void
    }
    export default class Sortable {
        static create(el: HTMLElement, options: SortOptions): Sortable
        destroy(): void
    }
}
