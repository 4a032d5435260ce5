/** What happens in a lesson besides calls: a look, a question, a try at an exercise, what a program wrote. */
import type { Looked, Predicted, Printed, Tried } from '../../../trace/types.js'
import { Text, visible } from '../text.jsx'

export function Look({ looked: { title, rows } }: { looked: Looked }) {
  return (
    <section class="panel look" aria-labelledby="title-look">
      <h2 id="title-look">
        <span class="when">A look</span> <Text of={title} most={100} />
      </h2>
      <table>
        <tbody>
          {rows.map(({ label, value, notice }, at) => (
            <tr key={at} class={notice ? 'notice' : undefined}>
              <th scope="row">
                {notice && <span title="notice this">☞ </span>}
                <Text of={label} most={80} />
              </th>
              <td class="mono">{visible(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export function Prediction({ predicted: { question, choices, said, measured, because } }: { predicted: Predicted }) {
  return (
    <section class="panel prediction" aria-labelledby="title-prediction">
      <h2 id="title-prediction">
        <span class="when">Predict</span> <Text of={question} most={300} />
      </h2>
      <ul>
        {choices.map((choice) => (
          <li key={choice} class={choice === measured ? 'right' : undefined}>
            <span aria-hidden="true">{choice === measured ? '✓' : '·'}</span> <Text of={choice} />
            {choice === measured && <b> so it was</b>}
            {choice === said && <em> said here</em>}
          </li>
        ))}
      </ul>
      {!choices.includes(measured) && (
        <p>
          Measured: <Text of={measured} />
        </p>
      )}
      <p>{visible(because)}</p>
    </section>
  )
}

export function Try({ tried: { title, passed, saw } }: { tried: Tried }) {
  return (
    <section class="panel try" aria-labelledby="title-try">
      <h2 id="title-try">
        <span class="when">Exercise</span> <Text of={title} most={100} />
      </h2>
      <p class={passed ? 'passed' : 'not-yet'}>{passed ? '✓ The check has passed.' : '⚠ Not yet. The check saw:'}</p>
      <ul class="lines">
        {saw.map((line, at) => (
          <li key={at}>
            <Text of={line} most={300} />
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Characters of a program's output that are shown: the last ones. */
const SHOWN = 4000

export function Output({ printed: { box, text } }: { printed: Printed }) {
  return (
    <figure class="output">
      <figcaption>
        A program in <Text of={box} most={40} /> wrote
      </figcaption>
      <pre>{visible(text.slice(-SHOWN))}</pre>
    </figure>
  )
}
