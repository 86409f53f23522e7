import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const binary = fileURLToPath(new URL('.build/aihub', import.meta.url))

/** Builds the program once before the tests. */
export default function build() {
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: root, stdio: 'inherit' })
}
