// The one script of a host's page: the launcher, the frame it opens, and the function IXCHub(…). It must survive
// whatever the page does: hostile style sheets, a strict policy, Trusted Types, pages that replace their own body.
// Until a person shows interest it makes no request, stores nothing and opens no socket.
import { greeting, type ToFrame, type ToHost } from './wire'

/** The keys that this page's origin may use, each with its colour; "*" if the server could not tell. It writes them. */
declare const IXCHUB_KEYS: string

type Call = [name: string, ...args: never[]]
type Hub = { (...call: Call): unknown; q?: Call[]; live?: boolean }
type Watcher = { onclose: () => void; destroy(): void }

const style = `
button{all:unset;cursor:pointer}
.l{display:grid;place-items:center;width:56px;height:56px;border-radius:50%;background:var(--c);color:oklch(from var(--c) clamp(0,(.7 - l)*999,1) 0 0);box-shadow:0 8px 28px #0004;border:2px solid transparent}
svg{width:27px;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linejoin:round}
:focus-visible{outline:3px solid var(--c);outline-offset:3px;box-shadow:0 0 0 3px #fff}
b{position:absolute;top:-4px;right:-4px;min-width:22px;border-radius:11px;background:#b91c1c;color:#fff;font:12px/22px system-ui;text-align:center;pointer-events:none}
[hidden]{display:none!important}
iframe,p{position:fixed;right:var(--r);left:var(--l);bottom:calc(var(--y) + 76px);border:0;border-radius:16px;box-shadow:0 8px 28px #0004;background:#fff;color-scheme:normal}
iframe{width:min(390px,100vw - 40px);height:min(680px,100dvh - 112px)}
p{margin:0;display:flex;color:#222;max-width:300px;font:15px/22px system-ui}
p button{padding:12px}
@media(max-width:480px){iframe{inset:0;width:100%;height:100dvh;border-radius:0}}`

const ending = '{"t":"end"}'
const shapes = ['M12 4a8 8 0 0 0-7 12l-1 4 4-1a8 8 0 1 0 4-15z', 'M6 9l6 6 6-6']

