package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
	"aihub/store/internal/doc"
)

// managed is one kind of managed row, as a test drives it.
type managed struct {
	create func(ctx context.Context, a *store.Tenant, i int) (id string, err error)
	list   func(ctx context.Context, a *store.Tenant, p store.Page) (ids []string, next string, err error)
	rev    func(ctx context.Context, a *store.Tenant, id string) (int64, string, error)
	update func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error)
	remove func(ctx context.Context, a *store.Tenant, id string, rev int64) error // nil: these rows stay
}

func idsOf[T any](id func(T) string) func([]T, string, error) ([]string, string, error) {
	return func(list []T, next string, err error) (ids []string, _ string, _ error) {
		for _, v := range list {
			ids = append(ids, id(v))
		}
		return ids, next, err
	}
}

var managedRows = map[string]managed{
	"users": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			u := newUser(fmt.Sprint(i, "@x.example"), store.RoleParticipant)
			return u.ID, a.CreateUser(ctx, u)
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(u store.User) string { return u.ID })(a.Users(ctx, store.UserFilter{}, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			u, err := a.User(ctx, id)
			return u.Rev, u.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			u, err := a.UpdateUser(ctx, store.User{ID: id, Rev: rev, Name: name, Role: store.RoleParticipant, State: store.StateActive})
			return u.Rev, err
		},
		nil,
	},
	"plans": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			p := store.Plan{ID: store.NewID("p"), Name: fmt.Sprint(i)}
			return p.ID, a.CreatePlan(ctx, p)
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.Plan) string { return v.ID })(a.Plans(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.Plan(ctx, id)
			return v.Rev, v.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdatePlan(ctx, store.Plan{ID: id, Rev: rev, Name: name})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeletePlan(ctx, id, rev)
		},
	},
	"models": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v := store.Model{ID: store.NewID("o"), Key: fmt.Sprint("k", i)}
			return v.ID, a.CreateModel(ctx, v)
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.Model) string { return v.ID })(a.OwnModels(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.Model(ctx, id)
			return v.Rev, v.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateModel(ctx, store.Model{ID: id, Rev: rev, Name: name, Key: id})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteModel(ctx, id, rev)
		},
	},
	"LLM configurations": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v := store.LLMConfig{ID: store.NewID("l")}
			return v.ID, a.CreateLLMConfig(ctx, v)
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.LLMConfig) string { return v.ID })(a.OwnLLMConfigs(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.LLMConfig(ctx, id)
			return v.Rev, v.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateLLMConfig(ctx, store.LLMConfig{ID: id, Rev: rev, Name: name})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteLLMConfig(ctx, id, rev)
		},
	},
	"widget keys": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v := store.WidgetKey{ID: store.NewID("pk")}
			return v.ID, a.CreateWidgetKey(ctx, v)
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.WidgetKey) string { return v.ID })(a.WidgetKeys(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.WidgetKey(ctx, id)
			return v.Rev, v.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateWidgetKey(ctx, store.WidgetKey{ID: id, Rev: rev, Name: name})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteWidgetKey(ctx, id, rev)
		},
	},
	"API keys": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v, _, err := a.CreateAPIKey(ctx, store.APIKey{})
			return v.ID, err
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.APIKey) string { return v.ID })(a.APIKeys(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.APIKey(ctx, id)
			return v.Rev, v.Name, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateAPIKey(ctx, store.APIKey{ID: id, Rev: rev, Name: name})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteAPIKey(ctx, id, rev)
		},
	},
	"articles": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v, err := a.CreateArticle(ctx, store.Article{})
			return v.ID, err
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.Article) string { return v.ID })(a.Articles(ctx, "", p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.Article(ctx, id)
			return v.Rev, v.Title, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateArticle(ctx, store.Article{ID: id, Rev: rev, Title: name})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteArticle(ctx, id, rev)
		},
	},
	"canned replies": {
		func(ctx context.Context, a *store.Tenant, i int) (string, error) {
			v, err := a.CreateCannedReply(ctx, store.CannedReply{Shortcut: fmt.Sprint("a", i)})
			return v.ID, err
		},
		func(ctx context.Context, a *store.Tenant, p store.Page) ([]string, string, error) {
			return idsOf(func(v store.CannedReply) string { return v.ID })(a.CannedReplies(ctx, p))
		},
		func(ctx context.Context, a *store.Tenant, id string) (int64, string, error) {
			v, err := a.CannedReply(ctx, id)
			return v.Rev, v.Title, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64, name string) (int64, error) {
			v, err := a.UpdateCannedReply(ctx, store.CannedReply{ID: id, Rev: rev, Title: name, Shortcut: id})
			return v.Rev, err
		},
		func(ctx context.Context, a *store.Tenant, id string, rev int64) error {
			return a.DeleteCannedReply(ctx, id, rev)
		},
	},
}

