// What the suite's results mean. A test's outcome is a word:
//
// pass, fail
// setup         what the test is about was never reached
// dependency    one that it depends on did not pass, so that its own result says nothing
// missing       the suite has not run it
// unstable (…)  runs disagree
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// Those of kind `check` only tell what a cache does; neither way is wrong.
const KINDS = ['required', 'optimal', 'check']

/// The suite's tests for proxies, by their ids.
export async function loadTests (suite) {
  const index = pathToFileURL(path.resolve(suite, 'tests/index.mjs'))
  const tests = (await import(index)).default.flatMap(suite => suite.tests)
  return new Map(tests.filter(test => !test.browser_only).map(test => [test.id, { kind: 'required', depends_on: [], ...test }]))
}

/// Each test's outcome in one run.
export function outcomes (tests, results) {
  const found = new Map()
  const outcome = id => {
    if (!found.has(id)) {
      const unmet = tests.get(id)?.depends_on.some(needed => outcome(needed) !== 'pass')
      found.set(id, unmet ? 'dependency' : own(results[id]))
    }
    return found.get(id)
  }
  return new Map([...tests.keys()].map(id => [id, outcome(id)]))
}

function own (result) {
  if (result === undefined) return 'missing'
  if (result === true) return 'pass'
  return result[0] === 'Assertion' ? 'fail' : 'setup'
}

/// Each test's outcome in several runs.
export function together (runs) {
  return new Map([...runs[0].keys()].map(id => {
    const seen = [...new Set(runs.map(run => run.get(id)))]
    return [id, seen.length === 1 ? seen[0] : `unstable (${seen.join(', ')})`]
  }))
}

/// A line for each outcome that the list does not have: first those that have passed before.
export function compare (expected, found) {
  const changed = [...new Set([...expected.keys(), ...found.keys()])]
    .map(id => ({ id, before: expected.get(id) ?? 'missing', now: found.get(id) ?? 'missing' }))
    .filter(({ before, now }) => before !== now)
  const lines = changes => changes.map(({ id, before, now }) => `${id}: was ${before}, now ${now}`)
  return {
    worse: lines(changed.filter(({ before }) => before === 'pass')),
    other: lines(changed.filter(({ before }) => before !== 'pass'))
  }
}

export function printScore (tests, found) {
  for (const kind of KINDS) {
    const outcomes = [...tests.values()].filter(test => test.kind === kind).map(test => found.get(test.id))
    const passed = outcomes.filter(outcome => outcome === 'pass').length
    console.log(`${kind.padEnd(8)} ${passed} of ${outcomes.length}`)
  }
}

export function printFailures (tests, found, results) {
  for (const kind of KINDS.slice(0, 2)) {
    for (const test of tests.values()) {
      const outcome = found.get(test.id)
      if (test.kind !== kind || outcome === 'pass') continue
      const why = Array.isArray(results[test.id]) ? ` [${results[test.id][1]}]` : ''
      console.log(`${kind.padEnd(8)} ${outcome.padEnd(10)} ${test.id}: ${test.name}${why}`)
    }
  }
}

/// The list in the repository: id, kind, outcome.
export function printList (tests, found) {
  const lines = [...found].map(([id, outcome]) => `${id} ${tests.get(id).kind} ${outcome}\n`)
  return lines.sort().join('')
}

export function parseList (text) {
  return new Map(text.trimEnd().split('\n').map(line => {
    const [id, , outcome] = line.split(' ')
    return [id, outcome]
  }))
}