const start = () => {
  const w = window as unknown as { IXCHub?: Hub; CloseWatcher?: new () => Watcher; navigation?: EventTarget }
  const page = document
  const html = page.documentElement
  const script = (page.currentScript ?? page.querySelector('script[data-key]')) as HTMLScriptElement
  const option = script.dataset
  const hub = new URL(script.src).origin
  const key = option.key ?? ''
  const say = (what: string) => `IXC AI Hub: ${what} (${hub}/widget/docs)`
  if (w.IXCHub?.live) return console.warn(say('already on this page'))

  const early = w.IXCHub?.q ?? []
  let allowed = IXCHUB_KEYS.split(',').find((k) => k === '*' || k.startsWith(`${key}:`))
  const small = matchMedia('(max-width:480px)')
  let { locale = '', theme = '' } = option
  let isOpen: boolean | undefined
  let unread = 0
  let frame: HTMLIFrameElement | undefined
  let port: MessagePort | undefined
  const waiting: string[] = []
  let giveUp: number
  let watcher: Watcher | undefined
  let before: HTMLElement
  /** A browser without close watchers has an entry in its history instead, from which Back leads here. */
  let entry = false
  let given: string | undefined

  // Listeners are the browser's own: a mistake in one of them hurts no other.
  const emit = (name: string, detail?: unknown) => dispatchEvent(new CustomEvent(`ixchub:${name}`, { detail }))

  // What is shown lives in a shadow root. An open one, because a closed one protects nothing.
  const host = page.createElement('ixc-hub')
  const root = host.attachShadow({ mode: 'open' })
  const sheet = (css: string) => {
    const s = new CSSStyleSheet()
    s.replaceSync(css)
    return s
  }
  const add = <K extends keyof HTMLElementTagNameMap>(tag: K, to: Node = root) =>
    to.appendChild(page.createElement(tag))
  const drawing = (tag: string) => page.createElementNS('http://www.w3.org/2000/svg', tag)
  const put = (name: string, value: string) => host.style.setProperty(name, value, 'important')
  const lock = sheet('html{overflow:hidden!important}')
  const launcher = add('button')
  const badge = add('b')
  const svg = launcher.appendChild(drawing('svg'))
  const shape = svg.appendChild(drawing('path'))

  const label = () => {
    const en = /^en/i.test(locale || html.lang || navigator.language)
    const news = unread ? `, ${unread} ${en ? 'new' : unread > 1 ? 'mensagens novas' : 'mensagem nova'}` : ''
    launcher.ariaLabel = (isOpen ? (en ? 'Close chat' : 'Fechar chat') : en ? 'Open chat' : 'Abrir chat') + news
    launcher.ariaExpanded = `${!!isOpen}`
    badge.textContent = unread > 9 ? '9+' : `${unread}`
    badge.hidden = !unread || launcher.hidden
    shape.setAttribute('d', shapes[+!!isOpen]!)
  }

  /** Puts the launcher beside the body and not into it: a page that replaces its body keeps the conversation. */
  const attach = () => host.isConnected || html.append(host)
  const attached = new MutationObserver(attach)

  const refuse = () => {
    attached.disconnect()
    host.remove()
    allowed = undefined
    emit('error', { code: 'origin_denied' })
    console.error(say(`key ${key} is switched off, or not for ${location.origin}`))
  }

  const post = (m: ToFrame) => {
    waiting.push(JSON.stringify(m))
    flush()
  }
  const flush = () => {
    while (port && waiting[0]) {
      const text = waiting.shift()!
      port.postMessage(text)
      // What comes after the end is for the next frame.
      if (text === ending) port = undefined
    }
  }
  const load = () => {
    if (frame) return
    const mine = page.createElement('iframe')
    frame = mine
    mine.hidden = !isOpen
    mine.title = 'Chat'
    mine.allow = 'clipboard-write'
    mine.src = `${hub}/widget.html?${new URLSearchParams({ k: key, l: locale || html.lang, t: theme })}`
    // Each document of the frame, also one that is loaded anew, gets a port of its own.
    mine.onload = () => {
      const { port1, port2 } = new MessageChannel()
      port = undefined
      clearTimeout(giveUp)
      giveUp = setTimeout(() => {
        close()
        gone()
        if (navigator.onLine) refuse()
      }, 5000)
      port1.onmessage = ({ data }: MessageEvent<ToHost>) => {
        if (data.t === 'ready') {
          clearTimeout(giveUp)
          port = port1
          if (isOpen) tell()
          flush()
        } else if (data.t === 'close') close()
        else if (data.t === 'ended') gone()
        else {
          if (data.name === 'unread') {
            unread = data.detail as number
            label()
          }
          emit(data.name, data.detail)
        }
      }
      mine.contentWindow!.postMessage(greeting, hub, [port2])
    }
    const gone = () => {
      mine.remove()
      frame = port = undefined
      if (isOpen) load()
    }
    root.append(mine)
  }
  /** Tells where the person is, without what may be secret in an address, and only while the chat is open. */
  const context = (say?: object) => {
    given = JSON.stringify(say) ?? given
    if (isOpen) post({ t: 'context', page: location.origin + location.pathname, title: page.title, data: given })
  }
  const tell = () => {
    post({ t: 'open', full: small.matches, notice: option.consent === 'required' })
    context()
  }

  /** Shows a full screen or gives the page back. The phone's Back then closes the chat and not the page. */
  const cover = (on: boolean) => {
    page.body.inert = launcher.inert = on
    page.adoptedStyleSheets = on
      ? [...page.adoptedStyleSheets, lock]
      : page.adoptedStyleSheets.filter((s) => s !== lock)
    if (w.CloseWatcher) {
      watcher?.destroy()
      if (on) {
        watcher = new w.CloseWatcher()
        watcher.onclose = close
      }
    } else {
      if (on) history.pushState(history.state, '')
      else if (entry) history.back()
      entry = on
    }
  }
  const set = (on: boolean) => {
    if (on === !!isOpen) return
    isOpen = on
    if (on) {
      before = page.activeElement as HTMLElement
      boot()
      load()
      unread = 0
      if (port) tell()
    } else if (port) post({ t: 'close' })
    frame!.hidden = !on
    if (small.matches || !on) cover(on)
    label()
    if (!on) (launcher.hidden ? before : launcher).focus()
    emit(on ? 'open' : 'close')
  }
  const open = () => set(true)
  const close = () => set(false)
  const boot = () => {
    put('display', 'block')
    attach()
    attached.observe(html, { childList: true })
  }
  const hide = () => {
    close()
    put('display', 'none')
  }

  const commands: Record<string, (...args: never[]) => unknown> = {
    open,
    close,
    toggle: () => set(!isOpen),
    show: boot,
    hide,
    // Only the frame reaches what it stored, so one is loaded where there is none.
    shutdown: () => {
      hide()
      unread = 0
      label()
      load()
      post({ t: 'end' })
    },
    identify: (token: string) => {
      load()
      post({ t: 'identify', token })
    },
    context,
    locale: (l: string) => {
      locale = l
      label()
      if (frame) post({ t: 'locale', locale })
    },
    theme: (t: string) => {
      theme = t
      if (frame) post({ t: 'theme', theme })
    },
    ask: (text: string) => {
      open()
      post({ t: 'ask', text })
    },
  }
  const on = (name: string, f: (detail: unknown) => void) => {
    const own = f.bind(null) // refuses what is not a function
    const heard = (e: Event) => own((e as CustomEvent).detail)
    addEventListener(`ixchub:${name}`, heard)
    if (name === 'ready' && isOpen !== undefined) f(null)
    return () => removeEventListener(`ixchub:${name}`, heard)
  }
  const call: Hub = (name, ...args) => {
    try {
      if (name === 'on') return on(...(args as unknown as Parameters<typeof on>))
      if (allowed) return void commands[name]!(...args)
    } catch (e) {
      console.warn(say(`${name}: ${e}`))
    }
  }
  call.live = true
  w.IXCHub = call
  for (const c of early) if (c[0] === 'on') call(...c)
  if (!allowed) return refuse()

  const [, own] = allowed.split(':')
  const far = option.offsetX ?? 20
  const left = option.position === 'left'
  const color = option.color ?? `#${own ?? '0f766e'}`
  root.adoptedStyleSheets = [sheet(style)]
  put('all', 'initial')
  put('position', 'fixed')
  put('z-index', option.zIndex ?? '2147483000')
  put('--y', `${option.offsetY ?? 20}px`)
  put('bottom', 'var(--y)')
  put('--l', left ? `${far}px` : 'auto')
  put('--r', left ? 'auto' : `${far}px`)
  put('left', 'var(--l)')
  put('right', 'var(--r)')
  put('--c', color)
  svg.setAttribute('viewBox', '0 0 24 24')
  launcher.className = 'l'
  launcher.hidden = !/^(default)?$/.test(option.launcher ?? '')
  launcher.onclick = commands.toggle as () => void
  launcher.onpointerenter = launcher.onfocus = load
  root.addEventListener('keydown', (e) => (e as KeyboardEvent).key === 'Escape' && close())
  page.addEventListener('click', (e) => {
    if (launcher.hidden && (e.target as Element).closest(option.launcher!)) set(!isOpen)
  })
  const moved = () => {
    if (entry) {
      entry = false
      close()
    }
    context()
  }
  for (const how of ['popstate', 'hashchange']) addEventListener(how, moved)
  w.navigation?.addEventListener('navigatesuccess', () => context())
  label()
  boot()
  isOpen = false

  // What may come up by itself: nothing on a phone, and the bubble once a day.
  const at = option.openOn
  if (at && (at === location.hash || (+at && !small.matches))) setTimeout(open, +at * 1e3)
  for (const c of early) if (c[0] !== 'on') call(...c)
  emit('ready')

  try {
    const today = new Date().toDateString()
    if (option.greeting && !small.matches && localStorage.ixchub !== today) {
      localStorage.ixchub = today
      const bubble = add('p')
      for (const text of [option.greeting, '✕']) {
        const b = add('button', bubble)
        b.textContent = text
        b.onclick = () => {
          bubble.remove()
          if (text !== '✕') open()
        }
      }
    }
  } catch {
    // Without a storage the bubble would come up on every page.
  }
}
start()
