/** The frame: what this is a picture of, the views, how it looks. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useMemo, useState } from 'preact/hooks'
import { Replay } from '../../trace/replay.js'
import type { Exported } from '../protocol.js'
import { KernelView } from './kernel/kernel.jsx'
import { MarksContext } from './marks.jsx'
import { Room } from './room.jsx'
import { Replayed } from './step/replayed.jsx'
import { Step } from './step/step.jsx'
import type { State, Store } from './store.js'
import { bytes, Text } from './text.jsx'
import { isTyping, useKept, useStore } from './use.js'

const VIEWS = ['kernel', 'step', 'room'] as const
type View = (typeof VIEWS)[number]
const VIEW_WORDS: Readonly<Record<View, string>> = { kernel: 'Kernel', step: 'Step', room: 'Room' }

export function App({ store }: { store: Store }) {
  const state = useStore(store)
  const [view, setView] = useView()
  return (
    <Frame
      title={<Where state={state} />}
      views={
        <div role="tablist" aria-label="Views" class="tabs">
          {VIEWS.map((one, index) => (
            <button
              key={one}
              type="button"
              role="tab"
              id={`tab-${one}`}
              aria-selected={one === view}
              aria-controls="view"
              tabIndex={one === view ? 0 : -1}
              onClick={() => setView(one)}
              onKeyDown={(event) => moveTab(event, index, setView)}
            >
              {VIEW_WORDS[one]} <kbd>{index + 1}</kbd>
            </button>
          ))}
        </div>
      }
    >
      <section id="view" role="tabpanel" aria-labelledby={`tab-${view}`} class={state.connection === 'lost' ? 'stale' : undefined}>
        <MarksContext.Provider value={state.marks}>
          {view === 'kernel' && <KernelView state={state} />}
          {view === 'step' && <Step state={state} />}
          {view === 'room' && <Room room={state.room} />}
        </MarksContext.Provider>
      </section>
    </Frame>
  )
}

export function ExportedApp({ exported }: { exported: Exported }) {
  const replay = useMemo(() => new Replay(exported.events), [exported])
  return (
    <Frame
      title={
        <>
          <Text of={exported.summary.title} most={80} />, as it was recorded
        </>
      }
    >
      <section id="view" aria-label="The recorded session">
        <Replayed replay={replay} version={0} running={false} />
      </section>
    </Frame>
  )
}

function Frame({ title, views, children }: { title: ComponentChildren; views?: ComponentChildren; children: ComponentChildren }) {
  const [theme, setTheme] = useKept('theme', 'auto', ['auto', 'light', 'dark'])
  // Before it is painted: a dark room is not lit up for a moment.
  useLayoutEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  }, [theme])
  const next = theme === 'auto' ? 'dark' : theme === 'dark' ? 'light' : 'auto'
  return (
    <>
      <a class="skip" href="#view">
        To the picture
      </a>
      <header>
        <h1>drydock</h1>
        <p class="where">{title}</p>
        {views}
        <button type="button" class="quiet" onClick={() => setTheme(next)} aria-label={`Colours: ${theme}. Change to ${next}`}>
          {theme === 'auto' ? '◐' : theme === 'dark' ? '●' : '○'} {theme}
        </button>
      </header>
      <main>{children}</main>
    </>
  )
}

function Where({ state: { picture, connection } }: { state: State }) {
  if (connection === 'lost') {
    return (
      <strong role="alert" class="lost">
        The connection is lost. {picture ? 'This is the last picture; ' : ''}trying again…
      </strong>
    )
  }
  if (!picture) return <>Looking at the kernel…</>
  const { hostname, kernel, processors, load, memory } = picture.host
  return (
    <>
      <Text of={hostname} most={40} />, now: Linux <Text of={kernel} most={40} />, {processors} processors, load {load[0].toFixed(2)},
      memory {bytes(memory.total - memory.available)} of {bytes(memory.total)}
    </>
  )
}

/** 1, 2 and 3 choose a view wherever one does not type. */
function useView(): [View, (view: View) => void] {
  const [view, setView] = useState<View>(() => VIEWS.find((one) => location.hash === `#${one}`) ?? 'kernel')
  const choose = (next: View) => {
    history.replaceState(null, '', `#${next}`)
    setView(next)
  }
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return
      const next = VIEWS[Number(event.key) - 1]
      if (next) choose(next)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  return [view, choose]
}

function moveTab(event: KeyboardEvent, index: number, setView: (view: View) => void): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (step === undefined) return
  event.preventDefault()
  event.stopPropagation()
  const next = VIEWS[(index + step + VIEWS.length) % VIEWS.length] as View
  setView(next)
  document.getElementById(`tab-${next}`)?.focus()
}
