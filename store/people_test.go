package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"aihub/store"
)

// talk makes a conversation with a message and its answer, both written at a time.
func talk(t *testing.T, a *store.Tenant, user, title, question, answer string, at time.Time) (conv store.Conversation, q, r string) {
	t.Helper()
	conv = newConversation(user, "", at)
	conv.Title = title
	_, _, err := a.CreateConversation(t.Context(), conv)
	must(t, err)
	q, r = idAt("m", at, 1), idAt("m", at, 2)
	must(t, a.AddMessage(t.Context(), store.Interaction{ID: q, ConversationID: conv.ID, Role: store.RoleUser, Author: user, AuthorName: "Ana", Text: question, CID: q, At: at}))
	m := newAnswer("r_"+r, at)
	m.ID, m.ConversationID, m.Text, m.Run.StartedAt = r, conv.ID, answer, at
	must(t, a.AddMessage(t.Context(), m))
	must(t, a.FinishRun(t.Context(), r, 1, store.Final{State: store.RunComplete, Text: answer, Len: int64(len(answer)), Usage: store.Usage{In: 1, Out: 2}}))
	must(t, a.MarkSettled(t.Context(), r))
	return conv, q, r
}

// idAt is an id as it would have been made at a time.
func idAt(prefix string, at time.Time, n int) string {
	s := store.IDAt(prefix, at)
	return s[:len(s)-8] + fmt.Sprintf("%06d%02d", made.Add(1), n)
}

var made atomic.Int64

func TestSearchFindsOnesOwnTitlesAndTexts(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		invoice, question, _ := talk(t, a, "u_1", "Segunda via da FATURA", "Onde está a fatura?", "Na área do cliente.", noon.Add(-3*time.Hour))
		slow, _, answer := talk(t, a, "u_1", "Internet lenta", "Está lenta desde ontem", "Reinicie a ONU, não o roteador.", noon.Add(-2*time.Hour))
		gone, _, _ := talk(t, a, "u_1", "fatura antiga", "fatura", "x", noon.Add(-time.Hour))
		must(t, a.DeleteConversation(t.Context(), gone.ID))
		talk(t, a, "u_2", "fatura de outra pessoa", "fatura", "x", noon)
		talk(t, b, "u_1", "fatura de outro distribuidor", "fatura", "x", noon)
		for _, test := range []struct{ words, conv, message string }{
			{"fatura", invoice.ID, question}, {"NAO O ROTEADOR", slow.ID, answer}, {"segunda via", invoice.ID, ""}, {"área do CLIENTE", invoice.ID, "-"},
			{"outra pessoa", "", ""}, {"", "", ""}, {"$regex", "", ""}, {".*", "", ""},
		} {
			hits, err := a.Search(t.Context(), "u_1", test.words, 10)
			must(t, err)
			switch {
			case test.conv == "" && len(hits) == 0:
			case len(hits) != 1, hits[0].Conversation.ID != test.conv, test.message == "" && hits[0].Message != nil,
				len(test.message) > 1 && (hits[0].Message == nil || hits[0].Message.ID != test.message):
				t.Errorf("%q: %+v", test.words, hits)
			}
		}
		long, _, _ := talk(t, a, "u_1", "longa", strings.Repeat("São dias e dias. ", 20)+"A LIGAÇÃO\ncaiu de novo "+strings.Repeat("ontem à noite ", 20), "x", noon.Add(-4*time.Hour))
		hits, err := a.Search(t.Context(), "u_1", "ligacao", 10)
		must(t, err)
		if len(hits) != 1 || hits[0].Conversation.ID != long.ID || !strings.HasPrefix(hits[0].Excerpt, "…") || !strings.HasSuffix(hits[0].Excerpt, "…") ||
			!strings.Contains(hits[0].Excerpt, "A LIGAÇÃO caiu de novo") || utf8.RuneCountInString(hits[0].Excerpt) != 162 {
			t.Errorf("the excerpt: %+v", hits)
		}
		if hits, err := a.Search(t.Context(), "u_1", "a", 1); err != nil || len(hits) != 1 || hits[0].Conversation.ID != slow.ID {
			t.Errorf("the latest of two: %+v, %v", hits, err)
		}
	})
}

