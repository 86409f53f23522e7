import { Component, type ReactNode } from 'react'
import { t } from './i18n'
import { Button } from './ui'

/** Stands where a page failed to draw itself, so that a fault is a sentence and a button instead of an empty screen. */
export class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    if (!this.state.failed) return this.props.children
    return (
      <main role="alert" className="grid min-h-dvh place-items-center px-4 text-center">
        <div>
          <p>{t.errors.other}</p>
          <Button className="mt-4" onClick={() => location.reload()}>
            {t.reload}
          </Button>
        </div>
      </main>
    )
  }
}
