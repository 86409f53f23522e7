package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"aihub/store"
	"aihub/store/internal/doc"
)

// names are everything by which a tenant's rows can be asked for.
type names struct {
	User, Email, External, Conv, Msg, Answer, Run, CID, Plan, Subscription, Model, Key, Config, Widget, Visitor, Identity, APIKey, Article, Reply, Shortcut, Audit, Domain, Issuer, Iss, Login, Export, Request, Whisper, Alert string
}

// canary is in everything that the first tenant stores.
const canary = "canario-alfa"

// stock fills a tenant with one row of each kind and returns their names.
func stock(t *testing.T, a *store.Tenant) names {
	t.Helper()
	ctx := t.Context()
	n := unknown()
	n.Email, n.External, n.Shortcut, n.Key = canary+"@alfa.example", canary+"|sub", canary+"-ola", canary+"-modelo"
	n.Domain = a.ID().String() + ".alfa.example"
	must(t, a.CreateUser(ctx, store.User{ID: n.User, Email: n.Email, External: n.External, Name: canary, Role: store.RoleAdmin, State: store.StateActive}))
	conv := newConversation(n.User, n.CID, noon)
	conv.ID, conv.Title = n.Conv, canary
	_, _, err := a.CreateConversation(ctx, conv)
	must(t, err)
	must(t, a.AddMessage(ctx, store.Interaction{ID: n.Msg, ConversationID: n.Conv, Role: store.RoleUser, Author: n.User, AuthorName: canary, Text: canary, CID: n.CID, At: noon}))
	answer := newAnswer(n.Run, noon.Add(-time.Minute))
	answer.ID, answer.ConversationID, answer.Text, answer.Run.UserID = n.Answer, n.Conv, canary, n.User
	must(t, a.AddMessage(ctx, answer))
	must(t, a.ClaimConversation(ctx, n.Conv, n.Run, 0))
	must(t, a.Enqueue(ctx, n.Conv, n.Run, store.Waiting{Run: n.Run, Author: n.User, CID: n.CID}))
	must(t, a.AddWhisper(ctx, store.Whisper{ID: n.Whisper, ConversationID: n.Conv, Author: n.User, AuthorName: canary, To: store.WhisperAI, Text: canary, CID: n.CID}))
	must(t, a.AddAlert(ctx, store.Alert{ID: n.Alert, ConversationID: n.Conv, Kind: canary, At: noon}))
	_, err = a.SetTag(ctx, n.Conv, canary, true)
	must(t, err)
	must(t, a.CreatePlan(ctx, store.Plan{ID: n.Plan, Name: canary, Limits: []store.Limit{{Window: store.WindowDay, Messages: 3}}}))
	sub, err := a.CreateSubscription(ctx, store.Subscription{UserID: n.User, PlanID: n.Plan})
	must(t, err)
	n.Subscription = sub.ID
	must(t, a.CreateModel(ctx, store.Model{ID: n.Model, Key: n.Key, Name: canary, State: store.StateActive}))
	must(t, a.CreateLLMConfig(ctx, store.LLMConfig{ID: n.Config, Name: canary, SealedKey: canary, State: store.StateActive, Limits: []store.Limit{{Window: store.WindowDay, Messages: 3}}}))
	must(t, a.CreateWidgetKey(ctx, store.WidgetKey{ID: n.Widget, Name: canary, Origins: []string{"https://alfa.example"}, PerDay: 1}))
	must(t, a.CreateVisitor(ctx, store.Visitor{ID: n.Visitor, KeyID: n.Widget, Identity: n.Identity, Name: canary}))
	must(t, a.TakeVisitor(ctx, store.WidgetKey{ID: n.Widget, PerDay: 1}))
	must(t, a.NoteContext(ctx, n.Visitor, store.VisitorContext{Page: "https://alfa.example/", Title: canary, Given: []store.Given{{Name: canary, Value: canary}}}))
	waits := newConversation(n.User, store.NewID("x"), noon)
	waits.Owner = store.Owner{Kind: store.OwnerQueue, Since: noon}
	_, _, err = a.CreateConversation(ctx, waits)
	must(t, err)
	for range store.MailsToAddress {
		must(t, a.TakeMail(ctx, n.User, n.Email))
	}
	k, _, err := a.CreateAPIKey(ctx, store.APIKey{Name: canary, UserID: n.User})
	must(t, err)
	b, err := a.CreateArticle(ctx, store.Article{Title: canary, Text: canary})
	must(t, err)
	r, err := a.CreateCannedReply(ctx, store.CannedReply{Shortcut: n.Shortcut, Title: canary, Text: canary})
	must(t, err)
	n.APIKey, n.Article, n.Reply = k.ID, b.ID, r.ID
	must(t, a.Rate(ctx, store.Rating{ConversationID: n.Conv, UserID: n.User, Score: 5, Comment: canary}))
	e, err := a.Audit(ctx, store.AuditEntry{Actor: canary, Action: canary, Target: canary})
	must(t, err)
	n.Audit = e.ID
	_, err = a.ReserveUnder(ctx, n.User, n.Run, store.Plan{}, store.LLMConfig{ID: n.Config, Limits: []store.Limit{{Window: store.WindowDay, Messages: 9}}},
		store.WidgetKey{ID: n.Widget, PerDay: 9}, 10)
	must(t, err)
	n.Iss = "https://" + a.ID().String() + ".alfa.example"
	must(t, a.CreateIssuer(ctx, store.Issuer{ID: n.Issuer, Name: canary, Issuer: n.Iss, Audience: canary, SealedSecret: canary, State: store.StateActive}))
	must(t, a.CreateLoginProvider(ctx, store.LoginProvider{ID: n.Login, Name: canary, Issuer: n.Iss, ClientID: canary, SealedSecret: canary, State: store.StateActive}))
	_, err = a.CreateExport(ctx, store.Export{ID: n.Export, UserID: n.User, By: canary})
	must(t, err)
	_, err = a.Remember(ctx, n.Request, canary, canary)
	must(t, err)
	p, err := a.Profile(ctx)
	must(t, err)
	p.Name, p.Domains, p.Retention = canary, []string{n.Domain}, store.Retention{ContentDays: 1, MetadataDays: 1, UsageDays: 1}
	_, err = a.UpdateProfile(ctx, p)
	must(t, err)
	return n
}

