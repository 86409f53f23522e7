/// <reference types="vitest/config" />
import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

// What the server fills into the page; the development server of Vite does it with these values instead.
const page: Record<string, string> = {
  Lang: 'pt-BR',
  Theme: 'system',
  Title: 'Assistente',
  Slug: 'alfa',
  BrandCSS: '/p/alfa/brand.css',
  Color: '#0f766e',
  Icon: 'data:,',
  Manifest: '/p/alfa/manifest.webmanifest',
  Description: 'Assistente',
}
const fillPage: Plugin = {
  name: 'fill-page',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace(/\{\{\.(\w+)\}\}/g, (_, name: string) => page[name] ?? ''),
}
const server = process.env.AIHUB_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), tailwind(), fillPage],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // the first with light-dark(), which every colour is
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'console.html', 'gallery.html'],
      output: {
        // Libraries change rarely; in chunks of their own they stay in caches and out of the history of dist.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: 'markdown', test: /node_modules\/marked\// },
            // What the pages share in one chunk and each page's own in another: many small ones compress worse.
            // Dialogs, signing in and English are loaded when they are needed.
            {
              name: 'shared',
              test: /\/src\/(chat|net|shared)\/(?!en\.ts$|Login|Invite|Dialog|Field|.*\.css$)|preload-helper|zustand|buildLucideIconNode|lucide-react\/dist\/esm\/\w+\.mjs/,
            },
            { name: 'portal', test: /\/src\/portal\/(?!main|Dialogs|Forms|data|.*\.css$)/ },
            {
              name: 'console',
              test: /node_modules\/virtua\/|\/src\/(console|monitor)\/(?!(main|en)\.tsx?$|.*\.css$)/,
            },
            // What the pages of the administration have in common; each page is a chunk of its own.
            {
              name: 'admin',
              test: /\/src\/admin\/(Admin|Ask|Delete|Item|Link|parts|words|pt|en|rest|edit|useEdit|useRows)\.tsx?$/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': server,
      '^/p/[^/]+/(brand.css|logo|manifest)': server,
      '/ws': { target: server, ws: true },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
})