func TestManagedRowsArePagedAndChangedByRevision(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		for kind, m := range managedRows {
			t.Run(kind, func(t *testing.T) {
				ctx, a := t.Context(), d.tenant("")
				var want []string
				for i := range 7 {
					id, err := m.create(ctx, a, i)
					must(t, err)
					want = append(want, id)
				}
				slices.Sort(want)
				if kind == "articles" { // the newest first
					slices.Reverse(want)
				}
				var got []string
				for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
					ids, next, err := m.list(ctx, a, store.Page{Cursor: cursor, Limit: 3})
					must(t, err)
					got, cursor = append(got, ids...), next
				}
				if !slices.Equal(got, want) {
					t.Errorf("paged %v, want %v", got, want)
				}
				for _, cursor := range []string{"$ne", "a b", strings.Repeat("x", 200)} {
					_, _, err := m.list(ctx, a, store.Page{Cursor: cursor})
					is(t, err, store.ErrNotFound, "cursor "+cursor)
				}
				id := want[3]
				var won atomic.Int64
				race(8, func(i int) {
					switch rev, err := m.update(ctx, a, id, 1, fmt.Sprint("n", i)); {
					case err == nil && rev == 2:
						won.Add(1)
					case err != store.ErrConflict:
						t.Error(rev, err)
					}
				})
				if rev, name, err := m.rev(ctx, a, id); err != nil || rev != 2 || !strings.HasPrefix(name, "n") || won.Load() != 1 {
					t.Errorf("%d of 8 changes of one revision were made; now revision %d, %q, %v", won.Load(), rev, name, err)
				}
				_, err := m.update(ctx, a, "x_none", 1, "x")
				is(t, err, store.ErrNotFound, "change of nothing")
				if m.remove == nil {
					return
				}
				is(t, m.remove(ctx, a, id, 1), store.ErrConflict, "removal of an old revision")
				must(t, m.remove(ctx, a, id, 2))
				is(t, m.remove(ctx, a, id, 2), store.ErrNotFound, "second removal")
				must(t, m.remove(ctx, a, want[0], 0))
			})
		}
	})
}

func TestATenantsOwnRowWinsOverTheGlobalOne(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a, b, g := t.Context(), d.tenant(""), d.tenant(""), d.s.Global()
		key, id := store.NewID("x"), store.NewID("p")
		must(t, g.CreateModel(ctx, store.Model{ID: store.NewID("o"), Key: key, Name: "global", State: store.StateActive}))
		must(t, a.CreateModel(ctx, store.Model{ID: store.NewID("o"), Key: key, Name: "own", State: store.StateActive}))
		is(t, a.CreateModel(ctx, store.Model{ID: store.NewID("o"), Key: key}), store.ErrExists, "second model of a key")
		must(t, g.CreatePlan(ctx, store.Plan{ID: id, Name: "global"}))
		must(t, a.CreatePlan(ctx, store.Plan{ID: id, Name: "own"}))
		for tenant, want := range map[*store.Tenant]string{a: "own", b: "global"} {
			models, err := tenant.Models(ctx)
			must(t, err)
			var names []string
			for _, m := range models {
				if m.Key == key {
					names = append(names, m.Name)
				}
			}
			p, err := tenant.Plan(ctx, id)
			must(t, err)
			if !slices.Equal(names, []string{want}) || p.Name != want {
				t.Errorf("models %v, plan %s, want %s", names, p.Name, want)
			}
		}
		is(t, b.DeletePlan(ctx, id, 0), store.ErrNotFound, "a tenant deletes the global plan")
		_, err := b.UpdatePlan(ctx, store.Plan{ID: id, Rev: 1, Name: "mine"})
		is(t, err, store.ErrNotFound, "a tenant changes the global plan")
		must(t, g.DeletePlan(ctx, id, 1))
	})
}

