/** A lesson's Markdown as elements: the tokens of `marked`, each as what it is, and every text as a text. Nothing in it can become HTML. */
import { marked, type Token, type Tokens } from 'marked'
import { useMemo } from 'preact/hooks'
import { Text, visible } from '../text.jsx'

export function Markdown({ text }: { text: string }) {
  return useMemo(() => <div class="markdown">{blocks(marked.lexer(text))}</div>, [text])
}

const blocks = (tokens: readonly Token[]) => tokens.map((token, at) => <Block key={at} token={token} />)

function Block({ token }: { token: Token }) {
  switch (token.type) {
    case 'heading':
      return <h4>{inline(token.tokens ?? [])}</h4>
    case 'paragraph':
      return <p>{inline(token.tokens ?? [])}</p>
    case 'text':
      return <>{inline((token as Tokens.Text).tokens ?? [token])}</>
    case 'code':
      return (
        <pre>
          <code class="markdown-code">{visible((token as Tokens.Code).text)}</code>
        </pre>
      )
    case 'blockquote':
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>
    case 'list':
      return <List list={token as Tokens.List} />
    case 'table':
      return <Table table={token as Tokens.Table} />
    case 'hr':
      return <hr />
    case 'html':
      return /^\s*<!--/.test(token.raw) ? null : <p>{visible(token.raw)}</p>
    default:
      return null
  }
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, at) => <li key={at}>{blocks(item.tokens)}</li>)
  return list.ordered ? <ol start={typeof list.start === 'number' ? list.start : 1}>{items}</ol> : <ul>{items}</ul>
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    <table>
      <thead>
        <tr>
          {table.header.map((cell, at) => (
            <th key={at} scope="col">
              {inline(cell.tokens)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, at) => (
          <tr key={at}>
            {row.map((cell, column) => (
              <td key={column}>{inline(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const inline = (tokens: readonly Token[]) => tokens.map((token, at) => <Inline key={at} token={token} />)

function Inline({ token }: { token: Token }) {
  switch (token.type) {
    case 'strong':
      return <strong>{inline(token.tokens ?? [])}</strong>
    case 'em':
      return <em>{inline(token.tokens ?? [])}</em>
    case 'del':
      return <del>{inline(token.tokens ?? [])}</del>
    case 'codespan':
      return (
        <code>
          <Text of={(token as Tokens.Codespan).text} most={1000} />
        </code>
      )
    case 'link':
      return <Link link={token as Tokens.Link} />
    case 'image':
      return <>[picture: {visible((token as Tokens.Image).text)}]</>
    case 'br':
      return <br />
    case 'html':
      return <>{visible(token.raw)}</>
    default: {
      const nested = (token as Tokens.Text).tokens
      return <>{nested ? inline(nested) : decoded(visible((token as Tokens.Text).text))}</>
    }
  }
}

/** Where it goes is said, and nothing is gone to: a page in front of a room leads nowhere by a slip of the hand. */
function Link({ link: { href, tokens } }: { link: Tokens.Link }) {
  const said = tokens.map(({ raw }) => raw).join('')
  return (
    <>
      {inline(tokens)}
      {/^https?:/.test(href) && said !== href && (
        <small>
          {' '}
          (<Text of={href} most={300} />)
        </small>
      )}
    </>
  )
}

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#39;': "'", '&nbsp;': ' ' }
const decoded = (text: string): string => text.replace(/&(?:lt|gt|amp|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity)
