// The wire counts bytes of UTF-8; strings here are UTF-16.

const encoder = new TextEncoder()

export function byteLength(s: string): number {
  let n = s.length
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i)
    if (c < 0x80) continue
    if (c < 0x800) n += 1
    else if (c >= 0xd800 && c <= 0xdbff) {
      n += 2 // two units, four bytes
      i++
    } else n += 2
  }
  return n
}

/** The string's first n bytes; n must lie between two code points. */
export function headBytes(s: string, n: number): string {
  let bytes = 0
  for (let i = 0; i < s.length; i++) {
    if (bytes >= n) return s.slice(0, i)
    const c = s.codePointAt(i)!
    bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4
    if (c >= 0x10000) i++
  }
  return s
}

/** SHA-256 in hex, or undefined where the page is not served securely and the browser offers no digest. */
export async function sha256(s: string): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(s))
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
}
