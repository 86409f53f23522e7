import { api } from '../console/session'
import { ApiError } from '../net/api'
import type { Article } from './rest'

/** What the server makes articles of, and the size up to which it does. */
export const endings = ['.md', '.txt', '.pdf', '.csv']
export const maxFile = 10 * 1024 * 1024

/** Why a file need not be sent: it would be refused. */
export function unfit(file: Pick<File, 'name' | 'size'>): 'kind' | 'big' | 'empty' | undefined {
  if (!endings.some((e) => file.name.toLowerCase().endsWith(e))) return 'kind'
  if (file.size > maxFile) return 'big'
  if (file.size === 0) return 'empty'
  return undefined
}

/** How long the whole file may take, on a slow line too. */
const within = 5 * 60_000

/** Sends a file to become an article. `fetch` does not say how much of a body is sent; this does, as a part of one. */
export async function upload(file: File, onProgress: (part: number) => void): Promise<Article> {
  const token = await api.token()
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('POST', `/api/v1/knowledge/files?name=${encodeURIComponent(file.name)}`)
    x.timeout = within
    x.responseType = 'json'
    x.setRequestHeader('authorization', `Bearer ${token}`)
    x.setRequestHeader('content-type', 'application/octet-stream')
    x.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    x.onload = () => {
      const body: unknown = x.response
      if (x.status === 201) resolve(body as Article)
      else reject(new ApiError(x.status, (body as { code?: string } | null)?.code ?? 'internal'))
    }
    x.onerror = x.ontimeout = () => reject(new ApiError(0, 'offline'))
    x.send(file)
  })
}
