package hub_test

import (
	"strings"
	"testing"

	"aihub/store"
)

// The model is told the language of the person's screen, as it was when the question was asked: with a message that
// waited for its turn and with a further answer as well.
func TestTheModelKnowsThePersonsLanguage(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	said := func(question string, nth int) string { return w.upstream.asked(question)[nth].messages[0].Content }
	first := c.do(map[string]any{"t": "send", "cid": "1", "text": "first n=200 gap=2ms", "locale": "en"})
	second := c.do(map[string]any{"t": "send", "cid": "2", "conv": first.Conv, "text": "second n=2", "locale": "es-AR"})
	c.ended(first.Run)
	c.ended(second.Run)
	again := c.do(map[string]any{"t": "regen", "cid": "3", "msg": second.Msg})
	c.ended(again.Run)
	plain := c.ask("", "4", "terceira n=2")
	c.ended(plain.Run)
	for _, row := range []struct {
		question string
		nth      int
		locale   string
	}{{"first", 0, "en"}, {"second", 0, "es-AR"}, {"second", 1, "es-AR"}, {"terceira", 0, "pt-BR"}} {
		if got := said(row.question, row.nth); !strings.Contains(got, "Idioma da pessoa: "+row.locale+".") {
			t.Errorf("%s: told %q, want %s", row.question, got, row.locale)
		}
	}
}

// Only a plan that allows it opens the operator's models, also to a tenant that has none of its own.
func TestTheOperatorsModelsNeedThePlansLeave(t *testing.T) {
	closed := store.Plan{ID: "p_fechado", Name: "Fechado", Default: true}
	w := newWorld(t, closed)
	c := connect(t, w.hub(), "alfa/usuario")
	refused := c.do(map[string]any{"t": "send", "cid": "1", "text": "oi"})
	if refused.Code != "llm_config" || refused.Retry || !strings.Contains(refused.Message, `"Fechado" does not allow`) {
		t.Errorf("without leave: %s", refused.raw)
	}
	if n := len(w.upstream.asked("")); n != 0 {
		t.Errorf("the operator's model was asked %d times", n)
	}
	plan, err := w.store.Global().Plan(t.Context(), closed.ID)
	must(t, err)
	plan.AllowGlobalKey = true
	_, err = w.store.Global().UpdatePlan(t.Context(), plan)
	must(t, err)
	if end := c.ended(c.ask("", "2", "oi n=2").Run); end.State != "complete" {
		t.Errorf("with leave: %s", end.raw)
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 1 {
		t.Errorf("used: %+v", use)
	}
}
