// An authenticator of our own: RFC 6238 by node's crypto, independent of the server's.
import { createHmac } from 'node:crypto';

export function base32(text) {
  let held = 0, bits = 0;
  const out = [];
  for (const c of text) {
    held = (held << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c);
    bits += 5;
    if (bits >= 8) { bits -= 8; out.push((held >> bits) & 255); held &= (1 << bits) - 1; }
  }
  return Buffer.from(out);
}

/** The code of a base32 secret, `shift` steps from now. */
export function totp(secret, shift = 0) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + shift));
  const mac = createHmac('sha1', base32(secret)).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
