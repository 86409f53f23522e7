import fs from 'node:fs'
import { defineConfig, type Plugin } from 'vite'

const here = (file: string) => new URL(file, import.meta.url).pathname

/** Leaves out of the shared dictionaries what neither the widget nor the components it shares ever say. */
const onlyUsedTexts = (): Plugin => {
  const sources = ['src/shared/Markdown.tsx', ...fs.readdirSync(here('src/widget')).map((f) => `src/widget/${f}`)]
  const used = new Set(
    sources.flatMap((f) => [...fs.readFileSync(here(f), 'utf8').matchAll(/\bt\.(\w+)/g)].map((m) => m[1])),
  )
  return {
    name: 'only-used-texts',
    enforce: 'post',
    transform(code, id) {
      if (!/\/src\/shared\/(pt|en)\.ts$/.test(id)) return
      const dictionary = this.parse(code)
        .body.flatMap((s) => (s.type === 'ExportNamedDeclaration' && s.declaration ? [s.declaration] : [s]))
        .flatMap((s) => (s.type === 'VariableDeclaration' ? s.declarations : []))
        .map((d) => d.init)
        .find((init) => init?.type === 'ObjectExpression')
      if (!dictionary) throw new Error(`${id}: no dictionary found`)
      const kept = dictionary.properties
        .filter((p) => p.type === 'Property' && p.key.type === 'Identifier' && used.has(p.key.name))
        .map((p) => code.slice(p.start, p.end))
      return { code: `${code.slice(0, dictionary.start)}{${kept.join(',')}}${code.slice(dictionary.end)}`, map: null }
    },
  }
}

// The widget's frame, built apart from the other pages: the same components, rendered by Preact, because a page that is
// loaded on other people's sites must be small.
export default defineConfig({
  publicDir: false,
  plugins: [onlyUsedTexts()],
  resolve: {
    alias: {
      'react/jsx-runtime': 'preact/jsx-runtime',
      react: here('src/widget/react.ts'),
      'lucide-react': here('src/widget/icons.tsx'),
    },
  },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // as the other pages
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['widget.html'],
      output: {
        entryFileNames: 'assets/widget-[hash].js',
        chunkFileNames: 'assets/widget-[name]-[hash].js',
        assetFileNames: 'assets/widget-[hash][extname]',
      },
    },
  },
})