func TestARatingIsOnesOwnAndOne(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		c, q, r := talk(t, a, "u_1", "x", "x", "x", noon)
		other, _, _ := talk(t, a, "u_2", "x", "x", "x", noon)
		must(t, a.Rate(ctx, store.Rating{ConversationID: c.ID, MessageID: r, UserID: "u_1", Score: -1, Comment: "não"}))
		must(t, a.Rate(ctx, store.Rating{ConversationID: c.ID, MessageID: r, UserID: "u_1", Score: 1}))
		must(t, a.Rate(ctx, store.Rating{ConversationID: c.ID, UserID: "u_1", Score: 4}))
		list, err := a.RatingsOf(ctx, c.ID)
		must(t, err)
		if len(list) != 2 || list[0].Score+list[1].Score != 5 || list[0].Comment+list[1].Comment != "" {
			t.Errorf("%+v", list)
		}
		must(t, a.Unrate(ctx, "u_1", c.ID, r))
		must(t, a.Unrate(ctx, "u_1", c.ID, r))
		must(t, a.Unrate(ctx, "u_2", c.ID, ""))
		if list, err := a.RatingsOf(ctx, c.ID); err != nil || len(list) != 1 || list[0].MessageID != "" {
			t.Errorf("after one was taken back: %+v %v", list, err)
		}
		for what, bad := range map[string]store.Rating{"another's": {ConversationID: other.ID, UserID: "u_1", Score: 1}, "another's message": {ConversationID: other.ID, MessageID: r, UserID: "u_2", Score: 1},
			"nothing": {ConversationID: "c_none", UserID: "u_1", Score: 1}} {
			is(t, a.Rate(ctx, bad), store.ErrNotFound, what)
		}
		for _, bad := range []store.Rating{{ConversationID: c.ID, UserID: "u_1", Score: 6}, {ConversationID: c.ID, UserID: "u_1"}, {ConversationID: c.ID, MessageID: q, UserID: "u_1", Score: 5}} {
			is(t, a.Rate(ctx, bad), store.ErrScore, fmt.Sprint(bad.Score))
		}
	})
}

func TestRetentionEmptiesThenRemovesAndKeepsCounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		day := 24 * time.Hour
		ancient, _, _ := talk(t, a, "u_1", "antiga", "texto antigo", "resposta antiga", noon.Add(-400*day))
		old, oldQ, oldR := talk(t, a, "u_1", "velha", "texto velho", "resposta velha", noon.Add(-40*day))
		young, youngQ, _ := talk(t, a, "u_1", "nova", "texto novo", "resposta nova", noon.Add(-2*day))
		must(t, a.Rate(ctx, store.Rating{ConversationID: ancient.ID, UserID: "u_1", Score: 2}))
		sweep := func() (done store.Swept) {
			t.Helper()
			for range 10 {
				s, err := a.Retain(ctx)
				must(t, err)
				if s == (store.Swept{}) {
					return done
				}
				done.Emptied, done.Removed, done.Days = done.Emptied+s.Emptied, done.Removed+s.Removed, done.Days+s.Days
			}
			t.Fatal("retention finds no end")
			return done
		}
		if done := sweep(); done != (store.Swept{}) {
			t.Errorf("without a retention: %+v", done)
		}
		p, err := a.Profile(ctx)
		must(t, err)
		p.Retention = store.Retention{ContentDays: 30, MetadataDays: 365, UsageDays: 100}
		_, err = a.UpdateProfile(ctx, p)
		must(t, err)
		done := sweep()
		if done.Removed != 3 || done.Days != 1 || done.Emptied < 3 {
			t.Errorf("%+v", done)
		}
		_, err = a.Conversation(ctx, ancient.ID)
		is(t, err, store.ErrNotFound, "the ancient conversation")
		if left, err := a.Messages(ctx, ancient.ID, "", 10); err != nil || len(left) != 0 {
			t.Errorf("ancient messages: %+v %v", left, err)
		}
		if c, err := a.Conversation(ctx, old.ID); err != nil || c.Title != "" {
			t.Errorf("%+v %v", c, err)
		}
		for _, id := range []string{oldQ, oldR} {
			m, err := a.Message(ctx, id)
			must(t, err)
			if m.Text != "" || m.EmptiedAt.IsZero() || m.Run != nil && (m.Run.Len != 14 || m.Run.Usage.Out != 2) {
				t.Errorf("%+v %+v", m, m.Run)
			}
		}
		if m, err := a.Message(ctx, youngQ); err != nil || m.Text != "texto novo" {
			t.Errorf("%+v %v", m, err)
		}
		if c, err := a.Conversation(ctx, young.ID); err != nil || c.Title != "nova" {
			t.Errorf("%+v %v", c, err)
		}
		if days, err := a.Daily(ctx, "2000-01-01", "2100-01-01"); err != nil || len(days) != 2 {
			t.Errorf("%+v %v", days, err)
		}
		// A message that becomes too old later is emptied then, and those before it are not read again.
		d.clock.set(noon.Add(29 * day))
		if done := sweep(); done.Emptied != 3 {
			t.Errorf("later: %+v", done)
		}
	})
}

