/* Texts in two languages. Of our own, because interpolation by vue-i18n does not
 * work in the mini-program. */
import { ref } from 'vue';
import zh from '../i18n/zh';
import en from '../i18n/en';

export type Lang = 'zh' | 'en';
export type Key = keyof typeof zh;
export type Params = Record<string, string | number>;

const dictionaries: Record<Lang, Record<string, string>> = { zh, en };

export const lang = ref<Lang>('zh');

/** The text of `key`; `{name}` is replaced. Where `n` is 1 a text named
 * `key_one` is preferred: English has a singular. */
export function t(key: Key, params?: Params): string {
  const texts = dictionaries[lang.value];
  const one = params?.n === 1 ? texts[`${key}_one`] : undefined;
  const text = one ?? texts[key] ?? dictionaries.zh[key] ?? key;
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in params ? String(params[name]) : whole,
  );
}

/** From what a browser or WeChat says of itself: "zh-CN", "zh_TW", "en-US". */
export function pickLang(tag: string | undefined): Lang {
  return tag && !/^zh/i.test(tag) ? 'en' : 'zh';
}
