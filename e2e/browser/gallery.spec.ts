import { expect, test } from './hub.ts'

test('every component shows itself in every state, in both themes', async ({ hub, page, faults: _ }) => {
  await page.goto(`${hub.url}/dev/gallery`)
  const scenes = page.locator('section[id]')
  await expect(scenes.first()).toBeVisible()
  expect(await scenes.count()).toBeGreaterThanOrEqual(20)
  for (const scene of await scenes.all()) {
    await scene.scrollIntoViewIfNeeded()
    const [light, dark] = await scene.locator('[data-theme]').evaluateAll((all) => all.map((e) => getComputedStyle(e).backgroundColor))
    expect(light).not.toBe(dark)
  }
  await page.screenshot({ path: 'results/gallery.png', fullPage: true })
})