func TestThePlanOfAPersonFollowsTheirSubscription(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		u := newUser("ana@x.example", store.RoleParticipant)
		must(t, a.CreateUser(ctx, u))
		free, paid := store.NewID("p"), store.NewID("p")
		must(t, a.CreatePlan(ctx, store.Plan{ID: free, Default: true}))
		must(t, a.CreatePlan(ctx, store.Plan{ID: paid}))
		planIs := func(want, when string) {
			t.Helper()
			if p, err := a.PlanOf(ctx, u.ID); err != nil || p.ID != want {
				t.Errorf("%s: %s, %v", when, p.ID, err)
			}
		}
		planIs(free, "before")
		_, err := a.CreateSubscription(ctx, store.Subscription{UserID: u.ID, PlanID: store.NewID("p")})
		is(t, err, store.ErrNotFound, "no such plan")
		_, err = a.CreateSubscription(ctx, store.Subscription{UserID: "u_none", PlanID: paid})
		is(t, err, store.ErrNotFound, "no such person")
		s, err := a.CreateSubscription(ctx, store.Subscription{UserID: u.ID, PlanID: paid, StartsAt: noon.Add(time.Hour), EndsAt: noon.Add(3 * time.Hour)})
		must(t, err)
		_, err = a.CreateSubscription(ctx, store.Subscription{UserID: u.ID, PlanID: free})
		is(t, err, store.ErrExists, "a second subscription")
		planIs(free, "before its start")
		d.clock.set(noon.Add(time.Hour))
		planIs(paid, "at its start")
		d.clock.set(noon.Add(3 * time.Hour))
		planIs(free, "at its end")
		s.EndsAt = time.Time{}
		s, err = a.UpdateSubscription(ctx, s)
		must(t, err)
		planIs(paid, "without an end")
		is(t, a.DeletePlan(ctx, paid, 0), store.ErrInUse, "a plan in use")
		s.State = store.StateSuspended
		s, err = a.UpdateSubscription(ctx, s)
		must(t, err)
		planIs(free, "suspended")
		must(t, a.Subscribe(ctx, u.ID, paid))
		planIs(paid, "subscribed anew")
		if now, err := a.SubscriptionOf(ctx, u.ID); err != nil || now.Rev != s.Rev+1 {
			t.Errorf("%+v %v", now, err)
		}
		must(t, a.DeleteSubscription(ctx, s.ID, 0))
		planIs(free, "removed")
		must(t, a.CreatePlan(ctx, store.Plan{ID: store.NewID("p"), Name: "new default", Default: true}))
		if p, err := a.Plan(ctx, free); err != nil || p.Default {
			t.Errorf("the old default is one still: %+v %v", p, err)
		}
	})
}

