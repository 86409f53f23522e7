export type Theme = 'system' | 'light' | 'dark'

/** The server reads this cookie and writes the theme into the page, so that the first paint has it. */
export function setTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme
  setCookie('theme', theme)
}

export function pageTheme(): Theme {
  const theme = document.documentElement.dataset.theme
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

/** Keeps a preference for a year, for this site only. */
export function setCookie(name: string, value: string) {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in browsers we serve
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
}

export function cookie(name: string): string | undefined {
  return document.cookie
    .split('; ')
    .find((c) => c.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}
