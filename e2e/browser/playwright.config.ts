import { defineConfig } from '@playwright/test'

// The built program in Debian's Chromium. Every test has a program, a model server and a data directory of its own, so
// nothing one test does can reach another. Times are generous: the machine may be small and busy.
export default defineConfig({
  testDir: '.',
  testMatch: process.env.AIHUB_IMAGES ? 'images.ts' : '*.spec.ts',
  globalSetup: './build.ts',
  outputDir: 'results',
  workers: 1,
  timeout: 240_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    viewport: { width: 1280, height: 720 },
    colorScheme: 'light',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    },
  },
})