// Of two administrators who take the role from each other at the same moment one stays.
func TestTheLastAdministratorStays(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		other := d.on(d.open(), a)
		for round := range 10 {
			var admins []store.User
			for i := range 2 {
				u := newUser(fmt.Sprint(round, "-", i, "@x.example"), store.RoleAdmin)
				must(t, a.CreateUser(ctx, u))
				admins = append(admins, u)
			}
			if round > 0 { // the one that stayed before goes, so that again there are two
				stay, _, err := a.Users(ctx, store.UserFilter{Role: store.RoleAdmin, State: store.StateActive}, store.Page{})
				must(t, err)
				stay[0].Role = store.RoleParticipant
				_, err = a.UpdateUser(ctx, stay[0])
				must(t, err)
			}
			var refused atomic.Int64
			race(2, func(i int) {
				u := admins[i]
				u.Rev = 1
				if i == 0 {
					u.Role = store.RoleParticipant
				} else {
					u.State = store.StateDisabled
				}
				switch _, err := []*store.Tenant{a, other}[i].UpdateUser(ctx, u); err {
				case nil:
				case store.ErrLastAdmin:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
			left, _, err := a.Users(ctx, store.UserFilter{Role: store.RoleAdmin, State: store.StateActive}, store.Page{})
			must(t, err)
			p, err := a.Profile(ctx)
			must(t, err)
			if len(left) != 1 || refused.Load() != 1 || p.AdminCount != 1 {
				t.Fatalf("round %d: %d refused, %d administrators left, %d counted", round, refused.Load(), len(left), p.AdminCount)
			}
		}
	})
}

func TestAnAdministratorMadeBeforeTheTenantCounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx := t.Context()
		id, err := store.ParseTenantID(d.tenant("").ID().String() + "-late")
		must(t, err)
		a := d.s.Tenant(id)
		u := newUser("adm@x.example", store.RoleAdmin)
		must(t, a.CreateUser(ctx, u))
		must(t, d.s.Directory().CreateTenant(ctx, store.Profile{ID: id, Slug: id.String(), State: store.StateActive}))
		p, err := a.Profile(ctx)
		must(t, err)
		if p.AdminCount != 1 {
			t.Errorf("%d administrators counted", p.AdminCount)
		}
		u.Rev, u.State = 1, store.StateDisabled
		_, err = a.UpdateUser(ctx, u)
		is(t, err, store.ErrLastAdmin, "the only one")
	})
}

func TestAnotherRoleOrPasswordVoidsTokens(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		u := newUser("ana@x.example", store.RoleParticipant)
		must(t, a.CreateUser(ctx, u))
		epoch := func() int64 {
			t.Helper()
			now, err := a.User(ctx, u.ID)
			must(t, err)
			u = now
			return now.TokenEpoch
		}
		epoch()
		u.Name = "Bia"
		_, err := a.UpdateUser(ctx, u)
		must(t, err)
		if n := epoch(); n != 0 {
			t.Errorf("another name: epoch %d", n)
		}
		u.Role = store.RoleSupervisor
		_, err = a.UpdateUser(ctx, u)
		must(t, err)
		if n := epoch(); n != 1 {
			t.Errorf("another role: epoch %d", n)
		}
		must(t, a.SetPassword(ctx, u.ID, "hash"))
		must(t, a.RevokeSessions(ctx, u.ID))
		if n := epoch(); n != 3 || u.PasswordHash != "hash" {
			t.Errorf("another password: epoch %d, %q", n, u.PasswordHash)
		}
		is(t, a.SetPassword(ctx, "u_none", "x"), store.ErrNotFound, "nobody's password")
		is(t, a.RevokeSessions(ctx, "u_none"), store.ErrNotFound, "nobody's sessions")
	})
}

