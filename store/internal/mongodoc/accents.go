package mongodoc

import (
	"regexp"
	"strings"
)

// accented are the letters that Fold turns into each plain one, in the alphabets of Western Europe.
var accented = map[rune]string{
	'a': "aáàâãäå", 'c': "cç", 'e': "eéèêë", 'i': "iíìîï", 'n': "nñ", 'o': "oóòôõö", 'u': "uúùûü", 'y': "yýÿ",
}

// anyAccent is a pattern that matches folded words whatever the accents of the text, composed or not. It has no
// repetition but of combining marks, so that no words make it slow.
func anyAccent(words string) string {
	var b strings.Builder
	for _, r := range words {
		switch letters := accented[r]; {
		case letters != "":
			b.WriteString("[" + letters + strings.ToUpper(letters) + "]\\p{M}*")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}
