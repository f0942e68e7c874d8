// One run of the suite: its origin, the proxy before it, and its client, each a process of its own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { devNull } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ORIGIN = fileURLToPath(new URL('origin.mjs', import.meta.url))
const START_MS = 10_000
const RUN_MS = 600_000

// What the RFC leaves to a cache, as the suite wants it: heuristic freshness, stale answers to an origin that fails, cookies
// that are stored. No breaker, since that origin fails on purpose.
const PROXY_OPTIONS = ['--heuristic', '--stale-if-error', '60s', '--store-set-cookie', '--breaker-failures', '0']

const children = new Set()
process.on('exit', () => children.forEach(child => child.kill()))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

/// Resolves to the suite's results: for each test `true`, or the name of an error and its message.
export async function runSuite (suite, proxy) {
  const root = existsSync(path.join(suite, 'test-engine')) ? path.join(suite, 'test-engine') : suite
  const file = name => path.resolve(root, name)
  const origin = start('origin', process.execPath, [ORIGIN, file('server/server.mjs')], {
    npm_config_protocol: 'http', npm_config_port: '0', npm_config_pidfile: devNull
  })
  const cache = start('proxy', proxy, [
    '--listen', '127.0.0.1:0', '--upstream', `http://${await address(origin)}`, ...PROXY_OPTIONS
  ])
  const client = start('client', process.execPath, ['--no-warnings', file('cli.mjs')], {
    npm_config_base: `http://${await address(cache)}`, npm_config_id: '', npm_package_config_id: ''
  })
  const code = await within(RUN_MS, client, client.ended)
  for (const child of [origin, cache]) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the ${child.name} ended before the client`)
    child.kill()
    await child.ended
  }
  if (code !== 0) throw new Error(`the client ended with ${code}:\n${client.said}`)
  const unset = client.said.split('PUT config').length - 1
  if (unset > 0) console.log(`${unset} tests could not be set up: the proxy refused their PUT`)
  return JSON.parse(client.output)
}

function start (name, command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  Object.assign(child, { name, output: '', said: '' })
  child.stdout.on('data', data => { child.output += data })
  child.stderr.on('data', data => { child.said += data })
  child.ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      children.delete(child)
      resolve(code ?? signal)
    })
  })
  children.add(child)
  return child
}

// Origin and proxy both say `listening on` where they do.
function address (child) {
  const said = new Promise(resolve => {
    child.stdout.on('data', () => {
      const found = /listening on (?:http:\/\/)?([\d.]+:\d+)[/\s]/i.exec(child.output)
      if (found) resolve(found[1])
    })
  })
  const ended = child.ended.then(code => { throw new Error(`the ${child.name} ended with ${code}:\n${child.said}`) })
  return within(START_MS, child, Promise.race([said, ended]))
}

function within (milliseconds, child, promise) {
  const late = new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`the ${child.name} took more than ${milliseconds / 1000} s`))
    setTimeout(fail, milliseconds).unref()
  })
  return Promise.race([promise, late])
}