func TestTheFirstConsentToAVersionStays(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		u := newUser("ana@x.example", store.RoleParticipant)
		must(t, a.CreateUser(ctx, u))
		must(t, a.Consent(ctx, u.ID, "2026-11", "um"))
		d.clock.set(noon.Add(time.Hour))
		must(t, a.Consent(ctx, u.ID, "2026-11", "outro"))
		must(t, a.Consent(ctx, u.ID, "2026-12", "dois"))
		got, err := a.User(ctx, u.ID)
		must(t, err)
		want := map[string]store.Consented{"2026-11": {At: noon, Digest: "um"}, "2026-12": {At: noon.Add(time.Hour), Digest: "dois"}}
		if !maps.EqualFunc(got.Consents, want, func(a, b store.Consented) bool { return a.At.Equal(b.At) && a.Digest == b.Digest }) {
			t.Errorf("%+v", got.Consents)
		}
		is(t, a.Consent(ctx, "u_none", "2026-11", "um"), store.ErrNotFound, "nobody's consent")
	})
}

func TestAPersonsExportIsCompleteAndTheirErasureLeavesCounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		u := newUser("ana@x.example", store.RoleParticipant)
		u.PasswordHash = "hash-da-senha"
		must(t, a.CreateUser(ctx, u))
		must(t, a.CreateUser(ctx, newUser("bia@x.example", store.RoleParticipant)))
		must(t, a.Consent(ctx, u.ID, "2026-11", "resumo-do-aviso"))
		c, q, r := talk(t, a, u.ID, "Título da Ana", "pergunta da Ana", "resposta à Ana", noon)
		talk(t, a, "u_other", "Título da Bia", "pergunta da Bia", "resposta à Bia", noon)
		must(t, a.Rate(ctx, store.Rating{ConversationID: c.ID, UserID: u.ID, Score: 5, Comment: "comentário da Ana"}))
		_, err := a.Reserve(ctx, u.ID, "r_x", plan(0), 5)
		must(t, err)

		var w bytes.Buffer
		receipt, err := a.ExportPerson(ctx, u.ID, &w)
		must(t, err)
		out := w.String()
		for _, part := range []string{"ana@x.example", "Título da Ana", "pergunta da Ana", "resposta à Ana", "comentário da Ana", "mes:2026-11", "resumo-do-aviso"} {
			if !strings.Contains(out, part) {
				t.Errorf("the export lacks %q:\n%s", part, out)
			}
		}
		for _, part := range []string{"Bia", "hash-da-senha"} {
			if strings.Contains(out, part) {
				t.Errorf("the export shows %q", part)
			}
		}
		lines := strings.SplitAfter(out, "\n")
		before := strings.Join(lines[:len(lines)-2], "")
		if sum := sha256.Sum256([]byte(before)); receipt.SHA256 != hex.EncodeToString(sum[:]) || receipt.Messages != 2 || receipt.Conversations != 1 || receipt.Ratings != 1 {
			t.Errorf("%+v", receipt)
		}
		for _, line := range lines[:len(lines)-1] {
			var v struct {
				Kind  string `json:"tipo"`
				Value any    `json:"valor"`
			}
			if err := json.Unmarshal([]byte(line), &v); err != nil || v.Kind == "" {
				t.Errorf("%s: %v", line, err)
			}
		}

		_, err = a.ErasePerson(ctx, "u_none", "u_admin")
		is(t, err, store.ErrNotFound, "nobody's erasure")
		receipt, err = a.ErasePerson(ctx, u.ID, "u_admin")
		must(t, err)
		if receipt.Messages != 2 || receipt.Conversations != 1 || receipt.Ratings != 1 {
			t.Errorf("%+v", receipt)
		}
		left := everything(t, d.s, a)
		for _, part := range []string{"ana@x.example", "da Ana", "à Ana", "hash-da-senha"} {
			if strings.Contains(left, part) {
				t.Errorf("%q is left:\n%s", part, left)
			}
		}
		if !strings.Contains(left, "pergunta da Bia") {
			t.Error("another person's words are gone")
		}
		now, err := a.User(ctx, u.ID)
		must(t, err)
		answer, err := a.Message(ctx, r)
		must(t, err)
		if now.State != store.StateDisabled || now.TokenEpoch != 1 || answer.Run.Usage.Out != 2 {
			t.Errorf("%+v %+v", now, answer.Run)
		}
		if m, err := a.Message(ctx, q); err != nil || m.AuthorName != "" {
			t.Errorf("%+v %v", m, err)
		}
		log, _, err := a.AuditLog(ctx, store.AuditFilter{Action: "pessoa.apagada"}, store.Page{})
		must(t, err)
		if len(log) != 1 || log[0].Target != u.ID || log[0].Actor != "u_admin" || log[0].Detail["interacoes"] != "2" {
			t.Errorf("%+v", log)
		}
		_, err = a.ErasePerson(ctx, u.ID, "u_admin") // once more, as after a crash
		must(t, err)
		admin := newUser("adm@x.example", store.RoleAdmin)
		must(t, a.CreateUser(ctx, admin))
		_, err = a.ErasePerson(ctx, admin.ID, "u_admin")
		is(t, err, store.ErrLastAdmin, "erasure of the last administrator")
	})
}