// unknown are names that nobody has, of the right shape.
func unknown() names {
	return names{User: store.NewID("u"), Email: "ninguem@nada.example", External: "ninguem|sub", Conv: store.NewID("c"), Msg: store.NewID("m"), Answer: store.NewID("m"),
		Run: store.NewID("r"), CID: store.NewID("x"), Plan: store.NewID("p"), Subscription: "a_" + store.NewID("u"), Model: store.NewID("o"), Key: "nenhum-modelo",
		Config: store.NewID("l"), Widget: store.NewID("pk"), Visitor: store.NewID("v"), Identity: store.NewID("q"), APIKey: store.NewID("k"), Article: store.NewID("b"), Reply: store.NewID("s"), Shortcut: "nenhum-ola",
		Audit: "000000000009", Domain: store.NewID("d") + ".example",
		Issuer: store.NewID("e"), Login: store.NewID("g"), Iss: "https://" + store.NewID("d") + ".example", Whisper: store.NewID("w"), Export: store.NewID("x"), Request: store.NewID("q"), Alert: store.NewID("al")}
}

// foreign calls each method of a tenant with another one's names. What a method gives for them must be what it gives for
// names that nobody has.
var foreign = map[string]func(ctx context.Context, b *store.Tenant, n names) (any, error){
	"ID": func(_ context.Context, b *store.Tenant, _ names) (any, error) { return nil, nil },

	"Profile": func(ctx context.Context, b *store.Tenant, _ names) (any, error) {
		p, err := b.Profile(ctx)
		return p.Name, err
	},
	"UpdateProfile": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		p, err := b.Profile(ctx)
		if err != nil {
			return nil, err
		}
		p, err = b.UpdateProfile(ctx, store.Profile{Rev: p.Rev, Name: "Beta", TimeZone: "Europe/Lisbon"})
		return p.Name, err
	},
	"Retain": func(ctx context.Context, b *store.Tenant, _ names) (any, error) { return b.Retain(ctx) },

	"CreateUser": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateUser(ctx, store.User{ID: n.User, Email: n.Email, External: n.External})
	},
	"User":        func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.User(ctx, n.User) },
	"UserByEmail": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.UserByEmail(ctx, n.Email) },
	"UserByExternal": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UserByExternal(ctx, n.External)
	},
	"Users": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Users(ctx, store.UserFilter{}, store.Page{Cursor: n.User[:3]}))
	},
	"UpdateUser": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateUser(ctx, store.User{ID: n.User, Rev: 1, Role: store.RoleParticipant, State: store.StateDisabled})
	},
	"Consent": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Consent(ctx, n.User, "1", canary)
	},
	"SetPassword": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.SetPassword(ctx, n.User, "x")
	},
	"RevokeSessions": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.RevokeSessions(ctx, n.User)
	},
	"RevokeRefresh": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.RevokeRefresh(ctx, n.User, "j", noon)
	},
	"LoginFailed": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.LoginFailed(ctx, n.User, 1, time.Hour)
	},
	"LoginSucceeded": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.LoginSucceeded(ctx, n.User)
	},
	"Person": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Person(ctx, n.User)
	},
	"ExportPerson": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		var w bytes.Buffer
		_, err := b.ExportPerson(ctx, n.User, &w)
		return w.String(), err
	},
	"ErasePerson": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.ErasePerson(ctx, n.User, "x")
	},

	"CreateConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		c := newConversation(n.User, n.CID, noon)
		c.ID = n.Conv
		c, made, err := b.CreateConversation(ctx, c)
		return []any{c.Title, made}, err
	},
	"Conversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Conversation(ctx, n.Conv) },
	"Conversations": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Conversations(ctx, n.User, "", 10))
	},
	"RetitleConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.RetitleConversation(ctx, n.Conv, canary, "x")
	},
	"RenameConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.RenameConversation(ctx, n.Conv, "x")
	},
	"DeleteConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteConversation(ctx, n.Conv)
	},
	"ClaimConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.ClaimConversation(ctx, n.Conv, n.Run, 0)
	},
	"ReleaseConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.ReleaseConversation(ctx, n.Conv, n.Run)
	},
	"Enqueue": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Enqueue(ctx, n.Conv, n.Run, store.Waiting{Run: n.Run})
	},
	"Dequeue": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Dequeue(ctx, n.Conv, n.Run) },
	"ConversationWaitingFor": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.ConversationWaitingFor(ctx, n.Run)
	},
	"WaitingConversations": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.WaitingConversations(ctx, 10)
	},
	"ChangeOwner": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		_, err := b.ChangeOwner(ctx, n.Conv, store.Owner{Kind: store.OwnerAI}, store.Owner{Kind: store.OwnerHuman, ID: n.User})
		return nil, err
	},
	"TouchConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.TouchConversation(ctx, n.Conv, 0)
	},
	"CloseConversation": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CloseConversation(ctx, n.Conv)
	},
	"OwnedByPeople": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.OwnedByPeople(ctx, 10) },
	"AddWhisper": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.AddWhisper(ctx, store.Whisper{ID: n.Whisper, ConversationID: n.Conv, Author: n.User, CID: n.CID})
	},
	"SetTag": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.SetTag(ctx, n.Conv, "urgente", true)
	},
	"AddAlert": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.AddAlert(ctx, store.Alert{ID: n.Alert, Kind: "test", At: noon})
	},
	"Alert": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Alert(ctx, n.Alert) },
	"Alerts": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Alerts(ctx, store.Page{Cursor: n.Alert[:3]}))
	},
	"TakeAlerts": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.TakeAlerts(ctx, time.Minute, 10)
	},
	"EndTry": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.EndTry(ctx, store.Alert{ID: n.Alert}, store.AlertFailed, 500, noon)
	},
	"DropAlerts": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DropAlerts(ctx, noon.Add(time.Hour))
	},
	"Whispers": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Whispers(ctx, n.Conv, "", 10)
	},
	"WhisperUsed": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.WhisperUsed(ctx, n.Whisper, n.Run)
	},
	"Search": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Search(ctx, n.User, canary, 10)
	},

	"AddMessage": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.AddMessage(ctx, store.Interaction{ID: n.Msg, ConversationID: n.Conv, Author: n.User, CID: n.CID})
	},
	"Message": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Message(ctx, n.Msg) },
	"MessageByCID": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.MessageByCID(ctx, n.Conv, n.User, n.CID)
	},
	"Messages": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Messages(ctx, n.Conv, "", 10)
	},
	"SetMessagePlace": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.SetMessagePlace(ctx, n.Msg, "e", 9)
	},
	"RunByID": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.RunByID(ctx, n.Run) },
	"Checkpoint": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Checkpoint(ctx, n.Answer, 1, store.Progress{Text: "x"})
	},
	"FinishRun": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.FinishRun(ctx, n.Answer, 1, store.Final{State: store.RunComplete})
	},
	"TakeOverRun": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		_, err := b.TakeOverRun(ctx, n.Answer, 1, noon.Add(time.Hour), noon.Add(2*time.Hour), "x")
		return nil, err
	},
	"MarkSettled": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.MarkSettled(ctx, n.Answer)
	},
	"StaleRuns": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.StaleRuns(ctx, noon.Add(time.Hour), 10)
	},

	"PlanOf": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		p, err := b.PlanOf(ctx, n.User)
		return p.Name, err
	},
	"Plans": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Plans(ctx, store.Page{}))
	},
	"Plan": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Plan(ctx, n.Plan) },
	"CreatePlan": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreatePlan(ctx, store.Plan{ID: n.Plan, Default: true})
	},
	"UpdatePlan": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdatePlan(ctx, store.Plan{ID: n.Plan, Rev: 1, Default: true})
	},
	"DeletePlan": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeletePlan(ctx, n.Plan, 0)
	},
	"Subscriptions": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Subscriptions(ctx, store.Page{}))
	},
	"Subscription": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Subscription(ctx, n.Subscription)
	},
	"SubscriptionOf": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.SubscriptionOf(ctx, n.User) },
	"CreateSubscription": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.CreateSubscription(ctx, store.Subscription{UserID: n.User, PlanID: n.Plan})
	},
	"UpdateSubscription": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateSubscription(ctx, store.Subscription{ID: n.Subscription, PlanID: n.Plan, Rev: 1, State: store.StateDisabled})
	},
	"DeleteSubscription": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteSubscription(ctx, n.Subscription, 0)
	},
	"Subscribe": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Subscribe(ctx, n.User, "p_other")
	},

	"Models": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Models(ctx) },
	"OwnModels": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.OwnModels(ctx, store.Page{}))
	},
	"Model": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Model(ctx, n.Model) },
	"CreateModel": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateModel(ctx, store.Model{ID: n.Model, Key: n.Key})
	},
	"UpdateModel": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateModel(ctx, store.Model{ID: n.Model, Rev: 1})
	},
	"DeleteModel": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteModel(ctx, n.Model, 0)
	},
	"LLMConfigs": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		own, _, err := b.LLMConfigs(ctx)
		return own, err
	},
	"OwnLLMConfigs": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.OwnLLMConfigs(ctx, store.Page{}))
	},
	"LLMConfig": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.LLMConfig(ctx, n.Config) },
	"CreateLLMConfig": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateLLMConfig(ctx, store.LLMConfig{ID: n.Config, Default: true})
	},
	"UpdateLLMConfig": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateLLMConfig(ctx, store.LLMConfig{ID: n.Config, Rev: 1, Default: true})
	},
	"DeleteLLMConfig": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteLLMConfig(ctx, n.Config, 0)
	},

	"Reserve": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Reserve(ctx, n.User, n.Run, plan(1), 7)
	},
	"ReserveUnder": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.ReserveUnder(ctx, n.User, n.Run, plan(1), store.LLMConfig{ID: n.Config, Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}},
			store.WidgetKey{ID: n.Widget, PerDay: 1}, 7)
	},
	"Extend": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Extend(ctx, n.User, &store.Reservation{Run: n.Run, Tokens: 10, Periods: []string{"dia:2026-11-24", "mes:2026-11"}}, 5, plan(0))
	},
	"GiveBack": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.GiveBack(ctx, n.User, n.Run, time.Time{})
	},
	"Settle": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Settle(ctx, n.User, n.Run, 1, true)
	},
	"QuotaOf": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.QuotaOf(ctx, n.User, plan(0, store.Limit{Window: store.WindowDay, Messages: 9}))
	},
	"ConfigQuotaOf": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.ConfigQuotaOf(ctx, store.LLMConfig{ID: n.Config, Limits: []store.Limit{{Window: store.WindowDay, Messages: 9}}})
	},
	"OpenReservations": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.OpenReservations(ctx, noon.Add(time.Hour))
	},
	"Daily": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Daily(ctx, "2000-01-01", "2100-01-01")
	},
	"UsageByPerson": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.UsageByPerson(ctx, store.Page{}))
	},

	"WidgetKeys": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.WidgetKeys(ctx, store.Page{}))
	},
	"WidgetKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.WidgetKey(ctx, n.Widget) },
	"CreateWidgetKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateWidgetKey(ctx, store.WidgetKey{ID: n.Widget})
	},
	"CreateVisitor": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateVisitor(ctx, store.Visitor{ID: n.Visitor, KeyID: n.Widget, Identity: n.Identity})
	},
	"Visitor": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Visitor(ctx, n.Visitor) },
	"VisitorByIdentity": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.VisitorByIdentity(ctx, n.Widget, n.Identity)
	},
	"NoteVisit": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.NoteVisit(ctx, n.Visitor, store.Visit{Name: "x"})
	},
	"NoteContext": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.NoteContext(ctx, n.Visitor, store.VisitorContext{Title: "x"})
	},
	"QueuePlace": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.QueuePlace(ctx, noon.Add(time.Hour))
	},
	"EndVisitor": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.EndVisitor(ctx, n.Visitor)
	},
	"TakeMail": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.TakeMail(ctx, n.User, n.Email)
	},
	"TakeVisitor": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.TakeVisitor(ctx, store.WidgetKey{ID: n.Widget, PerDay: 1})
	},
	"UpdateWidgetKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateWidgetKey(ctx, store.WidgetKey{ID: n.Widget, Rev: 1})
	},
	"DeleteWidgetKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteWidgetKey(ctx, n.Widget, 0)
	},
	"APIKeys": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.APIKeys(ctx, store.Page{}))
	},
	"APIKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.APIKey(ctx, n.APIKey) },
	"LoginProviders": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.LoginProviders(ctx, store.Page{}))
	},
	"LoginProvider": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.LoginProvider(ctx, n.Login) },
	"CreateLoginProvider": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateLoginProvider(ctx, store.LoginProvider{ID: store.NewID("g"), Name: n.Login, Issuer: n.Iss, State: store.StateActive})
	},
	"UpdateLoginProvider": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateLoginProvider(ctx, store.LoginProvider{ID: n.Login, Rev: 9})
	},
	"DeleteLoginProvider": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteLoginProvider(ctx, n.Login, 9)
	},
	"Issuers": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Issuers(ctx, store.Page{}))
	},
	"Issuer": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Issuer(ctx, n.Issuer) },
	"CreateIssuer": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.CreateIssuer(ctx, store.Issuer{ID: n.Issuer, Issuer: n.Iss, Audience: "beta", State: store.StateActive})
	},
	"UpdateIssuer": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateIssuer(ctx, store.Issuer{ID: n.Issuer, Rev: 9})
	},
	"DeleteIssuer": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteIssuer(ctx, n.Issuer, 9)
	},
	"LinkExternal": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.LinkExternal(ctx, n.User, "https://beta.example|1")
	},
	"Exports": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Exports(ctx, store.Page{}))
	},
	"Export": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Export(ctx, n.Export) },
	"CreateExport": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.CreateExport(ctx, store.Export{ID: n.Export, UserID: n.User})
	},
	"DeleteExport": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteExport(ctx, n.Export, 0)
	},
	"Remember": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.Remember(ctx, n.Request, "beta", "beta")
	},

	"CreateAPIKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		k, _, err := b.CreateAPIKey(ctx, store.APIKey{UserID: n.User})
		return k.UserID, err
	},
	"UpdateAPIKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateAPIKey(ctx, store.APIKey{ID: n.APIKey, Rev: 1})
	},
	"DeleteAPIKey": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteAPIKey(ctx, n.APIKey, 0)
	},

	"Articles": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Articles(ctx, canary, store.Page{}))
	},
	"Article": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.Article(ctx, n.Article) },
	"CreateArticle": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		_, err := b.CreateArticle(ctx, store.Article{Title: "x"})
		return nil, err
	},
	"UpdateArticle": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateArticle(ctx, store.Article{ID: n.Article, Rev: 1})
	},
	"DeleteArticle": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteArticle(ctx, n.Article, 0)
	},
	"KnowledgeVersion": func(ctx context.Context, b *store.Tenant, _ names) (any, error) { return b.KnowledgeVersion(ctx) },
	"CannedReplies": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.CannedReplies(ctx, store.Page{}))
	},
	"CannedReply": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.CannedReply(ctx, n.Reply) },
	"CreateCannedReply": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		r, err := b.CreateCannedReply(ctx, store.CannedReply{Shortcut: n.Shortcut})
		return r.Shortcut, err
	},
	"UpdateCannedReply": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return b.UpdateCannedReply(ctx, store.CannedReply{ID: n.Reply, Rev: 1})
	},
	"DeleteCannedReply": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.DeleteCannedReply(ctx, n.Reply, 0)
	},
	"Rate": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Rate(ctx, store.Rating{ConversationID: n.Conv, MessageID: n.Msg, UserID: n.User, Score: 1})
	},
	"Unrate": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return nil, b.Unrate(ctx, n.User, n.Conv, n.Msg)
	},
	"Ratings": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.Ratings(ctx, store.Page{}))
	},
	"RatingsOf": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.RatingsOf(ctx, n.Conv) },
	"Audit": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		e, err := b.Audit(ctx, store.AuditEntry{Actor: "x"})
		return []any{e.N, e.Prev}, err
	},
	"AuditLog": func(ctx context.Context, b *store.Tenant, n names) (any, error) {
		return list(b.AuditLog(ctx, store.AuditFilter{}, store.Page{}))
	},
	"VerifyAudit": func(ctx context.Context, b *store.Tenant, n names) (any, error) { return b.VerifyAudit(ctx) },
}

