import { defineConfig } from 'vite'

// The widget's loader: one classic script without imports, which the server serves as /widget.js.
export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2022',
    emptyOutDir: false,
    lib: { entry: 'src/widget/loader.ts', formats: ['iife'], name: 'loader', fileName: () => 'widget.js' },
  },
})
