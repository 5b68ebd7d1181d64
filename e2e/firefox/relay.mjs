#!/usr/bin/env node
// Firefox as its makers released it, in Playwright's hands: starts the one that SHEAF_FIREFOX names and passes on what
// both say. Playwright asks every new profile to pretend a colour scheme, which a release from before that command
// refuses, and then there is no profile; so this is answered here.

import { spawn } from 'node:child_process'
import { WebSocket, WebSocketServer } from 'ws'

const ANSWERED_HERE = 'emulation.setMediaFeaturesOverride'
const READY = /WebDriver BiDi listening on (ws:\/\/\S+)/

const firefox = spawn(process.env.SHEAF_FIREFOX ?? 'firefox', process.argv.slice(2), { stdio: ['ignore', 'inherit', 'pipe'] })
firefox.on('error', (error) => {
  console.error(`Firefox does not start: ${error.message}`)
  process.exit(1)
})
firefox.on('exit', (code) => process.exit(code ?? 1))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => firefox.kill(signal))

let said = ''
let isReady = false
firefox.stderr.on('data', (chunk) => {
  const text = chunk.toString()
  if (isReady) return process.stderr.write(text)
  said += text
  const ready = READY.exec(said)
  if (ready === null) return
  isReady = true
  relay(ready[1])
})

function relay (firefoxUrl) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 256 * 1024 * 1024 })
  server.on('listening', () => console.error(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}`))
  server.on('connection', (playwright) => {
    const browser = new WebSocket(`${firefoxUrl}/session`, { maxPayload: 256 * 1024 * 1024, perMessageDeflate: false })
    const early = []
    playwright.on('message', (frame) => {
      const text = frame.toString()
      const { id, method } = JSON.parse(text)
      if (method === ANSWERED_HERE) playwright.send(JSON.stringify({ type: 'success', id, result: {} }))
      else if (browser.readyState === WebSocket.OPEN) browser.send(text)
      else early.push(text)
    })
    browser.on('open', () => early.splice(0).forEach((text) => browser.send(text)))
    browser.on('message', (frame) => playwright.send(frame.toString()))
    browser.on('close', () => playwright.close())
    browser.on('error', () => playwright.close())
    playwright.on('close', () => browser.close())
  })
}