func TestAKeyGoesOnlyWhereItWasMeantToGo(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		c := store.LLMConfig{ID: store.NewID("l"), Provider: "openai", BaseURL: "https://api.example/v1", SealedKey: "sealed", KeyLast4: "1234", Fallbacks: []string{"x"}}
		must(t, a.CreateLLMConfig(ctx, c))
		c.Rev, c.BaseURL = 1, "https://api.example/v2"
		got, err := a.UpdateLLMConfig(ctx, c)
		must(t, err)
		if got.SealedKey != "sealed" {
			t.Error("another path of the same host took the key away")
		}
		for _, change := range []func(*store.LLMConfig){
			func(c *store.LLMConfig) { c.BaseURL = "https://evil.example/v2" },
			func(c *store.LLMConfig) { c.BaseURL = "http://api.example/v2" },
			func(c *store.LLMConfig) { c.BaseURL = "https://api.example:8443/v2" },
			func(c *store.LLMConfig) { c.Provider = "gemini" },
		} {
			fresh := c
			fresh.ID, fresh.Rev = store.NewID("l"), 1
			must(t, a.CreateLLMConfig(ctx, fresh))
			change(&fresh)
			if got, err := a.UpdateLLMConfig(ctx, fresh); err != nil || got.SealedKey != "" || got.KeyLast4 != "" {
				t.Errorf("the key went with to %s %s: %+v %v", fresh.Provider, fresh.BaseURL, got, err)
			}
			fresh.Rev, fresh.SealedKey, fresh.BaseURL = 2, "new", "https://elsewhere.example"
			if got, err := a.UpdateLLMConfig(ctx, fresh); err != nil || got.SealedKey != "new" {
				t.Errorf("a new key did not come with a new address: %+v %v", got, err)
			}
		}
	})
}

func TestAKeyNamesItsTenantAndNothingElseDoes(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a, b, dir := t.Context(), d.tenant(""), d.tenant(""), d.s.Directory()
		k, token, err := a.CreateAPIKey(ctx, store.APIKey{Name: "ci", ExpiresAt: noon.Add(time.Hour)})
		must(t, err)
		if strings.Contains(k.Hash, token) || !strings.HasSuffix(token, k.Last4) {
			t.Errorf("%+v for %s", k, token)
		}
		got, key, err := dir.TenantByAPIKey(ctx, token)
		must(t, err)
		if got.ID() != a.ID() || key.ID != k.ID {
			t.Errorf("%v %+v", got.ID(), key)
		}
		for what, bad := range map[string]string{"another tenant": strings.Replace(token, a.ID().String(), b.ID().String(), 1), "cut": token[:len(token)-1],
			"longer": token + "A", "empty": "", "no tenant": "ak__" + token, "a tenant that is a filter": "ak_$ne_x_y", "huge": "ak_" + strings.Repeat("a", 1<<16)} {
			_, _, err := dir.TenantByAPIKey(ctx, bad)
			is(t, err, store.ErrNotFound, what)
		}
		k.State, k.Rev = store.StateSuspended, 1
		k, err = a.UpdateAPIKey(ctx, k)
		must(t, err)
		_, _, err = dir.TenantByAPIKey(ctx, token)
		is(t, err, store.ErrNotFound, "switched off")
		k.State = store.StateActive
		_, err = a.UpdateAPIKey(ctx, k)
		must(t, err)
		d.clock.set(noon.Add(time.Hour))
		_, _, err = dir.TenantByAPIKey(ctx, token)
		is(t, err, store.ErrNotFound, "ended")
	})
}

func TestNamesOfTenantsAreUnique(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a, dir := t.Context(), d.tenant(""), d.s.Directory()
		id, err := store.ParseTenantID(a.ID().String() + "-b")
		must(t, err)
		is(t, dir.CreateTenant(ctx, store.Profile{ID: id, Slug: a.ID().String()}), store.ErrExists, "a slug that is taken")
		is(t, dir.CreateTenant(ctx, store.Profile{ID: a.ID(), Slug: a.ID().String() + "-new"}), store.ErrExists, "an id that is taken")
		found, p, err := dir.TenantBySlug(ctx, a.ID().String())
		must(t, err)
		if found.ID() != a.ID() || p.Name != "Loja" {
			t.Errorf("%+v", p)
		}
		_, _, err = dir.TenantBySlug(ctx, a.ID().String()+"-new")
		is(t, err, store.ErrNotFound, "the slug of a failed creation")
		p.Domains = []string{a.ID().String() + ".example"}
		p, err = a.UpdateProfile(ctx, p)
		must(t, err)
		if found, _, err := dir.TenantByDomain(ctx, p.Domains[0]); err != nil || found.ID() != a.ID() {
			t.Error(found, err)
		}
		p.Domains = nil
		_, err = a.UpdateProfile(ctx, p)
		must(t, err)
		_, _, err = dir.TenantByDomain(ctx, a.ID().String()+".example")
		is(t, err, store.ErrNotFound, "a domain that was given up")
	})
}

