package mask

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	for in, want := range map[string]string{
		"CPF 529.982.247-25 e 52998224725":                 "CPF [CPF_1] e [CPF_1]",
		"meu cpf é 529 982 247 25.":                        "meu cpf é [CPF_1].",
		"111.111.111-11 e 529.982.247-26":                  "111.111.111-11 e 529.982.247-26",
		"CNPJ 11.222.333/0001-81, 11222333000181":          "CNPJ [CNPJ_1], [CNPJ_1]",
		"CNPJ novo 12.ABC.345/01DE-35":                     "CNPJ novo [CNPJ_1]",
		"fale com ana.souza+x@exemplo.com.br.":             "fale com [EMAIL_1].",
		"ligue (11) 98765-4321 ou +55 11 3456-7890":        "ligue [TELEFONE_1] ou [TELEFONE_2]",
		"whats 11987654321":                                "whats [TELEFONE_1]",
		"pedido 20261124001, contrato 4821, 300 Mb, R$ 89": "pedido 20261124001, contrato 4821, 300 Mb, R$ 89",
		"protocolo 1234567890123456":                       "protocolo 1234567890123456",
		"[CPF_1] 529.982.247-25":                           "[CPF_1] [CPF_2]",
		"sem dados":                                        "sem dados",
	} {
		if got := New().Hide(in); got != want {
			t.Errorf("Hide(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	got := Redact("CPF 529.982.247-25, ana@exemplo.com.br, (11) 98765-4321, protocolo 4821")
	if want := "CPF •••25, a•••@exemplo.com.br, •••21, protocolo 4821"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// However the answer is cut, what is shown is the answer with every placeholder replaced, and nothing stays behind.
func TestRestoreWhereverTheAnswerIsCut(t *testing.T) {
	m := New()
	asked := m.Hide("CPF 529.982.247-25, ana@exemplo.com.br e (11) 98765-4321; lista [1]")
	if strings.Contains(asked, "529") || strings.Contains(asked, "ana@") {
		t.Fatalf("asked %q", asked)
	}
	answer := "O CPF [CPF_1] é de [EMAIL_1]. [CPF_2] não existe, [[CPF_1]] sim; veja [a](b), a[0] e [TELEFONE_1][CPF_"
	want := "O CPF 529.982.247-25 é de ana@exemplo.com.br. [CPF_2] não existe, [529.982.247-25] sim; veja [a](b), a[0] e (11) 98765-4321[CPF_"
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		r, got := m.Restorer(), ""
		for rest := answer; rest != ""; {
			n := 1 + random.IntN(min(9, len(rest)))
			got += r.Add(rest[:n])
			rest = rest[n:]
		}
		if got += r.End(); got != want {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

func FuzzHideThenRestoreIsTheText(f *testing.F) {
	f.Add("CPF 529.982.247-25 de ana@exemplo.com.br, (11) 98765-4321, 11.222.333/0001-81")
	f.Add("[CPF_1] [TELEFONE_2] 52998224725")
	f.Fuzz(func(t *testing.T, text string) {
		m := New()
		hidden := m.Hide(text)
		r := m.Restorer()
		got := r.Add(hidden) + r.End()
		// Two spellings of one value come back as the first of them.
		if same := strings.EqualFold(canonical(CPF, got), canonical(CPF, text)); !same {
			t.Errorf("%q became %q through %q", text, got, hidden)
		}
	})
}
