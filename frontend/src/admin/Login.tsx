import { Plus, X } from 'lucide-react'
import { go } from '../console/place'
import { say } from '../console/session'
import { w } from '../console/words'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { Button, IconButton } from '../shared/ui'
import { Redirect } from './Logins'
import { blank, bodyOf, type Draft, draftOf, needsSecret, type Rule } from './login'
import { Choice, EditForm, Group, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import type { LoginProvider } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

/** One login provider, to add or change; `new` is the id of one that is not there yet. */
export default function Login({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<LoginProvider, Draft>({
    path: isNew ? '/login-providers' : `/login-providers/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    errors: { bad_field: a.loginRefused },
  })
  const { draft: d, saved, set } = edit
  const back = () => go('/admin/logins', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.loginSaved(row.name))
      back()
    }
    return row
  }
  return (
    <Sheet title={isNew ? a.loginNew : a.loginEdit} help={a.loginHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Redirect />
          <Field
            label={a.loginName}
            placeholder={a.loginNameHint}
            value={d.name}
            maxLength={40}
            required
            onChange={(e) => set({ name: e.target.value })}
          />
          <Field
            label={a.loginIssuer}
            type="url"
            placeholder="https://…"
            value={d.issuer}
            maxLength={300}
            required
            onChange={(e) => set({ issuer: e.target.value })}
          />
          <Field
            label={a.loginClient}
            autoComplete="off"
            spellCheck={false}
            value={d.client}
            maxLength={300}
            required
            onChange={(e) => set({ client: e.target.value })}
          />
          <Toggle label={a.loginOpen} checked={d.open} onChange={(open) => set({ open })} />
          {!d.open && (
            <Field
              label={a.loginSecret}
              type="password"
              autoComplete="new-password"
              maxLength={500}
              required={needsSecret(d, saved)}
              placeholder={needsSecret(d, saved) ? '' : a.secretStored(d.stored.last4)}
              value={d.secret}
              onChange={(e) => set({ secret: e.target.value })}
            />
          )}
          <Field
            label={a.loginDomains}
            placeholder="provedor.com.br"
            spellCheck={false}
            autoCapitalize="none"
            value={d.domains}
            onChange={(e) => set({ domains: e.target.value })}
            help={a.loginDomainsHelp}
          />
          <Toggle
            label={a.loginCreate}
            help={a.loginCreateHelp}
            checked={d.create}
            onChange={(create) => set({ create })}
          />
          <Toggle label={a.loginLink} help={a.loginLinkHelp} checked={d.link} onChange={(link) => set({ link })} />
          {d.create && <Roles draft={d} set={set} />}
          <Toggle label={a.loginActive} checked={d.active} onChange={(active) => set({ active })} />
        </EditForm>
      )}
    </Sheet>
  )
}

/** Which role people get who are made at their first login. */
function Roles({ draft: d, set }: { draft: Draft; set: (c: Partial<Draft>) => void }) {
  const a = words()
  const { usuario, supervisor, admin } = w.roles as Record<string, string>
  const names = { usuario: usuario!, supervisor: supervisor!, admin: admin! }
  const put = (at: number, c: Partial<Rule>) => set({ rules: d.rules.map((r, i) => (i === at ? { ...r, ...c } : r)) })
  return (
    <Group title={a.loginRoles}>
      <Choice label={a.loginRole} value={d.role} options={names} onChange={(role) => set({ role })} />
      <Field
        label={a.loginClaim}
        placeholder="groups"
        spellCheck={false}
        autoCapitalize="none"
        value={d.claim}
        maxLength={100}
        onChange={(e) => set({ claim: e.target.value })}
        help={a.loginClaimHelp}
      />
      {d.claim.trim() !== '' &&
        d.rules.map((r, i) => (
          <div key={i} className="flex items-end gap-2">
            <div className="min-w-0 flex-1">
              <Field
                label={a.ruleValue(i + 1)}
                value={r.value}
                maxLength={200}
                onChange={(e) => put(i, { value: e.target.value })}
              />
            </div>
            <div className="w-36 shrink-0">
              <Choice label={a.ruleRole(i + 1)} value={r.role} options={names} onChange={(role) => put(i, { role })} />
            </div>
            <IconButton
              label={a.ruleRemove(i + 1)}
              onClick={() => set({ rules: d.rules.filter((_, at) => at !== i) })}
              className="size-11"
            >
              <X size={16} aria-hidden />
            </IconButton>
          </div>
        ))}
      {d.claim.trim() !== '' && d.rules.length < 20 && (
        <Button className="self-start" onClick={() => set({ rules: [...d.rules, { value: '', role: 'supervisor' }] })}>
          <Plus size={15} aria-hidden />
          {a.ruleAdd}
        </Button>
      )}
    </Group>
  )
}