func TestAVisitorIsExportedAndErasedToo(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		v := store.Visitor{ID: store.NewID("v"), KeyID: "k", Identity: "contrato-77", Name: "Visitante Ivo", Answers: map[string]string{"cidade": "Chapecó"}, SecretHash: "hash-do-segredo"}
		must(t, a.CreateVisitor(ctx, v))
		must(t, a.NoteContext(ctx, v.ID, store.VisitorContext{Page: "https://provedor.example/planos", Title: "Planos", Given: []store.Given{{Name: "contrato", Value: "dado do Ivo"}}}))
		talk(t, a, v.ID, "Título do Ivo", "pergunta do Ivo", "resposta ao Ivo", noon)
		var w bytes.Buffer
		_, err := a.ExportPerson(ctx, v.ID, &w)
		must(t, err)
		private := []string{"contrato-77", "Visitante Ivo", "Chapecó", "provedor.example/planos", "dado do Ivo", "Título do Ivo", "pergunta do Ivo", "resposta ao Ivo"}
		for _, part := range private {
			if !strings.Contains(w.String(), part) {
				t.Errorf("the export lacks %q:\n%s", part, w.String())
			}
		}
		if strings.Contains(w.String(), "hash-do-segredo") {
			t.Error("the export shows a secret")
		}
		receipt, err := a.ErasePerson(ctx, v.ID, "u_admin")
		must(t, err)
		if receipt.Conversations != 1 || receipt.Messages != 2 {
			t.Errorf("%+v", receipt)
		}
		left := everything(t, d.s, a)
		for _, part := range append(private, "hash-do-segredo") {
			if strings.Contains(left, part) {
				t.Errorf("%q is left:\n%s", part, left)
			}
		}
		if now, err := a.Visitor(ctx, v.ID); err != nil || now.TokenEpoch != 1 {
			t.Errorf("%+v %v", now, err)
		}
	})
}
