// What the loader in the host's page and the frame tell each other, over a port that only the two of them have.

/** The first message, posted to the window with the port; all else travels over the port. */
export const greeting = 'ixchub:port'

export type ToFrame =
  | { t: 'open'; full: boolean; notice: boolean }
  | { t: 'close' }
  | { t: 'identify'; token: string }
  | { t: 'context'; page: string; title: string; data?: string | undefined }
  | { t: 'locale'; locale: string }
  | { t: 'theme'; theme: string }
  | { t: 'ask'; text: string }
  | { t: 'end' }

export type ToHost = { t: 'ready' } | { t: 'close' } | { t: 'ended' } | { t: 'event'; name: string; detail: unknown }
