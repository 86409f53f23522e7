package knowledge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain also is the process that reads a PDF.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "read-pdf" {
		if err := PDFText(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var articles = []Article{
	{ID: "k1", Title: "Segunda via do boleto", Text: "Para emitir a segunda via, entre no aplicativo e toque em Faturas. O código de barras chega por e-mail."},
	{ID: "k2", Title: "Troca de titularidade", Text: "As trocas de titularidade exigem CPF e comprovante.\n\n# Prazo\n\nA troca leva cinco dias úteis."},
	{ID: "k3", Title: "Formas de pagamento", Text: "Aceitamos cartão de crédito, Pix e boleto bancário."},
	{ID: "k4", Title: "Mudança de endereço", Text: "Informe o novo endereço com dez dias de antecedência. A visita técnica custa R$ 80,00."},
}

func TestPortugueseQuestionsFindTheirPassage(t *testing.T) {
	x, err := NewIndex(articles)
	if err != nil {
		t.Fatal(err)
	}
	for question, want := range map[string]string{
		"Como eu faço para pegar a segunda via dos boletos?": "k1",
		"quero trocar a titularidade":                        "k2",
		"qual o prazo da troca de titular?":                  "k2",
		"posso pagar com cartao?":                            "k3",
		"vou mudar de endereços, e agora?":                   "k4",
		`"+title:(boleto OR`:                                 "k1",
	} {
		got, err := x.Search(t.Context(), question, 3)
		if err != nil || len(got) == 0 || got[0].Article != want {
			t.Errorf("%q finds %+v (%v), want %s", question, got, err, want)
		}
	}
	for _, question := range []string{"", "o que é isso?", "xyzzy"} {
		if got, err := x.Search(t.Context(), question, 3); err != nil || len(got) != 0 {
			t.Errorf("%q finds %+v (%v), want nothing", question, got, err)
		}
	}
}

func TestSplit(t *testing.T) {
	long := strings.Repeat("Uma frase inteira sobre fibra. ", 200)
	got := split(Article{ID: "k", Title: "Guia", Text: "Começo.\n\n# Wi-Fi\n\n## Senha\n\nTroque a senha.\n\n```\n# comentário\n\nnão é título\n```\n\n## Nome\r\n\r\nTroque o nome.\n\n# Longo\n\n" + long})
	titles, total := map[string]bool{}, 0
	for _, p := range got {
		titles[p.Title] = true
		total += len(p.Text)
		if len(p.Text) > passageMax+passageGoal {
			t.Errorf("a passage of %d bytes", len(p.Text))
		}
	}
	for _, want := range []string{"Guia", "Guia › Wi-Fi › Senha", "Guia › Wi-Fi › Nome", "Guia › Longo"} {
		if !titles[want] {
			t.Errorf("no passage is titled %q: %v", want, titles)
		}
	}
	if total < len(long) {
		t.Errorf("%d bytes of passages for a text of more than %d", total, len(long))
	}
	for _, p := range got {
		if p.Title == "Guia › Wi-Fi › Senha" && !strings.Contains(p.Text, "# comentário") {
			t.Errorf("the code block was taken apart: %q", p.Text)
		}
	}
}

// shelfOf is a Source for tests that counts how often it is read.
type shelfOf struct {
	mu       sync.Mutex
	articles map[string][]Article
	version  int
	reads    int
}

func (s *shelfOf) Version(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.version), nil
}

func (s *shelfOf) Articles(_ context.Context, tenant string) ([]Article, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.articles[tenant], nil
}

func TestEachTenantFindsItsOwnArticlesAndTheirChanges(t *testing.T) {
	s := &shelfOf{articles: map[string][]Article{"alfa": articles[:1], "beta": articles[2:3]}}
	l, clock := NewLibrary(s), time.Now() // the index's library has goroutines of its own, so time is set by hand
	l.now = func() time.Time { return clock }
	find := func(tenant string) (ids []string) {
		got, err := l.Search(t.Context(), tenant, "boleto", 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got {
			ids = append(ids, p.Article)
		}
		return ids
	}
	for range 3 {
		if a, b := find("alfa"), find("beta"); len(a) != 1 || a[0] != "k1" || len(b) != 1 || b[0] != "k3" {
			t.Fatalf("alfa finds %v, beta %v", a, b)
		}
	}
	if s.reads != 2 {
		t.Errorf("articles were read %d times for two tenants", s.reads)
	}
	s.mu.Lock()
	s.articles["alfa"], s.version = nil, 1
	s.mu.Unlock()
	clock = clock.Add(checkEvery)
	if a := find("alfa"); len(a) != 0 {
		t.Errorf("a deleted article is still found: %v", a)
	}
	if none := find("gama"); len(none) != 0 {
		t.Errorf("a tenant without articles finds %v", none)
	}
}

func TestExtract(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read := []string{self, "read-pdf"}
	for _, c := range []struct {
		name, data, title, text string
		err                     error
	}{
		{"guia.md", "# Guia do Wi-Fi\n\nTroque a senha.", "Guia do Wi-Fi", "Troque a senha.", nil},
		{`C:\docs\aviso.txt`, "\xef\xbb\xbfManutenção", "aviso", "Manutenção", nil},
		{"antigo.txt", "Manuten\xe7\xe3o", "antigo", "Manutenção", nil},
		{"planos.csv", "Plano;Preço\nFibra 300;R$ 89,90\nFibra 600;R$ 109,90\n", "planos", "Plano: Fibra 300; Preço: R$ 89,90", nil},
		{"planos.pdf", onePage("Plano Fibra 300"), "planos", "Plano Fibra 300", nil},
		{"x.pdf", "%PDF-1.7 nonsense", "", "", ErrBroken},
		{"x.pdf", "", "", "", ErrBroken},
		{"x.exe", "MZ", "", "", ErrKind},
		{"vazio.md", " \n ", "", "", ErrNoText},
		{"grande.txt", strings.Repeat("a", MaxText+1), "", "", ErrTooBig},
		{"grande.txt", strings.Repeat("a", MaxFile+1), "", "", ErrTooBig},
	} {
		a, err := Extract(t.Context(), c.name, []byte(c.data), read)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
			continue
		}
		if err == nil && (a.Title != c.title || !strings.Contains(a.Text, c.text)) {
			t.Errorf("%s: title %q, text %q", c.name, a.Title, a.Text)
		}
	}
}

// onePage writes a PDF of one page with one line.
func onePage(line string) string {
	content := "BT /F1 12 Tf 72 720 Td (" + line + ") Tj ET"
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"}
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.String()
}

// Whatever an article holds, its passages hold every word of it, or their titles do.
func FuzzSplitLosesNoWord(f *testing.F) {
	f.Add("# a\n\nb\n\n```\n# c\n```\n## d\ne")
	f.Fuzz(func(t *testing.T, text string) {
		var all strings.Builder
		for _, p := range split(Article{Text: text}) {
			all.WriteString(p.Title + "\n" + p.Text + "\n")
		}
		for _, word := range strings.Fields(text) {
			// A heading without text under it titles nothing, and a word longer than a passage is cut.
			if !strings.Contains(text, "#") && len(word) < passageMax/2 && !strings.Contains(all.String(), word) {
				t.Errorf("%q is lost", word)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	var many []Article
	for i := range 1000 {
		a := articles[i%len(articles)]
		a.ID = fmt.Sprint(i)
		many = append(many, a)
	}
	x, err := NewIndex(many)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := x.Search(b.Context(), "segunda via do boleto", 4); err != nil {
			b.Fatal(err)
		}
	}
}
