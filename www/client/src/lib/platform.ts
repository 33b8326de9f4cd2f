/* The few things that differ between browser and mini-program and are not in a
 * component. */
import { lang, pickLang, type Lang } from './i18n';
import { apiBase } from './base';

export function kind(): 'h5' | 'pc' | 'mini' {
  // #ifdef H5
  return window.matchMedia('(hover: hover) and (min-width: 900px)').matches ? 'pc' : 'h5';
  // #endif
  // #ifndef H5
  return 'mini';
  // #endif
}

export function setTitle(title: string): void {
  // #ifdef H5
  document.title = title;
  // #endif
  // #ifndef H5
  uni.setNavigationBarTitle({ title });
  // #endif
}

/** The language chosen before, else the one of browser or WeChat. */
export function startLang(): void {
  const stored = uni.getStorageSync('lang') as Lang | '';
  let system: string | undefined;
  // #ifdef H5
  system = navigator.language;
  // #endif
  // #ifndef H5
  system = uni.getAppBaseInfo().language;
  // #endif
  applyLang(stored || pickLang(system));
}

export function chooseLang(next: Lang): void {
  uni.setStorageSync('lang', next);
  applyLang(next);
}

function applyLang(next: Lang): void {
  lang.value = next;
  // #ifdef H5
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
  // The server writes its messages in this language; EventSource and pictures
  // cannot carry a header.
  const path = new URL(apiBase()).pathname || '/';
  document.cookie = `lang=${next}; path=${path}; max-age=31536000; samesite=lax`;
  // #endif
}

/** Calls back when the network returns; gives the function that stops it. */
export function onOnline(back: () => void): () => void {
  // #ifdef H5
  window.addEventListener('online', back);
  return () => window.removeEventListener('online', back);
  // #endif
  // #ifndef H5
  const changed = (status: { isConnected: boolean }) => status.isConnected && back();
  uni.onNetworkStatusChange(changed);
  return () => uni.offNetworkStatusChange(changed);
  // #endif
}

/** Enough for a key that only has to be unlike every other: not a secret. */
export function newKey(): string {
  const bytes = new Uint8Array(16);
  if (typeof crypto === 'object' && crypto.getRandomValues) crypto.getRandomValues(bytes);
  else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return `${Date.now().toString(36)}-${hex}`;
}
