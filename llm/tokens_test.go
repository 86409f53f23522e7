package llm

import (
	"strings"
	"testing"
)

func TestTallyDecidesAsACountOfAllWould(t *testing.T) {
	text := strings.Repeat("Vamos verificar juntos: reinicie a ONU, aguarde dois minutos e meça de novo. 😀 ", 60)
	total := CountTokens(text)
	for _, size := range []int{1, 3, 40, 5000} {
		var tally Tally
		reached := int64(0)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			tally.Add(rest[:n])
			rest = rest[n:]
			if tally.Reaches(reached + 100) {
				reached += 100
				if so := tally.Count(); so < reached {
					t.Fatalf("pieces of %d: %d is said to be reached at %d", size, reached, so)
				}
			}
		}
		if got := tally.Count(); got < total || got > total+total/5 { // cut words count more; each piece alone would count several times as much
			t.Errorf("pieces of %d: %d tokens, all at once %d", size, got, total)
		}
		if tally.Reaches(tally.Count() + 1) {
			t.Error("more is reached than there is")
		}
	}
}

func BenchmarkTally(b *testing.B) {
	for name, add := range map[string]func(*Tally, string) bool{
		"put off":    func(t *Tally, s string) bool { t.Add(s); return t.Reaches(1 << 40) },
		"each piece": func(t *Tally, s string) bool { t.counted += CountTokens(s); return t.counted >= 1<<40 },
	} {
		b.Run(name, func(b *testing.B) {
			var t Tally
			for b.Loop() {
				add(&t, " minutos")
			}
		})
	}
}
