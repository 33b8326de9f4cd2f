import { shallowRef } from 'vue'

/* Set when the console cannot go on at all; App shows it instead of everything. */
export const fatal = shallowRef<Error | null>(null)
