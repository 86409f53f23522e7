// What a person of the staff has chosen on this device. Everything that makes noise is off until asked for.

const on = (name: string) => localStorage.getItem(name) === '1'
const set = (name: string, value: boolean) => localStorage.setItem(name, value ? '1' : '0')

export const notifying = () => on('notify') && globalThis.Notification?.permission === 'granted'
export const sounding = () => on('sound')
/** Single-key shortcuts are on unless turned off: some people's tools type letters by themselves. */
export const keysOn = () => localStorage.getItem('keys') !== '0'

export const setSounding = (value: boolean) => set('sound', value)
export const setKeysOn = (value: boolean) => set('keys', value)

/** Turns browser notifications on or off; false when the browser refuses. */
export async function setNotifying(value: boolean): Promise<boolean> {
  if (value && (await globalThis.Notification?.requestPermission()) !== 'granted') return false
  set('notify', value)
  return true
}

/** Draws the person's attention, as far as they wish. `tag` replaces an earlier notice about the same thing. */
export function attract(text: string, tag: string, onClick: () => void) {
  if (sounding()) chime()
  if (!notifying() || !document.hidden) return
  const n = new Notification(text, { tag })
  n.onclick = () => {
    window.focus()
    onClick()
    n.close()
  }
}

/** Two short tones. */
function chime() {
  const audio = new AudioContext()
  const volume = audio.createGain()
  volume.gain.value = 0.05
  volume.connect(audio.destination)
  for (const [at, pitch] of [
    [0, 660],
    [0.14, 880],
  ] as const) {
    const tone = audio.createOscillator()
    tone.frequency.value = pitch
    tone.connect(volume)
    tone.start(audio.currentTime + at)
    tone.stop(audio.currentTime + at + 0.12)
  }
  setTimeout(() => void audio.close(), 600)
}
