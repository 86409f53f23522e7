import { Link2, LogOut } from 'lucide-react'
import { useState } from 'react'
import { api, say } from '../console/session'
import { Button } from '../shared/ui'
import { Ask } from './Ask'
import { Copyable, Part, Problem } from './parts'
import { inviteLink, invites } from './person'
import { type Role, refusal } from './rest'
import { words } from './words'

/** How a person comes in: the link with which they set their password, and an end to all their sessions. */
export function PersonAccess({ id, name, role, active }: { id: string; name: string; role: Role; active: boolean }) {
  const a = words()
  const [token, setToken] = useState(() => invites.get(id))
  const [problem, setProblem] = useState<string>()
  const [leaving, setLeaving] = useState(false)
  const invite = async () => {
    try {
      const { invite_token } = await api.authed<{ invite_token: string }>('POST', `/users/${id}/invite`)
      invites.set(id, invite_token)
      setToken(invite_token)
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    }
  }
  return (
    <Part title={a.access} help={active ? a.accessHelp : a.accessOff}>
      <Problem text={problem} />
      {token && (
        <div className="mb-4 max-w-2xl rounded-xl border border-line p-4">
          <Copyable label={a.inviteLink} value={inviteLink(role, token)} />
          <p className="mt-2 text-muted">{a.inviteLinkHelp}</p>
        </div>
      )}
      <div className="flex flex-wrap gap-2">
        <Button disabled={!active} onClick={() => void invite()} className="disabled:opacity-50">
          <Link2 size={15} aria-hidden />
          {token ? a.inviteAgain : a.inviteMake}
        </Button>
        <Button onClick={() => setLeaving(true)}>
          <LogOut size={15} aria-hidden />
          {a.revoke}
        </Button>
      </div>
      {leaving && (
        <Ask
          title={a.revokeTitle(name)}
          help={a.revokeHelp}
          action={a.revoke}
          run={async () => {
            await api.authed('POST', `/users/${id}/revoke`)
            setLeaving(false)
            say(a.revoked(name))
          }}
          onClose={() => setLeaving(false)}
        />
      )}
    </Part>
  )
}
