import { test as base, expect } from '@playwright/test'
import { Hub } from './hub.ts'
import { Line } from './line.ts'
import { Model } from './model.ts'
import { HostSite, Widget, watch } from './widget-site.ts'

// The widget on a site of another origin, which is as hostile as sites are. The site is at localhost and the hub at
// 127.0.0.1: two sites for the browser, so that storage is partitioned as between real ones.

type Fixtures = {
  hubEnv: Record<string, string>
  model: Model
  hub: Hub
  line: Line
  site: HostSite
  keys: { alfa: string; beta: string }
  wrongs: { faults: string[]; said: string[] }
  widget: Widget
}

export const test = base.extend<Fixtures>({
  hubEnv: [{}, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
  model: async ({}, use) => {
    const model = await Model.start()
    await use(model)
    await model.stop()
  },
  hub: async ({ model, hubEnv }, use) => {
    const hub = await Hub.start({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'modelo', ...hubEnv })
    await use(hub)
    await hub.stop()
  },
  line: async ({ hub }, use) => {
    const line = await Line.start(hub.port)
    await use(line)
    await line.stop()
  },
  site: async ({ line, keys }, use) => {
    const site = await HostSite.start(line.url)
    site.has('/', { data: { key: keys.alfa } })
    await use(site)
    await site.stop()
  },
  keys: async ({ hub }, use) => {
    const keyOf = async (slug: string) =>
      /data-key="(pk_\w+)"/.exec(await (await fetch(`${hub.url}/demo/${slug}`)).text())![1]!
    await use({ alfa: await keyOf('alfa'), beta: await keyOf('beta') })
  },
  wrongs: [
    async ({ context }, use) => {
      const wrongs = watch(context)
      await use(wrongs)
      expect(wrongs.faults).toEqual([])
    },
    { auto: true },
  ],
  widget: async ({ page }, use) => use(new Widget(page)),
})

/** For each file: Playwright takes options only there. */
export const options = {
  // Playwright switches storage partitioning off, with which browsers have long been delivered; the last list counts.
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-sync',
      '--disable-features=Translate,OptimizationHints',
    ],
  },
}

export const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }

