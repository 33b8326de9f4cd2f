/* How a member is known to the server. A browser keeps the session's cookie, which
 * no script can read. The mini-program has no origin by which the server could
 * trust a cookie, so it carries the token itself. */

const STORE = 'token';

export function keepToken(token: string): void {
  // #ifndef H5
  uni.setStorageSync(STORE, token);
  // #endif
  // #ifdef H5
  void token;
  // #endif
}

export function dropToken(): void {
  // #ifndef H5
  uni.removeStorageSync(STORE);
  // #endif
}

export function tokenHeader(): Record<string, string> {
  // #ifdef H5
  return {};
  // #endif
  // #ifndef H5
  const token = uni.getStorageSync(STORE) as string;
  return token ? { authorization: `Bearer ${token}` } : {};
  // #endif
}