func list[T any](items []T, next string, err error) (any, error) { return []any{items, next}, err }

// Every exported method of a tenant, called with another tenant's names: it gives what it gives for names that nobody
// has, nothing of the other tenant's, and changes nothing of it. A method that has no case here fails the test.
func TestNoMethodReachesAnotherTenant(t *testing.T) {
	methods := reflect.TypeFor[*store.Tenant]()
	for i := range methods.NumMethod() {
		if name := methods.Method(i).Name; foreign[name] == nil {
			t.Errorf("%s has no case: say in isolation_test.go what it does with another tenant's names", name)
		}
	}
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		theirs := stock(t, a)
		d.clock.set(noon.Add(48 * time.Hour)) // so that retention would have something to do
		before := everything(t, d.s, a)
		if strings.Count(before, canary) < 15 {
			t.Fatalf("the first tenant is not stocked:\n%s", before)
		}
		for _, name := range sortedKeys(foreign) {
			call := foreign[name]
			nobody := unknown()
			got, err := call(t.Context(), d.tenant(""), theirs)
			want, wantErr := call(t.Context(), d.tenant(""), nobody)
			if g, w := shown(t, got, err, theirs), shown(t, want, wantErr, nobody); g != w {
				t.Errorf("%s with another tenant's names gives\n%s\nand with nobody's\n%s", name, g, w)
			}
			if s := shown(t, got, err, names{}); strings.Contains(s, canary) && !strings.Contains(name, "Create") {
				t.Errorf("%s shows what is another tenant's: %s", name, s)
			}
			if now := everything(t, d.s, a); now != before {
				t.Fatalf("%s changed what is another tenant's:\n%s\nwas\n%s", name, now, before)
			}
		}
		b := d.tenant("")
		p, err := b.Profile(t.Context())
		must(t, err)
		p.Domains = []string{theirs.Domain}
		_, err = b.UpdateProfile(t.Context(), p)
		is(t, err, store.ErrExists, "another tenant's domain")
		if now := everything(t, d.s, a); now != before {
			t.Errorf("the domain: changed to\n%s", now)
		}
	})
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

