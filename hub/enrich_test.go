package hub_test

import (
	"strings"
	"testing"

	"aihub/store"
)

// What the tenant wrote reaches the model behind the instructions, and only passages that the answer cites are shown as
// its sources. The model server's answers cite nothing, so the question is made to come back as the answer's echo.
func TestKnowledgeReachesTheModelAndItsOwnTenantOnly(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	_, err := w.tenant("alfa").CreateArticle(t.Context(), store.Article{Title: "Segunda via do boleto", Text: "A segunda via está no aplicativo, em Faturas."})
	must(t, err)
	for _, who := range []string{"alfa/usuario", "beta/usuario"} {
		c := connect(t, h, who)
		ok := c.ask("", "um", "Onde pego a segunda via do boleto? n=3 echo=[1]")
		end := c.ended(ok.Run)
		calls := w.upstream.asked("segunda via")
		told := calls[len(calls)-1].messages
		if who == "beta/usuario" {
			if len(told) != 2 || len(end.Sources) != 0 {
				t.Errorf("beta's model was told %v, sources %v", told, end.Sources)
			}
			continue
		}
		if len(told) != 3 || told[1].Role != "system" || !strings.Contains(told[1].Content, "[1] Segunda via do boleto\nA segunda via está no aplicativo") {
			t.Errorf("the model was told %v", told)
		}
		if len(end.Sources) != 1 || end.Sources[0].Title != "Segunda via do boleto" {
			t.Errorf("end: %s", end.raw)
		}
		m, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
		must(t, err)
		if len(m.Run.Sources) != 1 || m.Run.Sources[0].N != 1 {
			t.Errorf("stored sources %+v", m.Run.Sources)
		}
		other := c.ended(c.ask("", "dois", "Onde pego a segunda via do boleto? n=3").Run)
		if len(other.Sources) != 0 {
			t.Errorf("an answer that cites nothing has sources: %s", other.raw)
		}
	}
}

// With masking on, the model sees placeholders, also of what was said before, and people see the values.
func TestPersonalDataStaysFromTheModel(t *testing.T) {
	w := newWorld(t, unlimited)
	p, err := w.tenant("alfa").Profile(t.Context())
	must(t, err)
	p.Privacy.MaskPersonal = true
	_, err = w.tenant("alfa").UpdateProfile(t.Context(), p)
	must(t, err)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "Meu CPF é 529.982.247-25 n=3 echo=529.982.247-25") // the model server gets and says the placeholder
	c.ended(ok.Run)
	if text := c.text(ok.Conv, ok.Run); !strings.Contains(text, "529.982.247-25") || strings.Contains(text, "CPF_") {
		t.Errorf("shown %q", text)
	}
	c.ended(c.ask(ok.Conv, "dois", "E agora? n=3").Run)
	for _, call := range append(w.upstream.asked("Meu CPF"), w.upstream.asked("E agora")...) {
		for _, m := range call.messages {
			if strings.Contains(m.Content, "529") {
				t.Errorf("the model was told %q", m.Content)
			}
		}
	}
	question, err := w.tenant("alfa").Message(t.Context(), ok.Msg)
	must(t, err)
	if !strings.Contains(question.Text, "529.982.247-25") {
		t.Errorf("stored %q", question.Text)
	}
}

func TestATitleByTheModelWhereTheTenantWantsOne(t *testing.T) {
	w := newWorld(t, unlimited)
	global, err := w.store.Global().LLMConfig(t.Context(), "l_global")
	must(t, err)
	global.Titles = true
	_, err = w.store.Global().UpdateLLMConfig(t.Context(), global)
	must(t, err)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "Olá n=2")
	c.ended(ok.Run)
	renamed := c.await("the title", func(f in) bool { return f.K == "conv" && f.Title != "" })
	conv, err := w.tenant("alfa").Conversation(t.Context(), ok.Conv)
	must(t, err)
	if conv.Title != renamed.Title || conv.Title == ok.Title || len(w.upstream.asked("Olá")) != 2 {
		t.Errorf("title %q, told %q, %d calls", conv.Title, renamed.Title, len(w.upstream.asked("Olá")))
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	uses, err := w.tenant("alfa").QuotaOf(t.Context(), "u_alfa_usuario", store.Plan{Limits: []store.Limit{{Window: store.WindowMonth, Messages: 9}}})
	must(t, err)
	if len(uses) != 1 || uses[0].MessagesUsed != 1 || uses[0].TokensUsed != stored.Run.Usage.In+stored.Run.Usage.Out {
		t.Errorf("the title was counted: %+v for %+v", uses, stored.Run.Usage)
	}
}
