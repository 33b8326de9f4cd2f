/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Where the mini-program finds its tenant: https://host or https://host/t/<tenant>. */
  readonly VITE_API_BASE?: string;
}

declare module '*.vue' {
  import type { DefineComponent } from 'vue';
  const component: DefineComponent<object, object, unknown>;
  export default component;
}
