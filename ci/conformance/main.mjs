// What scripts/conformance.sh does once all it needs is there: main.mjs compare|update|score SUITE PROXY
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runSuite } from './run.mjs'
import { compare, loadTests, outcomes, parseList, printFailures, printList, printScore, together } from './score.mjs'

const LIST = fileURLToPath(new URL('expected.txt', import.meta.url))
const AGREEING_RUNS = 3

const [mode, suite, proxy] = process.argv.slice(2)
const tests = await loadTests(suite)

async function runs (count) {
  const found = []
  while (found.length < count) found.push(outcomes(tests, await runSuite(suite, proxy)))
  return found
}

async function update () {
  const found = together(await runs(AGREEING_RUNS))
  printScore(tests, found)
  const unstable = [...found].filter(([, outcome]) => outcome.startsWith('unstable'))
  unstable.forEach(([id, outcome]) => console.log(`${id}: ${outcome}`))
  if (unstable.length > 0) return false
  writeFileSync(LIST, printList(tests, found))
  return true
}

// A regression is looked at twice: whoever reads of it wants to know whether it comes and goes. It fails either way.
async function check () {
  const expected = parseList(readFileSync(LIST, 'utf8'))
  let [found] = await runs(1)
  if (compare(expected, found).worse.length > 0) found = together([found, ...await runs(1)])
  printScore(tests, found)
  const { worse, other } = compare(expected, found)
  other.forEach(line => console.log(`changed: ${line}`))
  worse.forEach(line => console.log(`REGRESSION: ${line}`))
  if (other.length > 0) console.log('scripts/conformance.sh --update takes the changes into the list')
  return worse.length === 0
}

async function score () {
  const results = await runSuite(suite, proxy)
  const found = outcomes(tests, results)
  printFailures(tests, found, results)
  printScore(tests, found)
  return true
}

const ok = await { compare: check, update, score }[mode]()
process.exit(ok ? 0 : 1)
