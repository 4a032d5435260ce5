/** A step, or several under one title: the call, its arguments in words, what came back, how long it took, and what has changed. */
import type { ActAhead, ActDone, ResultWords, StepWords } from '../../../trace/types.js'
import { duration, Text, visible } from '../text.jsx'

/** Steps of one act that are shown in full; the others in a line each. */
const FULL = 2
/** Characters of a call that fit in large letters. */
const LONG = 90

export function Act({ ahead, done }: { ahead: ActAhead; done: ActDone | undefined }) {
  const { steps, title, box } = ahead
  const failed = done ? done.results.findIndex(({ status }) => status === 'failed') : -1
  const full = (at: number) => steps.length <= FULL || at === failed || (failed < 0 && at === 0)
  return (
    <section class="act panel" aria-labelledby="title-act">
      <h2 id="title-act">
        <span class={done ? 'when' : 'when ahead'}>{done ? 'Just run' : 'About to run'}</span>
        {title !== undefined && (
          <>
            {' '}
            <Text of={title} most={80} />
          </>
        )}
        <small>
          in <Text of={box} most={40} />
          {steps.length > 1 && `, ${steps.length} calls`}
        </small>
      </h2>
      <ol class="steps">
        {steps.map((step, at) => (
          <li key={at} class={at > 0 ? 'next-step' : undefined}>
            {full(at) ? <Step step={step} result={done?.results[at]} /> : <Line step={step} result={done?.results[at]} />}
          </li>
        ))}
      </ol>
      {done && <Lines title="Why it failed here" lines={done.because} />}
      {done && <Lines title="What has changed" lines={done.changes} />}
    </section>
  )
}

function Step({ step, result }: { step: StepWords; result: ResultWords | undefined }) {
  const { actor, call, shown, args, why, summary, shell } = step
  return (
    <div class="step">
      <p class={shown.length > LONG ? 'call-long' : 'call'}>
        <code>{visible(shown)}</code>
        <Outcome result={result} />
        <b class="actor">{actor}</b>
      </p>
      {result?.answers?.map((line, at) => (
        <p key={at} class="answer">
          <Text of={line} most={220} />
        </p>
      ))}
      <p class="step-words">
        {summary !== undefined && (
          <span>
            <Text of={`${call}: ${summary}`} most={240} />
          </span>
        )}
        {why !== undefined && (
          <span>
            <Text of={why} most={300} />
          </span>
        )}
      </p>
      {args.length > 0 && (
        <dl class="args">
          {args.map(({ name, shown: value, words }, at) => (
            <div key={at}>
              <dt>
                {name} <code class="arg-value">{visible(value)}</code>
              </dt>
              {words.map(({ word, means }, index) => (
                <dd key={index}>
                  {word !== value && (
                    <>
                      <b>{visible(word)}</b>:{' '}
                    </>
                  )}
                  {visible(means)}
                </dd>
              ))}
            </div>
          ))}
        </dl>
      )}
      {shell !== undefined && (
        <p class="shell">
          as a command: <code>{visible(shell)}</code>
        </p>
      )}
    </div>
  )
}

function Line({ step: { actor, shown }, result }: { step: StepWords; result: ResultWords | undefined }) {
  return (
    <p class="call-line">
      <code>
        <Text of={shown} most={110} />
      </code>
      <Outcome result={result} />
      <b class="actor">{actor}</b>
    </p>
  )
}

const SIGNS: Readonly<Record<ResultWords['status'], string>> = { ok: '✓', failed: '✕', allowed: '○', 'not run': '–' }

function Outcome({ result }: { result: ResultWords | undefined }) {
  if (!result) return null
  const { status, outcome, nanoseconds } = result
  return (
    <span class={`outcome ${status.replace(' ', '-')}`}>
      <span aria-hidden="true">{SIGNS[status]} </span>
      {status === 'not run' ? 'not run' : <Text of={outcome} most={90} />}
      {status === 'allowed' && ' (expected)'}
      {nanoseconds > 0 && <small> {duration(nanoseconds)}</small>}
    </span>
  )
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul class="lines">
        {lines.map((line, at) => (
          <li key={at}>
            <Text of={line} most={220} />
          </li>
        ))}
      </ul>
    </>
  )
}
