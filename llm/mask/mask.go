// Package mask keeps personal data from a model: CPF, CNPJ, e-mail addresses and Brazilian telephone numbers become
// placeholders in what is asked, and are put back into the answer while it streams.
//
// A [Masker] belongs to one request. The same value gets the same placeholder throughout, so that the model can still
// tell two customers apart.
package mask

import (
	"fmt"
	"regexp"
	"strings"
)

// Kinds of personal data, as the placeholders name them.
const (
	CPF   = "CPF"
	CNPJ  = "CNPJ"
	Email = "EMAIL"
	Phone = "TELEFONE"
)

// found is how each kind looks; check, where there is one, tells a number from any other run of digits. The order
// matters: a CNPJ contains what looks like a telephone.
var found = []struct {
	kind  string
	shape *regexp.Regexp
	check func(string) bool
}{
	{Email, regexp.MustCompile(`[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`), nil},
	// Alphanumeric since July 2026 (Receita Federal, Instrução Normativa RFB nº 2.229/2024); the last two stay digits.
	{CNPJ, regexp.MustCompile(`\b[0-9A-Za-z]{2}\.?[0-9A-Za-z]{3}\.?[0-9A-Za-z]{3}/?[0-9A-Za-z]{4}-?[0-9]{2}\b`), validCNPJ},
	{CPF, regexp.MustCompile(`\b[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}[- ]?[0-9]{2}\b`), validCPF},
	{Phone, regexp.MustCompile(`(?:\+?\b55[ -]?)?(?:\(0?[1-9][0-9]\)|\b0?[1-9][0-9])[ -]?(?:9[ .-]?[0-9]{4}|[2-5][0-9]{3})[ .-]?[0-9]{4}\b`), nil},
}

// A Masker replaces personal data by placeholders and remembers what they stand for. It is used by one goroutine at a time.
type Masker struct {
	values  map[string]string // placeholder → value
	names   map[string]string // kind and canonical value → placeholder
	numbers map[string]int    // per kind
	taken   string            // all text seen so far: a placeholder that a person wrote is not given out
}

// New returns an empty Masker.
func New() *Masker {
	return &Masker{values: map[string]string{}, names: map[string]string{}, numbers: map[string]int{}}
}

// Hide returns the text with placeholders.
func (m *Masker) Hide(text string) string {
	m.taken += text
	for _, f := range found {
		text = f.shape.ReplaceAllStringFunc(text, func(v string) string {
			if f.check != nil && !f.check(v) {
				return v
			}
			return m.placeholder(f.kind, v)
		})
	}
	return text
}

func (m *Masker) placeholder(kind, value string) string {
	key := kind + " " + canonical(kind, value)
	if p, ok := m.names[key]; ok {
		return p
	}
	for {
		m.numbers[kind]++
		if p := fmt.Sprintf("[%s_%d]", kind, m.numbers[kind]); !strings.Contains(m.taken, p) {
			m.names[key], m.values[p] = p, value
			return p
		}
	}
}

// canonical is a value without its punctuation, so that two spellings are one.
func canonical(kind, value string) string {
	if kind == Email {
		return strings.ToLower(value)
	}
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(".-/ ()+", r) {
			return -1
		}
		return r
	}, value))
}

// validCPF checks the two check digits. All digits equal passes the sum but is never given out.
func validCPF(s string) bool {
	d := canonical(CPF, s)
	if len(d) != 11 || strings.Count(d, d[:1]) == 11 {
		return false
	}
	return digit(d[:9], 2, 11) == d[9] && digit(d[:10], 2, 11) == d[10]
}

// validCNPJ checks the two check digits; letters count as their ASCII code minus 48.
func validCNPJ(s string) bool {
	d := canonical(CNPJ, s)
	if len(d) != 14 || strings.Count(d, d[:1]) == 14 {
		return false
	}
	return digit(d[:12], 2, 9) == d[12] && digit(d[:13], 2, 9) == d[13]
}

// digit is the modulo-11 check digit of both numbers: weights grow from the right, from low to high and round again.
func digit(s string, low, high int) byte {
	sum, weight := 0, low
	for i := len(s) - 1; i >= 0; i-- {
		sum += int(s[i]-'0') * weight
		if weight++; weight > high {
			weight = low
		}
	}
	if rest := sum % 11; rest >= 2 {
		return byte('0' + 11 - rest)
	}
	return '0'
}

// Redact returns the text as a colleague may see it: of each value only its end is left.
func Redact(text string) string {
	for _, f := range found {
		text = f.shape.ReplaceAllStringFunc(text, func(v string) string {
			if f.check != nil && !f.check(v) {
				return v
			}
			if f.kind == Email {
				name, host, _ := strings.Cut(v, "@")
				first := []rune(name)[:1]
				return string(first) + "•••@" + host
			}
			return "•••" + v[len(v)-2:]
		})
	}
	return text
}
