import { Pencil, Plus, Stethoscope } from 'lucide-react'
import { go } from '../console/place'
import { Button, type MenuItem } from '../shared/ui'
import { healthOf } from './health'
import { Item, Items } from './Item'
import { Badge, Sheet } from './parts'
import type { LLMConfig } from './rest'
import { Told } from './Told'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { useTrial } from './useTrial'
import { words } from './words'

const path = (id: string) => `/admin/llm-configs/${id}`
const open = (id: string) => go(path(id), new URLSearchParams())

/** The ways in which the distributor reaches models, and how each does. */
export default function LLMConfigs() {
  const a = words()
  const rows = useRows<LLMConfig>('/llm-configs')
  return (
    <Sheet
      title={a.pages['llm-configs']}
      help={a.llmsHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.llmNew}
        </Button>
      }
    >
      <Items
        of={rows}
        empty={a.llmsEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/llm-configs/${r.id}`}
        removeHelp={a.llmRemoveHelp}
        removeErrors={{ conflict: a.llmInUse }}
      >
        {(r, removal) => <Row key={r.id} row={r} onTried={() => void rows.reload()} removal={removal} />}
      </Items>
    </Sheet>
  )
}

function Row({ row: r, onTried, removal }: { row: LLMConfig; onTried: () => void; removal: MenuItem }) {
  const a = words()
  const trial = useTrial(r.id, onTried)
  return (
    <Item
      path={path(r.id)}
      name={r.name}
      about={
        <>
          <span>{a.llmProviders[r.provider]}</span>
          <span className="wrap-anywhere">{r.default_model}</span>
          {!trial.verdict && <Told {...healthOf(r.health)} />}
          <span role="status">{trial.verdict && <Told {...trial.verdict} />}</span>
        </>
      }
      badge={r.default && <Badge>{a.llmMain}</Badge>}
      active={r.state === 'active'}
      draft={hasDraft(`/llm-configs/${r.id}`)}
      menu={[
        { label: a.llmEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
        { label: a.llmTest, icon: <Stethoscope size={15} aria-hidden />, run: trial.run },
        'line',
        removal,
      ]}
    />
  )
}
