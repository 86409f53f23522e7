package mask

import "strings"

// longest is the length of the longest placeholder that is waited for.
const longest = len("[TELEFONE_") + 6 + 1

// A Restorer puts values back into an answer that arrives in pieces. It is used by one goroutine at a time.
type Restorer struct {
	values map[string]string
	held   string // the end of what arrived, which may be the beginning of a placeholder
}

// Restorer returns a Restorer for the answer to what was hidden so far.
func (m *Masker) Restorer() *Restorer { return &Restorer{values: m.values} }

// Add takes the next piece and returns what can be shown now. A placeholder cut in two is held back until it is whole.
func (r *Restorer) Add(piece string) string {
	if len(r.values) == 0 {
		return piece
	}
	text := r.held + piece
	r.held = ""
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '[')
		if i < 0 {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:i])
		text = text[i:]
		end := strings.IndexByte(text, ']')
		switch {
		case end > 0:
			if v, ok := r.values[text[:end+1]]; ok {
				out.WriteString(v)
				text = text[end+1:]
				continue
			}
		case r.begins(text):
			r.held = text
			return out.String()
		}
		out.WriteByte('[')
		text = text[1:]
	}
}

// End returns what was held back, when nothing more comes.
func (r *Restorer) End() string {
	held := r.held
	r.held = ""
	return held
}

// begins reports whether text may be the beginning of a placeholder.
func (r *Restorer) begins(text string) bool {
	if len(text) > longest {
		return false
	}
	for p := range r.values {
		if strings.HasPrefix(p, text) {
			return true
		}
	}
	return false
}