var madeID = regexp.MustCompile(`\b[a-z]{1,2}_[0-9a-v]{26}\b`)

// shown is a result with the names it was asked by taken out.
func shown(t *testing.T, v any, err error, n names) string {
	t.Helper()
	b, encErr := json.Marshal(v, json.Deterministic(true))
	must(t, encErr)
	s := string(b)
	var q *store.QuotaError
	for _, known := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrInUse, store.ErrLastAdmin, store.ErrScore} {
		if errors.Is(err, known) {
			err = known
		}
	}
	if errors.As(err, &q) {
		err = errors.New("quota")
	}
	s = fmt.Sprint(err, " ", s)
	for i := range reflect.TypeOf(n).NumField() {
		if name := reflect.ValueOf(n).Field(i).String(); name != "" {
			s = strings.ReplaceAll(s, name, "<"+reflect.TypeOf(n).Field(i).Name+">")
		}
	}
	return madeID.ReplaceAllString(s, "<id>")
}

// everything is all that a tenant stores.
func everything(t *testing.T, s *store.Store, a *store.Tenant) string {
	t.Helper()
	var b strings.Builder
	for _, coll := range store.Collections() {
		err := s.Engine().Find(t.Context(), store.Scope(a), coll, doc.Query{}, func(id string, decode func(any) error) {
			var v map[string]any
			if err := decode(&v); err != nil {
				t.Error(coll, id, err)
			}
			delete(v, "_id")
			raw, err := json.Marshal(v)
			if err == nil { // once more, so that what is inside is sorted too, whatever types the engine gave
				var plain any
				if err = json.Unmarshal(raw, &plain); err == nil {
					raw, err = json.Marshal(plain, json.Deterministic(true))
				}
			}
			if err != nil {
				t.Error(coll, id, err)
			}
			fmt.Fprintf(&b, "%s/%s %s\n", coll, id, raw)
		})
		must(t, err)
	}
	return b.String()
}