func TestADeletedTenantIsGoneAndStaysGone(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a, b, dir := t.Context(), d.tenant(""), d.tenant(""), d.s.Directory()
		stock(t, a)
		stock(t, b)
		other := everything(t, d.s, b)
		_, err := dir.Purge(ctx, a.ID())
		is(t, err, store.ErrConflict, "deletion of a living tenant")
		p, err := a.Profile(ctx)
		must(t, err)
		_, err = dir.SetTenantState(ctx, a.ID(), p.Rev, store.StateClosing, noon.Add(time.Hour))
		must(t, err)
		_, err = dir.Purge(ctx, a.ID())
		is(t, err, store.ErrConflict, "deletion before its time")
		d.clock.set(noon.Add(time.Hour))
		due, err := dir.Due(ctx)
		must(t, err)
		if !slices.Contains(due, a.ID()) {
			t.Errorf("due: %v", due)
		}
		n, err := dir.Purge(ctx, a.ID())
		must(t, err)
		if n < 15 {
			t.Errorf("%d rows deleted", n)
		}
		must(t, a.AddMessage(ctx, store.Interaction{ID: store.NewID("m"), Text: canary})) // by a writer that does not know yet
		_, err = dir.Purge(ctx, a.ID())
		must(t, err)
		left := everything(t, d.s, a)
		if strings.Contains(strings.ReplaceAll(left, "auditoria/000000000001", ""), "interacoes") || strings.Count(left, "\n") != 2 {
			t.Errorf("left:\n%s", left)
		}
		_, _, err = dir.TenantBySlug(ctx, a.ID().String())
		is(t, err, store.ErrNotFound, "its slug")
		is(t, dir.CreateTenant(ctx, store.Profile{ID: a.ID(), Slug: a.ID().String()}), store.ErrExists, "its id")
		if now := everything(t, d.s, b); now != other {
			t.Errorf("another tenant was touched:\n%s", now)
		}
	})
}

// odd is a document that no program of ours writes.
type odd struct {
	Conv string         `bson:"conversa_id" json:"conversa_id"`
	User map[string]any `bson:"usuario_id" json:"usuario_id"`
	At   string         `bson:"em" json:"em"`
	Run  []int          `bson:"execucao" json:"execucao"`
	Text int            `bson:"texto" json:"texto"`
}

func TestADocumentOfAnotherShapeIsLeftOutAndLoggedOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		var logged strings.Builder
		s, err := store.Open(t.Context(), d.spec, store.Options{Now: d.clock.now, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		must(t, err)
		defer func() { must(t, s.Close(context.Background())) }()
		a := d.on(s, d.tenant(""))
		n := stock(t, a)
		id := store.NewID("m")
		must(t, doc.Coll[odd]{Eng: s.Engine(), Scope: store.Scope(a), Name: "interacoes"}.Insert(t.Context(), id, odd{Conv: n.Conv}))
		for range 3 {
			got, err := a.Messages(t.Context(), n.Conv, "", 2)
			must(t, err)
			if len(got) != 2 {
				t.Errorf("%d messages", len(got))
			}
			_, err = a.Message(t.Context(), id)
			is(t, err, store.ErrNotFound, "the odd one")
		}
		if strings.Count(logged.String(), id) != 1 {
			t.Errorf("logged:\n%s", logged.String())
		}
	})
}
